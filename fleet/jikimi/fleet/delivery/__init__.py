"""Delivery: a process that gives devices the pieces they ask for, and looks after rollouts.

`python -m jikimi.fleet.delivery --site DIR`

Apart from ingest, so that no update, however large, delays an acknowledgement or an alarm.
"""
