"""Everything a tag publishes in a shift, message by message: what may leave it is on this list, and nothing else."""

from __future__ import annotations

from jikimi.wire import kinds, messages, topics
from tests.shift.conftest import Plant, Tag, until

LEAVES = {topics.STATE, topics.ALARM, topics.EVENT, topics.VITALS}
# Of a tag: alarms, and events that are counts or single happenings. No samples, no heart rate, no place, no near miss.
KINDS = {
    kinds.SOS,
    kinds.CLEARED,
    kinds.CONFIRMED,
    kinds.FALL,
    kinds.FALLING,
    kinds.NO_MOTION,
    kinds.RECOVERED,
    kinds.SENSOR_FAULT,
    kinds.SELF_TEST,
    kinds.STILL_OPEN,
    kinds.WARNING,
    kinds.BENDS,
    kinds.LOST,
    kinds.LOW_BATTERY,
    kinds.BATTERY_SHORT,
    kinds.CHECK_IN_MISSED,
}
# A second of samples is 1,248 bytes; no data of one record comes near what even a tenth of it would need.
MOST_BYTES_OF_DATA = 64


def _work(tag: Tag) -> None:
    """A fault, a call for help, a person who takes it on, the end of the shift."""
    world = tag.plant.world
    until(lambda: kinds.SELF_TEST in tag.records(), "the self-test")
    world.faults(tag.device).imu_nak = True
    until(lambda: kinds.SENSOR_FAULT in tag.records(), "the fault")
    world.faults(tag.device).imu_nak = False
    tag.press(2.2)
    until(lambda: kinds.SOS in tag.records(), "the call")
    tag.order(messages.CMD_IDENTIFY, {messages.ARG_SECONDS: 1})
    tag.press(0.6)
    until(lambda: tag.records().count(kinds.CLEARED) >= 2, "the end of both")
    until(lambda: len(tag.said(topics.VITALS)) >= 3, "vitals")
    world.set_docked(tag.device, True)
    until(lambda: tag.said(topics.STATE)[-1].status == "docked", "the farewell")


def test_a_shift_publishes_nothing_but_what_is_listed_here(plant: Plant):
    secret = "5ec2e75ec2e75ec2e75ec2e75ec2e75e"
    tag = plant.add_tag(ephemeral_secret=secret)
    _work(tag)
    heard = [(leaf, payload) for device, leaf, payload in plant.ear.heard if device == tag.device]
    assert {leaf for leaf, _payload in heard} <= LEAVES
    batches = tag.said(topics.ALARM) + tag.said(topics.EVENT)
    records = [record for batch in batches for record in batch.records]
    assert {record.kind for record in records} <= KINDS
    assert max(len(record.body) for record in records) <= MOST_BYTES_OF_DATA
    assert not [record for record in records if kinds.EPHEMERAL in record.data or kinds.PERIOD in record.data]
    everything = b"".join(payload for _leaf, payload in heard)
    key = (tag.board.flash_dir / "tls" / "key.der").read_bytes()
    assert bytes.fromhex(secret) not in everything
    assert secret.encode() not in everything
    assert key not in everything
    # What one second of samples would need is more than the whole shift said but for its vitals, and for repetitions.
    said = sum(len(payload) for payload in {payload for leaf, payload in heard if leaf != topics.VITALS})
    assert said < 104 * 12


def test_an_alarm_at_rest_says_nothing_about_the_motion_before_it(plant: Plant):
    tag = plant.add_tag()
    tag.press(2.2)
    sos = until(
        lambda: [r for b in tag.said(topics.ALARM) for r in b.records if r.kind == kinds.SOS],
        "the call",
    )[0]
    assert sos.data == {}
    tag.press(0.6)
