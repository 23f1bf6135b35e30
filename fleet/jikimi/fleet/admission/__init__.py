"""On each machine of a cluster: what another machine changes in the registry is in force at the nodes here as well."""
