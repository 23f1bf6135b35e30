# mypy: allow-untyped-calls
"""A driver and its emulated chip on one bus, on a clock of our own: seconds pass when the driver sleeps."""

from __future__ import annotations

import asyncio
import importlib
import struct
from pathlib import Path
from typing import Any

import numpy as np

from jikimi.fleet.virtual.chips.inertial import Samples
from jikimi.fleet.virtual.hardware import IMUS

CLASSES = {"lsm6dsox": "Lsm6dsox", "lsm6ds3trc": "Lsm6ds3trc", "mpu6050": "Mpu6050", "bmi270": "Bmi270"}
NAK = 19  # ENODEV, what the ESP32 port raises
PERIOD_MS = 40  # how often the application empties the FIFO


class Bus:
    """As machine.I2C with one chip on it; transaction number `nak_at` (counted from 1) is not acknowledged."""

    def __init__(self, chip: Any, address: int) -> None:
        self.chip = chip
        self.t_s = 0.0
        self.transactions = 0
        self.nak_at = 0
        self._address = address

    def _require(self, address: int) -> None:
        self.transactions += 1
        if address != self._address or self.transactions == self.nak_at:
            raise OSError(NAK)

    def readfrom_mem_into(self, address: int, register: int, buf: bytearray) -> None:
        self._require(address)
        buf[:] = self.chip.read(register, len(buf), self.t_s)

    def writeto_mem(self, address: int, register: int, buf: bytes) -> None:
        self._require(address)
        self.chip.write(register, bytes(buf), self.t_s)

    async def sleep_ms(self, ms: int) -> None:
        self.t_s += ms / 1000


class Bench:
    """One driver with its chip; `kind` names both, `chip` another chip than the driver expects."""

    def __init__(
        self,
        kind: str,
        samples: Samples,
        blob: Path,
        *,
        rate_hz: int | None = None,
        chip: str = "",
        noise: bool = False,
    ) -> None:
        address, made = IMUS[chip or kind]
        self.chip = made(samples, 1, noise=noise)
        self.bus = Bus(self.chip, address)
        module = importlib.import_module(f"jikimi.edge.drivers.{kind}")
        rate = rate_hz or (104 if kind.startswith("lsm") else 100)
        more = {"path": str(blob)} if kind == "bmi270" else {}
        self.imu = getattr(module, CLASSES[kind])(self.bus, rate, self.bus.sleep_ms, **more)
        self.samples = bytearray(16 * 12)

    def start(self) -> None:
        asyncio.run(self.imu.start())

    def self_test(self) -> str | None:
        result = asyncio.run(self.imu.self_test())
        assert result is None or isinstance(result, str)
        return result

    def drain(self) -> np.ndarray:
        """Everything in the FIFO now: (n, 6) counts."""
        rows = []
        while count := self.imu.read_into(self.samples):
            rows += [struct.unpack_from("<6h", self.samples, 12 * i) for i in range(count)]
        return np.array(rows).reshape(-1, 6)

    def run(self, seconds: float) -> np.ndarray:
        """As the application does it: empty the FIFO every 40 ms."""
        rows, end = [np.empty((0, 6))], self.bus.t_s + seconds
        while self.bus.t_s < end:
            self.bus.t_s += PERIOD_MS / 1000
            rows.append(self.drain())
        return np.vstack(rows)

    def physical(self, counts: np.ndarray) -> np.ndarray:
        """Counts as g and deg/s."""
        lsb = [self.imu.acc_lsb_per_g] * 3 + [self.imu.gyro_lsb_per_dps_x100 / 100] * 3
        physical: np.ndarray = counts / np.array(lsb)
        return physical
