"""What is recorded: streams, record kinds, their data categories, and the keys of their data.

One register of data keys for all kinds: a key means the same, in the same unit, wherever it appears.
"""

STREAM_ALARM = 0
STREAM_EVENT = 1

CLOCK_NONE = 0  # counts from boot only
CLOCK_RTC = 1  # kept over a reset by the chip, may have drifted
CLOCK_SET = 2  # set by NTP or by the host since this boot

# Alarm stream: below _FIRST_EVENT.
FALL = 1
SOS = 2
NO_MOTION = 3
SENSOR_FAULT = 4
LOW_BATTERY = 5
CLEARED = 6
CONFIRMED = 7  # the time in which the wearer may cancel an alarm is over, and nobody did
CHECK_IN_MISSED = 8  # the wearer did not answer when the tag asked
STILL_OPEN = 9  # the site has an alarm for a while, and no person has taken it on
BATTERY_SHORT = 10  # the battery will not last until the shift ends

# Event stream.
_FIRST_EVENT = 16
FALLING = 16
NEAR_MISS = 17
WARNING = 18
BENDS = 19
LOST = 20
RECOVERED = 21
SELF_TEST = 22

# Keys of a record's data.
LEVEL = 1  # zone reached: LEVEL_WARN or LEVEL_DANGER
SOURCE = 2  # what gave the warning: SOURCE_…
DISTANCE_MM = 3  # nearest distance of the episode; null: not measured
CLOSING_MM_S = 4  # approach speed when the zone was entered, positive when closing
DWELL_MS = 5  # time spent in the zone
EPHEMERAL = 6  # 8 bytes, the rotating id of the tag
PERIOD = 7  # rotation period of EPHEMERAL: floor(UTC seconds / 900)
MACHINE = 8  # 4 bytes, the short id of the machine's advert
CONFIDENCE_PERMILLE = 9
REF_SEQ = 10  # the alarm that is meant
REF_BOOT = 11  # the boot of that alarm; absent: the boot of this record
WHY = 12  # why an alarm was cleared: WHY_…
COUNT = 13  # of bends within WINDOW_MS
WINDOW_MS = 14
BATTERY_PCT = 15
SENSOR = 16  # which sensor failed: SENSOR_…
LOST_COUNT = 17  # records that had to make room in the journal; the four keys below name them where still known
LOST_BOOT = 18
LOST_STREAM = 19
LOST_FIRST = 20
LOST_LAST = 21
CANCEL_MS = 22  # the wearer may still cancel this alarm for so long; CLEARED or CONFIRMED follows
SILENT = 23  # 1: the device shows nothing of this alarm, and nobody should call out to its wearer
WAITING_MS = 24  # since the alarm that is meant was raised
ALARM_KIND = 25  # of the alarm that is meant
LASTS_MIN = 26  # until the battery is empty, as it is used now
NEEDED_MIN = 27  # until the shift ends
PASSED = 28  # parts that passed their self-test: the sum of 1 << SENSOR_…
FAILED = 29  # parts that did not
FAULT = 30  # how a sensor failed: FAULT_…

LEVEL_WARN = 1
LEVEL_DANGER = 2

SOURCE_BLE = 1
SOURCE_UWB = 2
SOURCE_FALL = 3

WHY_RECOVERED = 1  # the detector saw the person get up
WHY_CANCELLED = 2  # the person pressed the button
WHY_RESTORED = 3  # the sensor works again, the battery is charged, or a new configuration is without them

SENSOR_IMU = 1
SENSOR_BLE = 2
SENSOR_UWB = 3
SENSOR_CLOCK = 4
SENSOR_FLASH = 5
SENSOR_HEART = 6
SENSOR_BATTERY = 7
SENSOR_SPEED = 8  # the input for the machine's speed

FAULT_SILENT = 1  # it does not answer, or gives no samples
FAULT_FROZEN = 2  # it gives the same sample again and again
FAULT_SELF_TEST = 3  # it does not react to its own test as its data sheet says

_KINDS = {
    FALL: ("fall", "emergency"),
    SOS: ("sos", "emergency"),
    NO_MOTION: ("no_motion", "emergency"),
    SENSOR_FAULT: ("sensor_fault", "device"),
    LOW_BATTERY: ("low_battery", "device"),
    CLEARED: ("cleared", "emergency"),
    CONFIRMED: ("confirmed", "emergency"),
    CHECK_IN_MISSED: ("check_in_missed", "emergency"),
    STILL_OPEN: ("still_open", "emergency"),
    BATTERY_SHORT: ("battery_short", "device"),
    FALLING: ("falling", "emergency"),
    NEAR_MISS: ("near_miss", "proximity"),
    WARNING: ("warning", "proximity"),
    BENDS: ("bends", "posture"),
    LOST: ("lost", "device"),
    RECOVERED: ("recovered", "emergency"),
    SELF_TEST: ("self_test", "device"),
}
KINDS = tuple(sorted(_KINDS))
UNKNOWN = "unknown"  # name and category of a kind that this version does not know: stored, shown to nobody


def name(kind: int) -> str:
    """Return the kind's name as reports print it, or "unknown"."""
    return _KINDS[kind][0] if kind in _KINDS else UNKNOWN


def category(kind: int) -> str:
    """Return the data category under which the data-use agreement rules on this kind, or "unknown"."""
    return _KINDS[kind][1] if kind in _KINDS else UNKNOWN


def stream_of(kind: int) -> int:
    """Return the stream in which records of this kind travel: kinds below 16 are alarms."""
    return STREAM_ALARM if kind < _FIRST_EVENT else STREAM_EVENT
