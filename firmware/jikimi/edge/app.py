"""The application of tag and node: objects built from the configuration, tasks started, nothing else."""

import asyncio
import gc
import time

from jikimi.edge import boards, fingerprint, identity, mqtt
from jikimi.edge.battery import Battery
from jikimi.edge.brokers import Brokers
from jikimi.edge.clock import Clock
from jikimi.edge.duty import Always, Duty
from jikimi.edge.faults import keep
from jikimi.edge.hardware import Hardware
from jikimi.edge.insist import Insisting
from jikimi.edge.journal import Journal, next_boot
from jikimi.edge.link import Link
from jikimi.edge.open_alarms import OpenAlarms
from jikimi.edge.orders import Orders
from jikimi.edge.port import port
from jikimi.edge.recorder import Recorder
from jikimi.edge.releases import Releases
from jikimi.edge.reports import Reports
from jikimi.edge.self_test import SelfTest
from jikimi.edge.starts import Starts
from jikimi.edge.supervisor import WATCHDOG_MS, Supervisor
from jikimi.edge.warn import OFF, ON_DUTY, SAFE, TEST, TEST_MS
from jikimi.wire import kinds, radio, topics

_RESTART_PAUSE_MS = 3000
_NO_CORE = "none"
_GOOD_S = 60
_SAFE_S = 600
# What a tag off its charger must have left to take a release.
_CHARGED_PCT = 50
# Roles of the ranging module: its driver's TAG and ANCHOR.
_TAG = 0
_ANCHOR = 1


def main(root):
    """Run the device whose flash is the directory `root`; restarts it when something fails.

    Returns 2 when it is not provisioned properly: restarting would not help, and a technician needs the REPL.
    """
    here = port()
    try:
        return _main(here, root)
    except MemoryError:
        # Before the application was there to note it; a worker's device must not end at a prompt.
        here.say("jk log no memory to start with")
        time.sleep(_RESTART_PAUSE_MS / 1000)
        here.reset()
        return 1


