"""What the drivers of inertial units share: register access on I2C, and the frame of a self-test.

A driver offers `rate_hz`, `acc_lsb_per_g`, `gyro_lsb_per_dps_x100`, `overruns` (times its FIFO was full), and

- `await start()`: reset and configure; OSError when the chip is another one, or none;
- `read_into(samples)`: move samples from the FIFO to a buffer (int16 LE ax ay az gx gy gz each), at most `BURST` a
  call; how many, 0 when there are none. Nothing is allocated;
- `kept()`: whether the chip still says who it is and holds every setting of `start`;
- `stop()`: no more samples, least current, until the next `start`;
- `await self_test()`: what failed of the chip's own test ("acc x", …), "" when nothing did, None when the wearer moved
  too much to tell. About a second long; `start` comes after it.

OSError from any of them means the bus or the chip failed; `start` may then be tried again.
"""

from jikimi.edge.port import const

SAMPLE_BYTES = const(12)
BURST = const(16)
# More of them than any of these chips' FIFOs holds (4 KiB): who empties one and is not done by then has a broken chip.
MOST_BURSTS = const(24)

_RESET_TRIES = const(20)
_AVERAGED = const(5)
_TESTS = const(3)


class Imu:
    """`i2c` as machine.I2C, `sleep_ms` a coroutine. A driver sets `ORDER`, the byte order of its output registers."""

    ORDER = "little"

    def __init__(self, i2c, address, rate_hz, sleep_ms):
        self.rate_hz = rate_hz
        self.overruns = 0
        self._i2c = i2c
        self._address = address
        self._sleep_ms = sleep_ms
        self._one = bytearray(1)
        self._unsteady = False
        self._settings = []  # (register, value) that must stand there until the next start

    def kept(self):
        """As above."""
        return all([self._read(register) == value for register, value in self._settings])

    def missing(self):
        """The file on the flash that this chip needs and that is not there, or None: most need none."""

    async def self_test(self):
        """What failed of the chip's own test, "" or None, as above."""
        for _ in range(_TESTS):
            self._unsteady = False
            failed = await self._tested()
            if not failed or not self._unsteady:
                return failed
        return None

    async def _reset_done(self, register, mask, name):
        """Wait until the bits of `mask` clear themselves."""
        for _ in range(_RESET_TRIES):
            await self._sleep_ms(5)
            if not self._read(register) & mask:
                return
        raise OSError(name + " does not come out of reset")

    async def _changes(self, control, off, on, output, settle_ms, period_ms, steady):
        """What the test adds to each axis, in counts: it is off, on, and off again.

        A difference of more than `steady` counts between both times it was off means that the wearer moved.
        """
        means = []
        for setting in (off, on, off):
            self._write(control, setting)
            await self._sleep_ms(settle_ms)
            means.append(await self._mean(output, period_ms, steady))
        before, during, after = means
        for axis in range(3):
            if abs(after[axis] - before[axis]) > steady:
                self._unsteady = True
        return [during[axis] - before[axis] for axis in range(3)]

    async def _mean(self, register, period_ms, steady):
        """Mean of some readings of three axes from `register` on, in counts."""
        raw = bytearray(6)
        rows = []
        for _ in range(_AVERAGED):
            await self._sleep_ms(period_ms)
            self._i2c.readfrom_mem_into(self._address, register, raw)
            rows.append([self._word(raw, axis) for axis in range(3)])
        columns = [[row[axis] for row in rows] for axis in range(3)]
        if any([max(column) - min(column) > steady for column in columns]):
            self._unsteady = True
        return [sum(column) // _AVERAGED for column in columns]

    def _word(self, raw, axis):
        value = int.from_bytes(raw[2 * axis : 2 * axis + 2], self.ORDER)
        return value - 65536 if value > 32767 else value

    def _read(self, register):
        self._i2c.readfrom_mem_into(self._address, register, self._one)
        return self._one[0]

    def _set(self, register, value):
        """Write what must stand there from now on."""
        self._settings.append((register, value))
        self._write(register, value)

    def _write(self, register, value):
        self._one[0] = value
        self._i2c.writeto_mem(self._address, register, self._one)


def outside(sensor, changes, low, high):
    """The first axis that changed by less than `low` or more than `high` counts, as "acc x"; "" when none did."""
    for axis in range(3):
        if not low <= abs(changes[axis]) <= high:
            return sensor + " " + "xyz"[axis]
    return ""
