"""MQTT topics: `jk/{site}/{device}/{leaf}`."""

from jikimi.wire import WireError

PREFIX = "jk"
HOST = "host"  # stands where the device stands, in the topic of the host's own state

STATE = "st"  # birth and last will: QoS 1, retained
ALARM = "al"  # records of the alarm stream: QoS 1
EVENT = "ev"  # records of the event stream: QoS 1
VITALS = "vt"  # QoS 0
ACK = "ack"  # down: cumulative application acknowledgement, QoS 0
COMMAND = "cmd"  # down: QoS 1, never retained
GET = "get"  # up, to the transfer service and not to ingest: a piece of content is asked for, QoS 0
PUT = "put"  # down: the answer, QoS 0

UP = (STATE, ALARM, EVENT, VITALS)
DOWN = (ACK, COMMAND, PUT)
QOS = {STATE: 1, ALARM: 1, EVENT: 1, VITALS: 0, ACK: 0, COMMAND: 1, GET: 0, PUT: 0}
MAX_NAME = 32

_NAME_CHARS = "abcdefghijklmnopqrstuvwxyz0123456789-"


def check_name(name: str) -> str:
    """Return `name` if it can stand for a site or a device in a topic (`[a-z0-9-]{1,32}`), else raise WireError."""
    if not 1 <= len(name) <= MAX_NAME:
        raise WireError("topic", f"a name has 1 to {MAX_NAME} characters")
    for char in name:
        if char not in _NAME_CHARS:
            raise WireError("topic", "a name has only the characters a-z, 0-9 and -")
    return name


def topic(site: str, device: str, leaf: str) -> str:
    """Return the topic of one leaf; raises WireError for a name or leaf that no topic may have."""
    if leaf not in QOS:
        raise WireError("topic", "unknown leaf")
    return "/".join((PREFIX, check_name(site), check_name(device), leaf))


def split_topic(text: str) -> "tuple[str, str, str]":
    """Return (site, device, leaf) of a topic; raises WireError for any other text."""
    parts = text.split("/")
    if len(parts) != 4 or parts[0] != PREFIX or parts[3] not in QOS:
        raise WireError("topic", "not jk/{site}/{device}/{leaf}")
    return check_name(parts[1]), check_name(parts[2]), parts[3]
