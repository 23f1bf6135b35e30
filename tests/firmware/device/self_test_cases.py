"""A flash that fails in each way, and a self-test whose parts report in any order."""

# ruff: noqa: T201 - stdout is the result.

import asyncio
import json

from fake_alarms import opened
from fake_time import FakePort

from jikimi.edge import self_test
from jikimi.edge.clock import Clock
from jikimi.edge.open_alarms import Alarm
from jikimi.edge.port import port
from jikimi.edge.self_test import SelfTest, flash_fault
from jikimi.wire import kinds

records = []


def record(kind, data):
    records.append([kind, sorted(data.items())])
    return len(records)


class Flash:
    """Files of which one operation fails, or what is read is not what was written."""

    def __init__(self, broken):
        self._files = port().files("flash")
        self._broken = broken

    def _done(self, name, *arguments):
        if self._broken == name:
            raise OSError(5)
        return getattr(self._files, name)(*arguments)

    def create(self, name):
        return self._done("create", name)

    def write(self, file, data):
        return self._done("write", file, data)

    def close(self, file):
        return self._done("close", file)

    def remove(self, name):
        return self._done("remove", name)

    def read(self, name):
        content = self._done("read", name)
        return content[:-1] + b"?" if self._broken == "bits" else content


result = {"flash": [flash_fault(Flash(how)) for how in ("", "create", "write", "close", "read", "bits", "remove")]}


class Battery:
    def fault(self):
        return kinds.FAULT_SELF_TEST


test = SelfTest(opened(record), record, Flash("bits"), Battery())
imu = test.fault(kinds.SENSOR_IMU)
test.begin(0)
before = len(records)
imu(0)
imu(kinds.FAULT_SILENT)
result["first words"] = [before, records[before:]]
test.begin(0)
imu(0)
result["again"] = records[before + len(result["first words"][1]) :]

BEFORE = {kinds.SENSOR: kinds.SENSOR_UWB}, {kinds.SENSOR: kinds.SENSOR_IMU}
earlier = [Alarm(kinds.SENSOR_FAULT, 3, seq, data) for seq, data in enumerate(BEFORE)] + [Alarm(kinds.SOS, 3, 9, {})]
records.clear()
alarms = opened(record, *earlier)
test = SelfTest(alarms, record, Flash(""), None)
test.fault(kinds.SENSOR_IMU)
test.retire()
result["parts of before"] = [records[:], [alarm.seq for alarm in alarms.all]]


class Duty:
    on = True


def day(checks, imu_says=0, duty=None):
    """Results of the tests of two days and a half on duty, and how often the parts were asked."""
    here, duty, asked = FakePort(), duty or Duty(), []
    records.clear()
    test = SelfTest(opened(record), record, Flash(""), None)
    parts = {sensor: test.fault(sensor) for sensor in (kinds.SENSOR_IMU, kinds.SENSOR_BLE, kinds.SENSOR_UWB)}

    def checked(said):
        async def check(beat):
            beat()
            asked.append(here.ms)
            await here.sleep_ms(60_000)
            if said == "off":
                duty.on = False
                return None
            if said == "nak":
                raise OSError(19)
            return said

        return check

    test.checks = {sensor: checked(said) for sensor, said in checks.items()}
    test.begin(0)
    for sensor, fault in parts.items():
        fault(imu_says if sensor == kinds.SENSOR_IMU else 0)

    async def pass_days():
        clock = Clock(here)
        task = asyncio.create_task(test.run(clock, duty, here.sleep_ms, lambda: None))
        for _ in range(60):
            clock.up_ms()
            await here.pass_ms(3_600_000)
        task.cancel()

    asyncio.run(pass_days())
    return [dict(data) for kind, data in records if kind == kinds.SELF_TEST], len(asked), len(records)


IMU, BLE = kinds.SENSOR_IMU, kinds.SENSOR_BLE
self_test._LOOK_MS = 60_000  # a test's time passes a second at a time otherwise
result["days"] = [
    [[found[kinds.PASSED], found[kinds.FAILED]] for found in day(checks, imu_says)[0]]
    for checks, imu_says in (
        ({IMU: 0, BLE: 0}, 0),
        ({IMU: kinds.FAULT_FROZEN, BLE: None}, 0),
        ({IMU: 0, BLE: "nak"}, 0),
        ({}, kinds.FAULT_SILENT),
        ({IMU: "off"}, 0),
    )
]
result["asked"] = day({IMU: 0, BLE: 0})[1]
off = Duty()
off.on = False
result["off duty"] = day({IMU: 0}, 0, off)[1:]
print(json.dumps(result))
