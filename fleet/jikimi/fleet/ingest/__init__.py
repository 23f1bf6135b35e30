"""Ingest: from the broker into the store, and acknowledgements back to the devices.

Nothing is acknowledged before it is on the disk: a batch of messages is read, committed in one transaction, and only
then acknowledged, to the broker (MQTT) and to each device (the cumulative acknowledgement that frees its journal).
While a batch is being committed the next is read, and no more than that, so the broker waits and memory stays bounded.
Killed at any moment, ingest leaves a consistent store, and what it had not acknowledged comes again; the store ignores
what it has.

One thread reads and decodes, one commits; the first takes every outcome of the second, and whatever it cannot handle
ends the process with exit code 1: the supervisor starts it again. The MQTT library has no thread of its own.
"""
