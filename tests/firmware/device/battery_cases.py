"""Cells that empty at several speeds, minute by minute, on a clock of our own, with a converter that is noisy."""

# ruff: noqa: T201 - stdout is the result.

import json

from fake_alarms import opened

from jikimi.edge import battery as module
from jikimi.edge.battery import Battery, charge_permille, minutes_left
from jikimi.edge.open_alarms import Alarm
from jikimi.wire import kinds


class Warner:
    def __init__(self):
        self.shown = []

    def briefly(self, pattern, _ms):
        self.shown.append(pattern)


class Cell:
    """Loses `permille_h` of its charge an hour; its converter is off by up to 6 mV, differently each time."""

    def __init__(self, permille, permille_h):
        self.permille = permille
        self.permille_h = permille_h
        self._noise = 12345

    def pass_minute(self):
        self.permille = max(0, min(1000, self.permille - self.permille_h / 60))

    def read_uv(self):
        self._noise = (self._noise * 1103515245 + 12345) % 2147483648
        return int(millivolts(self.permille) * 1000 + (self._noise % 12001 - 6000)) // 2


def millivolts(permille):
    rows = module._CURVE
    for i in range(1, len(rows)):
        (low_mv, low), (high_mv, high) = rows[i - 1], rows[i]
        if permille <= high:
            return low_mv + (permille - low) * (high_mv - low_mv) / (high - low)
    return rows[-1][0]


def shift(permille, permille_h, minutes, shift_min, change=None):
    """[minute, kind, data] of each record of a shift; `change(cell, minute)` may charge it."""
    records, now, warner = [], [0], Warner()

    def record(kind, data):
        records.append([now[0], kind, sorted(data.items())])
        return len(records)

    cell = Cell(permille, permille_h)
    battery = Battery(cell, opened(record), warner, shift_min)
    battery.begin(0)
    for minute in range(1, minutes + 1):
        now[0] = minute
        cell.pass_minute()
        if change:
            change(cell, minute)
        battery.check(minute * 60_000)
    return [records, warner.shown]


def charged(cell, minute):
    if minute == 120:
        cell.permille, cell.permille_h = 900, 50


def configured_away():
    """Kinds of records at the beginning of a duty when no shift is known any more, but an alarm about it is on."""
    records = []
    alarms = opened(lambda kind, _data: records.append(kind) or 1, Alarm(kinds.BATTERY_SHORT, 3, 1, {}))
    Battery(Cell(500, 0), alarms, Warner(), None).begin(0)
    return [records, len(alarms.all)]


print(
    json.dumps(
        {
            "curve": [charge_permille(mv) for mv in (3000, 3270, 3690, 3820, 4180, 4300)],
            "few": minutes_left([500 - i for i in range(19)]),
            "line": minutes_left([500 - 2 * i for i in range(30)]),
            "flat": minutes_left([500] * 30),
            "rising": minutes_left([500 + i for i in range(30)]),
            "good": shift(950, 80, 600, 600),
            "short": shift(600, 120, 600, 600),
            "no shift": shift(600, 120, 200, None),
            "configured away": configured_away(),
            "charged": shift(600, 120, 240, 600, charged),
            "fault": [Battery(Cell(500, 0), None, None, None).fault()],
        }
    )
)
