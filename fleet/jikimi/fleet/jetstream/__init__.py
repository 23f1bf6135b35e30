"""What devices send to a clustered broker, shared among any number of ingest workers.

The broker's own means do the sharing: two replicated work-queue streams (alarms and states; everything else) divide
devices into partitions, each partition has one consumer, and a key-value bucket whose keys fade says which workers are
there. Each worker reads its share of the partitions; what a dead worker had not acknowledged comes to the next one.
"""

from jikimi.fleet.jetstream.session import Session

__all__ = ["Session"]
