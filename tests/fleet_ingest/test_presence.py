"""Who is there, as the page asks it: counts of all, and the devices that matter most one by one."""

from __future__ import annotations

import pytest

from jikimi.fleet.store import Batch, KindCount, Store
from tests.fleet_ingest.build import add_devices, report, set_state


@pytest.fixture
def plant(url: str, store: Store) -> Store:
    """Tags: t1 on line, t2 docked, t3 lost, t4 never heard, t5 revoked; the node n1 on line."""
    add_devices(url, t3=("tag", "hall"), t4=("tag", "hall"), t5=("tag", "hall"))
    said = [
        report("t1", 1, online=True, status="online", battery_pct=80),
        report("t2", 1, online=False, status="docked"),
        report("t3", 1, online=False, heard=False, status="lost"),
        report("t5", 1, online=True, status="online"),
        report("n1", 1, online=True, status="online"),
    ]
    store.store_batch(Batch(statuses=tuple(said)))
    set_state(url, "t5", "revoked")
    return store


def test_devices_on_line_or_docked_are_there_and_those_not_in_use_are_not_counted(plant):
    assert plant.presence(10).counts == (KindCount("node", 1, 1), KindCount("tag", 2, 4))


def test_a_small_site_is_shown_whole_in_the_order_devices_were_added(plant):
    found = plant.presence(6)
    assert found.more == 0
    assert found.devices == plant.presence(1_000).devices
    assert {
        row.device: (row.online, row.docked, row.battery_pct) for row in found.devices if row.state == "active"
    } == {
        "t1": (True, False, 80),
        "t2": (False, True, None),
        "t3": (False, False, None),
        "t4": (False, False, None),
        "n1": (True, False, None),
    }
    assert [row.device for row in found.devices] == [row.device for row in plant.device_rows()]


@pytest.mark.parametrize(
    ("most", "shown"), [(0, set()), (2, {"t3", "t4"}), (5, {"t1", "t2", "t3", "t4", "n1"})], ids=["none", "two", "five"]
)
def test_of_a_large_site_the_missing_come_first_and_those_not_in_use_last(plant, most, shown):
    found = plant.presence(most)
    assert {row.device for row in found.devices} == shown
    assert found.more == 6 - most
    assert found.counts == plant.presence(6).counts
