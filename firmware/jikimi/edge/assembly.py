"""The application put together: every part once, and who talks to whom.

Forgotten once that is done (`unload`), as all that a start needs once: so nothing made here may be a function of this
module, or of another one that is forgotten.
"""

from jikimi.edge import fingerprint, identity
from jikimi.edge.boot_count import next_boot
from jikimi.edge.bound import Bound
from jikimi.edge.brokers import Brokers
from jikimi.edge.duty import Always, Duty
from jikimi.edge.faults import keep
from jikimi.edge.insist import Insisting
from jikimi.edge.journal import Journal
from jikimi.edge.link import Link
from jikimi.edge.open_alarms import OpenAlarms
from jikimi.edge.orders import Orders
from jikimi.edge.recorder import Recorder
from jikimi.edge.reports import Reports
from jikimi.edge.self_test import SelfTest
from jikimi.edge.starts import POWER
from jikimi.edge.supervisor import WATCHDOG_MS, Supervisor
from jikimi.wire import kinds, topics

_NO_CORE = "none"
_TAG = 0  # role of the ranging module: its driver's TAG


def assemble(app, hardware, config_digest, tls, client_id):
    """Give `app` its parts; the Supervisor with all tasks."""
    _add_records(app)
    _add_parts(app, hardware)
    _add_reports(app, hardware, config_digest)
    _add_link(app, hardware, tls, client_id)
    _say_hello(app)
    tasks = Supervisor(app.port, hardware.watchdog(WATCHDOG_MS), app.starts.failed)
    _add_common_tasks(app, tasks)
    if app.config.kind == "tag":
        _add_tag(app, hardware, tasks)
    elif not app.quiet:
        from jikimi.edge.assembly_node import add_node

        add_node(app, hardware, tasks)
    if not app.quiet:  # then every part has its fault
        app.self_test.retire()
    return tasks


def _add_records(app):
    here, clock = app.port, app.clock
    state, segments = here.files(app.root + "/state"), here.files(app.root + "/journal")
    boot = next_boot(state, segments)
    app.state = state
    app.journal = Journal(segments, boot, clock.boot_epoch_ms, clock.quality)
    app.recorder = Recorder(app.journal, clock, here)
    app.alarms = OpenAlarms(state, app.journal, app.recorder.record)


def _add_parts(app, hardware):
    if not app.quiet:
        app.core, app.air, app.uwb = app.port.load_core(), hardware.air(), hardware.uwb()
    app.warner = hardware.warner()
    app.duty = Always()
    if app.config.kind == "tag":
        from jikimi.edge.battery import Battery

        app.duty = Duty(app.state, hardware.docked(), app.alarms.of_wearer, app.clock)
        app.battery = Battery(hardware.battery_adc(), app.alarms, app.warner, app.config.alarms.shift_min)
    app.self_test = SelfTest(app.alarms, app.recorder.record, app.state, app.battery)


def _add_reports(app, hardware, config_digest):
    app.reports = reports = Reports(
        app.config,
        app.port,
        app.clock,
        app.journal,
        _NO_CORE if app.core is None else app.core.version(),
        hardware.reset_reason(),
        fingerprint.of_tree(app.port.application_dir(app.root)),
        config_digest,
        app.battery,
        app.starts,
    )
    reports.release = app.release
    reports.dropped["dropped_records"] = app.dropped_records
    if not app.quiet:
        reports.dropped["dropped_adverts"] = Bound(getattr, app.air, "dropped")


def _add_link(app, hardware, tls, client_id):
    here, config, wifi = app.port, app.config, hardware.wifi()
    state_topic = topics.topic(config.site, config.device, topics.STATE)
    brokers = Brokers(here, config.broker, tls, client_id, state_topic, app.reports.will)
    orders = app.orders = Orders(here, app.clock, app.journal, app.warner)
    app.link = orders.link = Link(
        here,
        app.clock,
        app.journal,
        config,
        app.duty,
        brokers.client,
        app.reports.state,
        orders.obey,
        wifi and wifi.bring_up,
    )
    app.link.powered_up = app.reports.reset_reason == POWER and not app.alarms.all
    app.recorder.on_record = app.link.wake
    app.link.on_failed = brokers.turn
    app.link.on_state = app.starts.told
    orders.on_release, orders.on_stop_release = app.releases.offer, app.releases.stop
    orders.on_config = app.on_config
    app.releases.link, app.releases.allowed = app.link, app.nobody_at_risk
    app.releases.parts["warner"] = app.warner.works


