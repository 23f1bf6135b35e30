"""Configurations the site offers: noted, taken at the next start, tried, kept or undone.

The running application has no memory to spare for verifying signatures, nor for this. So an offer is only noted
(state/offer), and taken at a start, before the application is built (`taking`); and this module is loaded only when
there is an offer or a trial.

An offer that came to nothing (refused, or the site did not answer) is made again at every birth, so it is taken up
again after a pause that grows with each time, and not at once: the device would do nothing but start.
"""

from jikimi.edge.trial import TAKEN_UP, Trial, remove, text, write
from jikimi.wire import messages

TRIAL_MS = 180_000  # time to connect with a new configuration: Wi-Fi, TLS, and a broker that is just restarting
_POLL_MS = 1000
_DIGEST_BYTES = 32
_LONGEST = 8192
_OFFER = "offer"
# After it was taken up once, then after twice as long, up to the limit of some four hours.
_PAUSE_MS = 30_000
_DOUBLINGS = 9


def trial_of(here, root):
    """The `Trial` of the device whose flash is `root`."""
    return Trial(here.files(root), here.files(root + "/state"))


def taken_up(trial):
    """(digest, size) of the offer to be taken at this start, which is forgotten and counted with that; or None."""
    noted = (text(trial.state, _OFFER) or "").split(" ")
    remove(trial.state, _OFFER)
    if len(noted) != 2 or trial.on:
        return None
    write(trial.state, TAKEN_UP, f"{noted[0]} {_times(trial.state, noted[0]) + 1}")
    return bytes.fromhex(noted[0]), int(noted[1])


def _times(state, digest):
    """How often an offer was taken up already; what led to another configuration is not offered any more."""
    noted = (text(state, TAKEN_UP) or "").split(" ")
    return int(noted[1]) if len(noted) == 2 and noted[0] == digest and noted[1].isdigit() else 0


async def note(arguments, here, trial, allowed):
    """CMD_CONFIG: the site has a configuration for this device. Restart for it once `allowed()` (nobody in danger)."""
    digest, size = arguments.get(messages.ARG_DIGEST), arguments.get(messages.ARG_SIZE)
    whole = type(digest) is bytes and len(digest) == _DIGEST_BYTES and type(size) is int and 0 < size <= _LONGEST
    if not whole or trial.on:
        here.say("jk log an offer that names nothing, or comes in a trial")
        return
    told, before = f"{digest.hex()} {size}", text(trial.state, _OFFER)
    if told == before:
        return
    times = _times(trial.state, digest.hex())
    trial.pause_ms = _PAUSE_MS << min(times - 1, _DOUBLINGS) if times else 0
    write(trial.state, _OFFER, told)
    if before is not None:
        return  # an earlier one of this life: the last counts, and one task waits
    while trial.pause_ms > 0 or not allowed():
        await here.sleep_ms(_POLL_MS)
        trial.pause_ms -= _POLL_MS
    here.say("jk log restart to take a configuration")
    here.reset()


async def watch(here, trial, link, beat):
    """A task: the trial ends well when the link stands, and badly when it does not in time."""
    waited_ms = 0
    while True:
        beat()
        if trial.on and link.up:
            trial.confirm()
            here.say("jk log configuration confirmed")
        elif trial.on and waited_ms >= TRIAL_MS:
            trial.go_back("link")
            here.say("jk log configuration given up: no connection with it")
            here.reset()
        waited_ms += _POLL_MS
        await here.sleep_ms(_POLL_MS)
