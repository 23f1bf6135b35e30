"""How many bytes of heap a second of samples costs, from the FIFO's registers to the core's answer."""

# ruff: noqa: T201 - stdout is the result.

import gc
import json

from jikimi.edge.drivers.lsm6dsox import Lsm6dsox
from jikimi.edge.duty import Always
from jikimi.edge.port import port
from jikimi.edge.sense import Sensing

SAMPLES = 16


class StillChip:
    """An LSM6DSOX whose FIFO always has 16 samples; it allocates nothing itself."""

    def __init__(self):
        self.level = 0

    def readfrom_mem_into(self, _address, register, buf):
        if register == 0x3A:
            buf[0] = self.level
            buf[1] = 0
            return
        self.level = 0
        at = 0
        for word in range(2 * SAMPLES):
            buf[at] = (1 + (word & 1)) << 3
            buf[at + 6] = 0x08 if word & 1 else 0
            at += 7


here = port()
chip = StillChip()
imu = Lsm6dsox(chip, 104, here.sleep_ms)
events = []
sensing = Sensing(
    here.load_core(), imu, "waist", 2, here, Always(), lambda *event: events.append(event), lambda failed: None
)


def second():
    for _ in range(7):
        chip.level = 2 * SAMPLES
        sensing._drain()


second()
gc.collect()
gc.disable()
before = gc.mem_alloc()
for _ in range(10):
    second()
print(json.dumps({"bytes": gc.mem_alloc() - before, "samples": 10 * 7 * SAMPLES, "events": len(events)}))