def _say_hello(app):
    here, config = app.port, app.config
    here.say(f"jk boot {app.journal.boot} {config.kind} {config.device} {app.reports.reset_reason}")
    if app.starts.safe:
        here.say("jk log safe mode: button, reports and commands only")
    elif app.quiet:
        here.say("jk log busy with a release: button, reports and commands only")
    else:
        here.say(f"jk core {app.core.version()} {here.CORE}")
    if app.duty.on:
        try:
            app.journal.report_lost(app.clock.up_ms())
        except OSError as error:  # a flash that takes nothing: what had to make room is reported by a later record
            here.say("jk log what was lost is not reported: " + here.describe(error))


def _add_common_tasks(app, tasks):
    sleep_ms = app.port.sleep_ms
    tasks.add("starts", app.watch_start)
    tasks.add("warn", Bound(app.warner.run, sleep_ms))
    tasks.add("link", app.link.run, limit_ms=90_000)
    tasks.add("update", app.releases.run, limit_ms=60_000)
    tasks.add("self-test", Bound(app.self_test.run, app.clock, app.duty, sleep_ms))
    if app.trial is not None and app.trial.on:
        from jikimi.edge.adopting import watch

        tasks.add("config", Bound(watch, app.port, app.trial, app.link))
    insisting = Insisting(app.alarms, app.journal, app.recorder.record)
    tasks.add("insist", Bound(insisting.run, app.clock, sleep_ms))
    tasks.add("vitals", Bound(app.reports.run, app.link.vitals, app.duty), limit_ms=60_000)


def _add_tag(app, hardware, tasks):
    # Imported here, as a node does not have the memory for what only a tag needs, and the other way round.
    from jikimi.edge.wearer import Wearer

    sleep_ms = app.port.sleep_ms
    app.wearer = wearer = Wearer(app.warner, app.warned, app.recorder.record, app.clock, app.alarms, app.config.alarms)
    app.orders.on_seen = wearer.on_seen
    app.orders.on_duty = app.duty.order
    tasks.add("button", Bound(wearer.watch_button, hardware.button(), sleep_ms))
    tasks.add("wearer", Bound(wearer.watch_time, sleep_ms))
    tasks.add("duty", Bound(app.duty.run, sleep_ms))
    tasks.add("battery", Bound(app.battery.run, app.clock, app.duty, sleep_ms))
    if not app.quiet:
        _add_senses(app, hardware, tasks)
    app.duty.tell(wearer.on_duty)
    app.duty.tell(app.on_duty)


def _add_senses(app, hardware, tasks):
    from jikimi.edge.proximity_tag import TagProximity
    from jikimi.edge.sense import Sensing

    here, config, clock, duty = app.port, app.config, app.clock, app.duty
    imu = hardware.imu()
    fault = app.self_test.fault(kinds.SENSOR_IMU)
    no_motion_min = config.alarms.no_motion_min
    sensing = Sensing(app.core, imu, config.imu.placement, no_motion_min, here, duty, app.wearer.on_sense, fault)
    ephemeral = identity.Ephemeral(config.ephemeral_secret, clock.epoch_ms, clock.up_s)
    near = TagProximity(
        app.core, app.air, app.uwb, ephemeral, clock, here, duty, app.on_level, app.recorder.record, app.flags
    )
    app.reports.dropped["dropped_samples"] = Bound(getattr, imu, "overruns")
    app.releases.parts["sensor"] = sensing.works
    app.self_test.checks[kinds.SENSOR_IMU] = sensing.check
    tasks.add("sense", sensing.run)
    if config.heart is not None:
        from jikimi.edge import heart

        fault = app.self_test.fault(kinds.SENSOR_HEART)
        heart.add(tasks, app.core, hardware, config.heart, here, duty, app.warner, fault)
    start_uwb = Bound(near.start_uwb, _TAG, identity.uwb_name(config.site))
    add_proximity(app, tasks, near.listen, near.receive, start_uwb, app.self_test.fault)


def add_proximity(app, tasks, listen, measure, start_uwb, part_fault):
    """The radios' tasks; `part_fault(sensor)` gives the function that hears how a part is."""
    sleep_ms, air, uwb, duty = app.port.sleep_ms, app.air, app.uwb, app.duty
    app.releases.parts["radio"] = Bound(air.hears, duty, sleep_ms)
    app.self_test.checks[kinds.SENSOR_BLE] = air.tried
    fault = part_fault(kinds.SENSOR_BLE)
    tasks.add("air", Bound(keep, air.begin, listen, air.end, fault, duty, sleep_ms))
    if uwb is not None:
        fault = part_fault(kinds.SENSOR_UWB)
        tasks.add("uwb", Bound(keep, start_uwb, measure, uwb.sleep, fault, duty, sleep_ms))
