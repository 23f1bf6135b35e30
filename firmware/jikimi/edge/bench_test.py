"""The test of the hardware on the technician's bench: each part once, at most two seconds, no network needed.

`run` is called over USB after the files are there and before the application starts. It answers for each part with
(name, passed, what was seen); what only a person can see (lights, tone, vibration) is driven and named so.
"""

import asyncio
import gc
import os

from jikimi.edge import identity
from jikimi.edge.battery import charge_permille
from jikimi.edge.drivers.imu import MOST_BURSTS
from jikimi.edge.hardware import Hardware
from jikimi.edge.port import port
from jikimi.edge.warn import IDENTIFY
from jikimi.wire import radio

_HEAP_LEAST = 32_768  # free for the application once its modules are loaded
_FLASH_LEAST_KB = 192  # the journal (160) and a configuration beside the one in use
_FLASH_BYTES = 4096
_IMU_MS = 300
_AIR_MS = 250
_ADVERT_US = 30_000
_SHOWN_MS = 400
_ONE_G_LEAST, _ONE_G_MOST = 0.85, 1.15
_CELL_LEAST_MV, _CELL_MOST_MV = 3000, 4350
_UWB_TAG = 0


def run(config, root):
    """Test what the configuration says this board has; a list of (part, passed, text)."""
    return asyncio.run(_Bench(config, root).run())


class _Bench:
    def __init__(self, config, root):
        self._config = config
        self._root = root
        self._port = port()
        self._hardware = Hardware(config, self._port)

    async def run(self):
        found = []
        for name, test in self._tests():
            try:
                found.append((name, True, await test()))
            except (OSError, ValueError) as error:
                found.append((name, False, self._port.describe(error)))
            gc.collect()
        return found

    def _tests(self):
        config = self._config
        yield "core", self._core
        yield "heap", self._heap
        yield "flash", self._flash
        if config.imu is not None:
            yield "imu", self._imu
        yield "ble", self._ble
        if config.uwb is not None:
            yield "uwb", self._uwb
        if config.kind == "tag":
            yield "battery", self._battery
            yield "button", self._button
        yield "warner", self._warner

    async def _core(self):
        return "version " + self._port.load_core().version()

    async def _heap(self):
        free = self._port.heap_free()
        if free < _HEAP_LEAST:
            raise ValueError(f"{free} bytes free, {_HEAP_LEAST} needed")
        return f"{free} bytes free"

    async def _flash(self):
        path = self._root + "/bench.tmp"
        pattern = os.urandom(64) * (_FLASH_BYTES // 64)
        with open(path, "wb") as file:
            file.write(pattern)
        with open(path, "rb") as file:
            same = file.read() == pattern
        os.remove(path)
        if not same:
            raise ValueError("what was written reads back wrong")
        free_kb = self._free_kb()
        if free_kb < _FLASH_LEAST_KB:
            raise ValueError(f"{free_kb} KB free, {_FLASH_LEAST_KB} needed")
        return f"{free_kb} KB free"

    def _free_kb(self):
        block, _fragment, _blocks, free = os.statvfs(self._root)[:4]
        return block * free // 1024

    async def _imu(self):
        imu = self._hardware.imu()
        await imu.start()
        begun = self._port.ticks_ms()  # after it: some take long to start
        samples = bytearray(12 * 16)
        count, sums, seen = 0, [0, 0, 0], set()
        for _ in range(_IMU_MS // 50):
            await self._port.sleep_ms(50)
            for _burst in range(MOST_BURSTS):  # until the FIFO is empty, however long ago it was looked at
                read = 12 * imu.read_into(samples)
                for at in range(0, read, 12):
                    axes = [_signed(samples, at + 2 * axis) for axis in range(3)]
                    sums = [total + value for total, value in zip(sums, axes)]  # noqa: B905 - MicroPython's zip
                    seen.add(tuple(axes))
                    count += 1
                if read < len(samples):
                    break
        return _judged(count, sums, seen, imu, self._port.ticks_diff(self._port.ticks_ms(), begun))

    async def _ble(self):
        air = self._hardware.air()
        air.start()
        air.advertise(radio.tag_advert(os.urandom(radio.EPHEMERAL_BYTES)), _ADVERT_US)
        heard = []
        for _ in range(_AIR_MS // 50):
            await self._port.sleep_ms(50)
            air.take(lambda advert: heard.append(advert.rssi_dbm))
        return f"on, heard {len(heard)} adverts"

    async def _uwb(self):
        name = identity.uwb_name(self._config.device)
        await self._hardware.uwb().start(_UWB_TAG, identity.uwb_name(self._config.site), name)
        return "answers"

    async def _battery(self):
        mv = self._hardware.battery_adc().read_uv() * 2 // 1000
        if not _CELL_LEAST_MV <= mv <= _CELL_MOST_MV:
            raise ValueError(f"{mv} mV is no lithium cell: is it plugged in?")
        return f"{mv} mV, {charge_permille(mv) // 10} %"

    async def _button(self):
        if self._hardware.button()():
            raise ValueError("is pressed: let go, or it sticks")
        return "not pressed"

    async def _warner(self):
        warner = self._hardware.warner()
        warner.briefly(IDENTIFY, _SHOWN_MS)
        task = asyncio.create_task(warner.run(self._port.sleep_ms, lambda: None))
        await self._port.sleep_ms(_SHOWN_MS + 100)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass  # asked for
        return "driven: look and listen"


def _judged(count, sums, seen, imu, ms):
    wanted = imu.rate_hz * ms // 1000
    if not wanted // 3 <= count <= 2 * wanted:
        raise ValueError(f"{count} samples in {ms} ms, about {wanted} expected")
    if len(seen) == 1:
        raise ValueError("each sample is the same: the sensor is frozen")
    mean_g = sum([(total / count) ** 2 for total in sums]) ** 0.5 / imu.acc_lsb_per_g
    if not _ONE_G_LEAST <= mean_g <= _ONE_G_MOST:
        raise ValueError(f"{mean_g:.2f} g at rest: keep it still, or the sensor is bad")
    return f"{count} samples, {mean_g:.2f} g"


def _signed(buffer, at):
    value = buffer[at] | buffer[at + 1] << 8
    return value - 65536 if value & 0x8000 else value
