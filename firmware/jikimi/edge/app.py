"""The application of tag and node: how it starts, and what is decided between its parts."""

import asyncio
import time

from jikimi.edge import identity
from jikimi.edge.clock import Clock
from jikimi.edge.memory import unload
from jikimi.edge.port import port
from jikimi.edge.releases import Releases
from jikimi.edge.starts import Starts
from jikimi.edge.warn import OFF, ON_DUTY, SAFE, TEST, TEST_MS
from jikimi.wire import radio

# To read why, and to press Ctrl-C, where a device fails at once each time; no task runs any more that this holds up.
_RESTART_PAUSE_MS = 3000
_GOOD_S = 60
_SAFE_S = 600
# What a tag off its charger must have left to take a release.
_CHARGED_PCT = 50
# What a start needs once, and nothing after it holds.
_CHECKS = ("jikimi.wire.machine_settings", "jikimi.wire.settings", "jikimi.edge.configuration")
_ONCE = (
    "jikimi.edge.assembly",
    "jikimi.edge.boot_count",
    "jikimi.edge.assembly_node",
    "jikimi.edge.hardware",
    "jikimi.edge.boards",
    "jikimi.edge.fingerprint",
)


def main(root):
    """Run the device whose flash is the directory `root`; restarts it when something fails.

    Returns 2 when it is not provisioned properly: restarting would not help, and a technician needs the REPL.
    """
    here = port()
    try:
        return _main(here, root)
    except Exception as error:  # noqa: BLE001 - before the application was there to note it: no device ends at a prompt
        here.say(here.traceback(error))
        here.say("jk log cannot start: " + here.describe(error))
        time.sleep(_RESTART_PAUSE_MS / 1000)
        if not _is_trial(root):  # else main.py goes back to the application of before
            here.reset()
        return 1


def _is_trial(root):
    """Whether main.py has started a slot that is not confirmed."""
    try:
        return len(_content(root + "/slots/now").split()) == 3
    except OSError:
        return False  # it came by cable


def _main(here, root):
    trial = _trial(here, root)
    if trial is not None and trial.begin():
        here.reset()
        return 1
    from jikimi.edge import boards, configuration  # here and not above: they are forgotten again
    from jikimi.edge.hardware import Hardware

    try:
        config = configuration.load(root + "/config.json")
        config_digest = configuration.digest(root + "/config.json")
        boards.check(config)
        tls = here.tls_context(root + "/tls")
        client_id = identity.client_id(config.device, _content(root + "/tls/key.der"))
        hardware = Hardware(config, here)
    except (OSError, ValueError) as error:  # ConfigError is a ValueError; keys that are none give one or the other
        here.say("jk log not provisioned: " + here.describe(error))
        return 2
    if trial is not None and _taken(here, root, config, tls, client_id, hardware, trial):
        here.reset()
        return 1
    del boards, configuration
    unload(*_CHECKS)
    starts = Starts(here.files(root + "/state"), hardware.reset_reason())
    releases = Releases(here, root)
    life = App(here, config, starts, releases, trial, root).run([hardware, config_digest, tls, client_id])
    del hardware, Hardware
    try:
        asyncio.run(life)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is noted, and the answer is a restart
        trace = here.traceback(error)
        here.say(trace)
        starts.failed(type(error).__name__, trace)
        time.sleep(_RESTART_PAUSE_MS / 1000)
    if not releases.on_trial:  # else main.py goes back to the application of before
        here.reset()
    return 1


def _trial(here, root):
    """What is noted about configurations; None, as nearly always, when there is nothing."""
    noted = set(here.files(root).names()) | set(here.files(root + "/state").names())
    if not noted & {"config.old", "offer", "refused"}:
        return None
    from jikimi.edge.adopting import trial_of

    return trial_of(here, root)


