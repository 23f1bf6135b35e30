"""Maxim MAX30102, pulse oximeter and heart-rate sensor, on I2C (data sheet 19-7740, "Register Maps and Descriptions").

It lights the skin red and infrared and counts what comes back. The chip averages 100 samples a second by four, so 25
pairs a second come; its FIFO holds 32 pairs, 1.28 s. Nothing is allocated per sample.
"""

from jikimi.edge.port import const

ADDRESS = const(0x57)
RATE_HZ = const(25)
SAMPLE_BYTES = const(6)
BURST = const(16)
MOST_BURSTS = const(4)  # more than the FIFO holds

_FIFO_WR_PTR = const(0x04)  # "FIFO (0x04–0x07)": write pointer; overflow counter and read pointer follow
_FIFO_DATA = const(0x07)  # three bytes per light, red first; the address does not count up
_FIFO_CONFIG = const(0x08)  # "FIFO Configuration (0x08)": SMP_AVE[7:5], FIFO_ROLLOVER_EN, FIFO_A_FULL[3:0]
_MODE_CONFIG = const(0x09)  # "Mode Configuration (0x09)": SHDN, RESET, MODE[2:0]
_SPO2_CONFIG = const(0x0A)  # "SpO2 Configuration (0x0A)": ADC_RGE[6:5], SR[4:2], LED_PW[1:0]
_LED1_PA = const(0x0C)  # "LED Pulse Amplitude (0x0C–0x0D)": red, then infrared, 0.2 mA a count
_LED2_PA = const(0x0D)
_TEMP_INTEGER = const(0x1F)  # "Temperature Data (0x1F–0x21)": whole °C, sixteenths, TEMP_EN
_TEMP_CONFIG = const(0x21)
_PART_ID = const(0xFF)  # "Part ID (0xFF)"

_IDENTITY = const(0x15)
_RESET = const(0x40)
_SHUTDOWN = const(0x80)
_BOTH_LIGHTS = const(0x03)
_AVERAGE_4_ROLLOVER = const(0x50)
_4096_NA_100_HZ_411_US = const(0x27)  # 18 bits
_6_MA = const(0x1F)
_DEPTH = const(32)
_RESET_TRIES = const(20)
_TEMP_MS = const(50)  # 29 ms
_COLDEST = const(-20)
_HOTTEST = const(85)


class Max30102:
    """`i2c` as machine.I2C. OSError from any method means the bus or the chip failed; `start` may then be tried again.

    `overruns` counts the times the FIFO was full.
    """

    rate_hz = RATE_HZ

    def __init__(self, i2c, sleep_ms, address=ADDRESS):
        self.overruns = 0
        self._i2c = i2c
        self._address = address
        self._sleep_ms = sleep_ms
        self._one = bytearray(1)
        self._pointers = bytearray(3)
        self._raw = bytearray(SAMPLE_BYTES * BURST)
        self._bursts = [memoryview(self._raw)[: SAMPLE_BYTES * n] for n in range(BURST + 1)]

    async def start(self):
        """Reset and light up; OSError when no MAX30102 answers."""
        await self._reset()
        self._write(_FIFO_CONFIG, _AVERAGE_4_ROLLOVER)
        self._write(_SPO2_CONFIG, _4096_NA_100_HZ_411_US)
        self._write(_LED1_PA, _6_MA)
        self._write(_LED2_PA, _6_MA)
        self._write(_MODE_CONFIG, _BOTH_LIGHTS)

    async def stop(self):
        """Dark, a microampere."""
        self._write(_MODE_CONFIG, _SHUTDOWN)

    async def self_test(self):
        """What failed, "" when nothing did: the chip has no test of its light, so its own thermometer stands for it."""
        await self._reset()
        self._write(_TEMP_CONFIG, 1)
        await self._sleep_ms(_TEMP_MS)
        if self._read(_TEMP_CONFIG) & 1:
            return "converter"
        celsius = self._read(_TEMP_INTEGER)
        celsius = celsius - 256 if celsius > 127 else celsius
        return "" if _COLDEST <= celsius <= _HOTTEST else "temperature"

    def read_into(self, red, infrared):
        """Move samples to two arrays of at least BURST whole numbers (0 to 262143 counts); how many."""
        self._i2c.readfrom_mem_into(self._address, _FIFO_WR_PTR, self._pointers)
        written, lost, read = self._pointers[0] & 31, self._pointers[1] & 31, self._pointers[2] & 31
        count = written - read if written >= read else written - read + _DEPTH
        if lost:
            self.overruns += 1
            count = _DEPTH  # the pointers are equal when it is full as when it is empty
        count = min(count, BURST)
        if count:
            self._i2c.readfrom_mem_into(self._address, _FIFO_DATA, self._bursts[count])
            raw = self._raw
            for i in range(count):
                at = SAMPLE_BYTES * i
                red[i] = (raw[at] & 3) << 16 | raw[at + 1] << 8 | raw[at + 2]
                infrared[i] = (raw[at + 3] & 3) << 16 | raw[at + 4] << 8 | raw[at + 5]
        return count

    async def _reset(self):
        if self._read(_PART_ID) != _IDENTITY:
            raise OSError("no MAX30102 at this address")
        self._write(_MODE_CONFIG, _RESET)
        for _ in range(_RESET_TRIES):
            await self._sleep_ms(2)
            if not self._read(_MODE_CONFIG) & _RESET:
                return
        raise OSError("MAX30102 does not come out of reset")

    def _read(self, register):
        self._i2c.readfrom_mem_into(self._address, register, self._one)
        return self._one[0]

    def _write(self, register, value):
        self._one[0] = value
        self._i2c.writeto_mem(self._address, register, self._one)
