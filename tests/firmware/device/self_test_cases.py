"""A flash that fails in each way, and a self-test whose parts report in any order."""

# ruff: noqa: T201 - stdout is the result.

import json

from fake_alarms import opened

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
test.begin()
before = len(records)
imu(0)
imu(kinds.FAULT_SILENT)
result["first words"] = [before, records[before:]]
test.begin()
imu(0)
result["again"] = records[before + len(result["first words"][1]) :]
print(json.dumps(result))