def _taken(here, root, config, tls, client_id, hardware, trial):
    """Whether an offered configuration was looked at: the device is to start anew, with all its memory."""
    from jikimi.edge.adopting import taken_up

    offer = taken_up(trial)
    if offer is None:
        return False
    from jikimi.edge.taking import take

    take(here, root, config, tls, client_id, hardware.wifi(), trial, offer)
    return True


class App:
    """One device: its parts, which `assembly` gives it, and what is decided between them."""

    def __init__(self, here, config, starts, releases, trial, root):
        self.port = here
        self.config = config
        self.starts = starts
        self.releases = releases
        self.trial = trial
        self.root = root
        self.clock = Clock(here)
        self.quiet = starts.safe or releases.quiet  # no sensors, no radios
        self.core = self.air = self.uwb = self.battery = self.wearer = None
        self.level = 0
        self._refused = trial and trial.refused

    async def run(self, parts):
        """Until a task ends or stands still, which none should; `parts` as assembly.assemble takes them.

        They are taken out of the list, as this frame would hold them, and so their code, for ever.
        """
        tasks = self._assembled(parts)
        unload(*_ONCE)
        await tasks.run()
        await self.port.sleep_ms(_RESTART_PAUSE_MS)  # time to read why, and to press Ctrl-C

    def _assembled(self, parts):
        from jikimi.edge.assembly import assemble

        taken = tuple(parts)
        parts.clear()
        return assemble(self, *taken)

    def release(self):
        """Fields of the state message about releases and configurations."""
        return dict(self.releases.state(), refused=self._refused)

    def dropped_records(self):
        """How many could not be kept."""
        return self.recorder.failed + self.journal.lost

    def flags(self):
        """What the own advert says beside the id."""
        low = radio.FLAG_LOW_BATTERY if self.battery.is_low() else 0
        return low | (radio.FLAG_ALARM if self.wearer.in_alarm() else 0)

    def on_duty(self, on):
        self.port.say("jk duty " + ("on" if on else "off"))
        self.recorder.on = on
        self.warner.idle(OFF if not on else SAFE if self.starts.safe else ON_DUTY)
        if on:
            now_ms = self.clock.up_ms()
            self.battery.begin(now_ms)
            self.self_test.begin(now_ms)
            self.warner.briefly(TEST, TEST_MS)
        else:
            self.on_level(0, 0, 0)

    def on_level(self, level, source, latency_ms):
        self.warner.level(level)
        risen, self.level = level > self.level, level
        if risen:
            self.warned(level, source, latency_ms)

    def warned(self, level, source, latency_ms):
        self.port.say(f"jk warn {level} {source} {latency_ms} {self.clock.epoch_ms() or 0}")

    def on_config(self, arguments):
        from jikimi.edge.adopting import note, trial_of

        self.trial = self.trial or trial_of(self.port, self.root)  # one, as it knows how long the offer has to wait
        asyncio.create_task(note(arguments, self.port, self.trial, self.nobody_in_danger))

    def nobody_in_danger(self):
        """Whether this device may restart."""
        return not self.alarms.of_wearer() and not self.level

    def nobody_at_risk(self):
        """Whether this device may be busy with itself, and fail for a minute."""
        if not self.nobody_in_danger():
            return False
        if self.config.kind != "tag":
            return True  # a machine node has no shifts; nobody is near it now
        return not self.duty.on and (self.duty.docked or self.battery.percent() >= _CHARGED_PCT)

    async def watch_start(self, beat):
        """A start that has held for so long was a good one; one in safe mode ends, to try it whole again."""
        for _ in range((_SAFE_S if self.starts.safe else _GOOD_S) * 2):
            beat()
            await self.port.sleep_ms(500)
        while self.starts.safe and self.alarms.of_wearer():
            beat()
            await self.port.sleep_ms(500)
        if self.starts.safe:
            self.port.reset()
        self.starts.works()
        while True:
            beat()
            await self.port.sleep_ms(1000)


def _content(path):
    with open(path, "rb") as file:
        return file.read()
