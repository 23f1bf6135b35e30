"""Fleet manager: site, broker, ingest, store, aggregates, web and the virtual bench."""
