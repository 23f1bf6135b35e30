"""The part of `assembly` that only a machine node needs; forgotten likewise."""

from jikimi.edge import identity
from jikimi.edge.assembly import add_proximity
from jikimi.edge.bound import Bound
from jikimi.edge.node_parts import ShownFault, Watch, watch_button
from jikimi.edge.pairing import Pairing
from jikimi.edge.proximity_node import NodeProximity
from jikimi.edge.zones import Zones

_ANCHOR = 1  # role of the ranging module: its driver's ANCHOR


def add_node(app, hardware, tasks):
    """What a node has besides what all devices have."""
    here, config, signs = app.port, app.config, app.warner
    speed = hardware.speed(app.self_test.fault)
    settings = config.machine.pairing
    near = NodeProximity(
        app.core,
        config,
        app.air,
        app.uwb,
        app.clock,
        here,
        app.on_level,
        app.recorder.record,
        Zones(app.core, config.machine, speed),
        settings and Pairing(identity.short_id(config.device), settings),
    )
    if speed is not None:
        tasks.add("speed", speed.run, limit_ms=15_000)
    if settings is not None:
        tasks.add("button", Bound(watch_button, hardware.button(), near.pair, signs, here))
    start_uwb = None
    if app.uwb is not None:
        names = identity.uwb_name(config.site), identity.uwb_name(config.device)
        start_uwb = Bound(app.uwb.start, _ANCHOR, *names)
    add_proximity(app, tasks, Watch(near, signs).listen, near.measure, start_uwb, Bound(_part_fault, app))
    app.self_test.begin(app.clock.up_ms())


def _part_fault(app, sensor):
    """Fault of a part without which a node does not see who is near: its stack light says so as well."""
    return ShownFault(app.self_test.fault(sensor), app.warner, sensor)