def _main(here, root):
    trial = _trial(here, root)
    if trial is not None and trial.begin():
        here.reset()
        return 1
    from jikimi.edge import configuration  # here and not above: it is forgotten again

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
    configuration.forget()
    del configuration
    starts = Starts(here.files(root + "/state"), hardware.reset_reason())
    updating = Releases(here, root)
    try:
        asyncio.run(App(here, config, config_digest, hardware, starts, updating, trial, tls, client_id, root).run())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is noted, and the answer is a restart
        trace = here.traceback(error)
        here.say(trace)
        starts.failed(type(error).__name__, trace)
        time.sleep(_RESTART_PAUSE_MS / 1000)
    if not updating.on_trial:  # else main.py goes back to the application of before
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
    """One device: every part once, and who talks to whom."""

    def __init__(self, here, config, config_digest, hardware, starts, updating, trial, tls, client_id, root):
        self._port = here
        self._config = config
        self._config_digest = config_digest
        self._starts = starts
        self._updating = updating
        self._trial = trial
        self._refused = trial and trial.refused
        self._root = root
        self._clock = Clock(here)
        self._state = here.files(root + "/state")
        self._journal = _journal(here, root, self._state, self._clock)
        self._recorder = Recorder(self._journal, self._clock, here)
        self._alarms = OpenAlarms(self._state, self._journal, self._recorder.record)
        self._duty = Always()
        self._battery = None
        self._core = self._air = self._uwb = None
        self._quiet = starts.safe or updating.quiet  # no sensors, no radios
        if not self._quiet:
            self._core, self._air, self._uwb = here.load_core(), hardware.air(), hardware.uwb()
        self._hardware = hardware
        self._warner = self._hardware.warner()
        if config.kind == "tag":
            self._duty = Duty(self._state, self._hardware.docked(), self._alarms.of_wearer, self._clock)
            self._battery = Battery(hardware.battery_adc(), self._alarms, self._warner, config.alarms.shift_min)
        self._self_test = SelfTest(self._alarms, self._recorder.record, self._state, self._battery)
        self._level = 0
        self._reports = self._make_reports(root)
        self._reports.release = lambda: dict(updating.state(), refused=self._refused)
        self._link = self._make_link(tls, client_id)
        self._recorder.on_record = self._link.wake
        self._reports.dropped["dropped_records"] = lambda: self._recorder.failed + self._journal.lost
        here.say(f"jk boot {self._journal.boot} {config.kind} {config.device} {self._reports.reset_reason}")
        if starts.safe:
            here.say("jk log safe mode: button, reports and commands only")
        elif updating.quiet:
            here.say("jk log busy with a release: button, reports and commands only")
        else:
            self._reports.dropped["dropped_adverts"] = lambda: self._air.dropped
            here.say(f"jk core {self._core.version()} {here.CORE}")

    async def run(self):
        """Until a task ends or stands still, which none should."""
        if self._duty.on:
            self._journal.report_lost(self._clock.up_ms())
        tasks = Supervisor(self._port, self._hardware.watchdog(WATCHDOG_MS), self._starts.failed)
        tasks.add("starts", self._watch_start)
        tasks.add("warn", lambda beat: self._warner.run(self._port.sleep_ms, beat))
        tasks.add("link", self._link.run, limit_ms=90_000)
        insisting = Insisting(self._alarms, self._journal, self._recorder.record)
        tasks.add("update", self._updating.run, limit_ms=60_000)
        tasks.add("self-test", lambda beat: self._self_test.run(self._clock, self._duty, self._port.sleep_ms, beat))
        if self._trial is not None and self._trial.on:
            from jikimi.edge.adopting import watch

            tasks.add("config", lambda beat: watch(self._port, self._trial, self._link, beat))
        tasks.add("insist", lambda beat: insisting.run(self._clock, self._port.sleep_ms, beat))
        tasks.add("vitals", lambda beat: self._reports.run(self._link.vitals, self._duty, beat), limit_ms=60_000)
        if self._config.kind == "tag":
            self._add_tag(tasks)
        elif not self._quiet:
            self._add_node(tasks)
        gc.collect()
        await tasks.run()
        await self._port.sleep_ms(_RESTART_PAUSE_MS)  # time to read why, and to press Ctrl-C

    def _add_tag(self, tasks):
        # Imported here, as a node does not have the memory for what only a tag needs, and the other way round.
        from jikimi.edge.wearer import Wearer

        here, record = self._port, self._recorder.record
        wearer = Wearer(self._warner, self._warned, record, self._clock, self._alarms, self._config.alarms)
        self._orders.on_seen = wearer.on_seen
        self._orders.on_duty = self._duty.order
        pressed = self._hardware.button()
        tasks.add("button", lambda beat: wearer.watch_button(pressed, here.sleep_ms, beat))
        tasks.add("wearer", lambda beat: wearer.watch_time(here.sleep_ms, beat))
        tasks.add("duty", lambda beat: self._duty.run(here.sleep_ms, beat))
        tasks.add("battery", lambda beat: self._battery.run(self._clock, self._duty, here.sleep_ms, beat))
        if not self._quiet:
            self._add_senses(tasks, wearer)
        self._duty.tell(wearer.on_duty)
        self._duty.tell(self._on_duty)

    def _add_senses(self, tasks, wearer):
        from jikimi.edge.proximity_tag import TagProximity
        from jikimi.edge.sense import Sensing

        here, config, clock, record = self._port, self._config, self._clock, self._recorder.record
        imu = self._hardware.imu()
        fault = self._self_test.fault(kinds.SENSOR_IMU)
        sensing = Sensing(
            self._core, imu, config.imu.placement, config.alarms.no_motion_min, here, self._duty, wearer.on_sense, fault
        )
        ephemeral = identity.Ephemeral(config.ephemeral_secret, clock.epoch_ms, clock.up_s)

        def flags():
            low = radio.FLAG_LOW_BATTERY if self._battery.is_low() else 0
            return low | (radio.FLAG_ALARM if wearer.in_alarm() else 0)

        near = TagProximity(
            self._core, self._air, self._uwb, ephemeral, clock, here, self._duty, self._on_level, record, flags
        )
        self._reports.dropped["dropped_samples"] = lambda: imu.overruns
        self._updating.parts["sensor"] = sensing.works
        self._self_test.checks[kinds.SENSOR_IMU] = sensing.check
        tasks.add("sense", sensing.run)
        if config.heart is not None:
            from jikimi.edge import heart

            fault = self._self_test.fault(kinds.SENSOR_HEART)
            heart.add(tasks, self._core, self._hardware, config.heart, here, self._duty, self._warner, fault)
        self._add_proximity(tasks, near.listen, near.receive, lambda network: near.start_uwb(_TAG, network))

    def _add_node(self, tasks):
        from jikimi.edge.pairing import Pairing
        from jikimi.edge.proximity_node import NodeProximity
        from jikimi.edge.zones import Zones

        here, config, signs = self._port, self._config, self._warner
        speed = self._hardware.speed(self._self_test.fault)
        settings = config.machine.pairing
        near = NodeProximity(
            self._core,
            config,
            self._air,
            self._uwb,
            self._clock,
            here,
            self._on_level,
            self._recorder.record,
            Zones(self._core, config.machine, speed),
            settings and Pairing(identity.short_id(config.device), settings),
        )

        async def listen(beat):
            def alive():
                signs.alive()
                beat()

            await near.listen(alive)

        if speed is not None:
            tasks.add("speed", speed.run, limit_ms=15_000)
        if settings is not None:
            from jikimi.edge.node_parts import watch_button

            tasks.add("button", lambda beat: watch_button(self._hardware.button(), near.pair, signs, here, beat))
        own = identity.uwb_name(config.device)
        start_uwb = lambda network: self._uwb.start(_ANCHOR, network, own)  # noqa: E731
        self._add_proximity(tasks, listen, near.measure, start_uwb)
        self._self_test.begin(self._clock.up_ms())

    def _add_proximity(self, tasks, listen, measure, start_uwb):
        sleep_ms, air, uwb, duty = self._port.sleep_ms, self._air, self._uwb, self._duty
        network = identity.uwb_name(self._config.site)

        async def hears():
            return await air.hears(duty, sleep_ms)

        async def check_air(_beat):
            return 0 if air.check() else None  # an empty hall is as silent as a chip that is deaf

        async def start_air():
            air.start()

        async def stop_air():
            air.stop()

        self._updating.parts["radio"] = hears
        self._self_test.checks[kinds.SENSOR_BLE] = check_air
        ble_fault = self._part_fault(kinds.SENSOR_BLE)
        tasks.add("air", lambda beat: keep(start_air, listen, stop_air, ble_fault, duty, sleep_ms, beat))
        if uwb is not None:
            uwb_fault = self._part_fault(kinds.SENSOR_UWB)
            start = lambda: start_uwb(network)  # noqa: E731
            tasks.add("uwb", lambda beat: keep(start, measure, uwb.sleep, uwb_fault, duty, sleep_ms, beat))

    def _part_fault(self, sensor):
        """Fault of a part without which a device does not see who is near: a node's stack light says so as well."""
        fault, signs = self._self_test.fault(sensor), self._warner
        if self._config.kind == "tag":
            return fault

        def told(code):
            signs.fault(sensor, bool(code))
            fault(code)

        return told

    def _on_duty(self, on):
        self._port.say("jk duty " + ("on" if on else "off"))
        self._recorder.on = on
        self._warner.idle(OFF if not on else SAFE if self._starts.safe else ON_DUTY)
        if on:
            now_ms = self._clock.up_ms()
            self._battery.begin(now_ms)
            self._self_test.begin(now_ms)
            self._warner.briefly(TEST, TEST_MS)
        else:
            self._on_level(0, 0, 0)

    def _on_level(self, level, source, latency_ms):
        self._warner.level(level)
        risen, self._level = level > self._level, level
        if risen:
            self._warned(level, source, latency_ms)

    def _warned(self, level, source, latency_ms):
        self._port.say(f"jk warn {level} {source} {latency_ms} {self._clock.epoch_ms() or 0}")

    def _make_reports(self, root):
        here, hardware = self._port, self._hardware
        firmware_hash = fingerprint.of_tree(here.application_dir(root))
        return Reports(
            self._config,
            here,
            self._clock,
            self._journal,
            _NO_CORE if self._core is None else self._core.version(),
            hardware.reset_reason(),
            firmware_hash,
            self._config_digest,
            self._battery,
            self._starts,
        )

    def _make_link(self, tls, client_id):
        here, config, broker = self._port, self._config, self._config.broker
        wifi = self._hardware.wifi()
        state_topic = topics.topic(config.site, config.device, topics.STATE)

        brokers = Brokers(broker)

        def open_stream():
            host, port = brokers.address
            return here.open_stream(host, port, tls, broker.server_name or host)

        def make_client(docked):
            return mqtt.Client(here, open_stream, client_id, will=mqtt.Will(state_topic, self._reports.will(docked)))

        orders = self._orders = Orders(here, self._clock, self._journal, self._warner)
        orders.link = Link(
            here,
            self._clock,
            self._journal,
            config,
            self._duty,
            make_client,
            self._reports.state,
            orders.obey,
            wifi and wifi.bring_up,
        )
        orders.link.on_failed = brokers.turn
        orders.link.on_state = self._starts.told
        orders.on_release, orders.on_stop_release = self._updating.offer, self._updating.stop
        self._updating.link, self._updating.allowed = orders.link, self._nobody_at_risk
        orders.on_config = self._on_config
        self._updating.parts["warner"] = self._warner.works
        return orders.link

    def _on_config(self, arguments):
        from jikimi.edge.adopting import note, trial_of

        trial = self._trial or trial_of(self._port, self._root)
        asyncio.create_task(note(arguments, self._port, trial, self._nobody_in_danger))

    def _nobody_in_danger(self):
        """Whether this device may restart."""
        return not self._alarms.of_wearer() and not self._level

    def _nobody_at_risk(self):
        """Whether this device may be busy with itself, and fail for a minute."""
        if not self._nobody_in_danger():
            return False
        if self._config.kind != "tag":
            return True  # a machine node has no shifts; nobody is near it now
        return not self._duty.on and (self._duty.docked or self._battery.percent() >= _CHARGED_PCT)

    async def _watch_start(self, beat):
        """A start that has held for so long was a good one; one in safe mode ends, to try it whole again."""
        for _ in range((_SAFE_S if self._starts.safe else _GOOD_S) * 2):
            beat()
            await self._port.sleep_ms(500)
        while self._starts.safe and self._alarms.of_wearer():
            beat()
            await self._port.sleep_ms(500)
        if self._starts.safe:
            self._port.reset()
        self._starts.works()
        while True:
            beat()
            await self._port.sleep_ms(1000)


def _content(path):
    with open(path, "rb") as file:
        return file.read()


def _journal(here, root, state, clock):
    segments = here.files(root + "/journal")
    boot = next_boot(state, segments)
    return Journal(segments, boot, clock.boot_epoch_ms, clock.quality)
