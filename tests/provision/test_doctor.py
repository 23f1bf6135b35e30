"""The doctor names the cause: each fault is injected into a virtual board of its own, and all are examined at once."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from jikimi.fleet import registry
from jikimi.fleet.provision import Batch, SiteEnroller, provision
from jikimi.fleet.provision.remedies import REMEDIES
from jikimi.fleet.provision.visit import Report, at_port, from_here
from jikimi.fleet.services import Supervisor, broker_service
from jikimi.fleet.site import Site
from jikimi.fleet.store.schema import device as device_table
from jikimi.fleet.virtual import VirtualBoard, World
from tests.provision.conftest import FREE, PATIENCE_S, PROMPT, USUAL

DEAF = "deaf-radio"


class OneDeaf:
    """All boards hear each other, except that one hears nobody."""

    def rssi_dbm(self, _tx: str, rx: str, _t_s: float) -> float | None:
        return None if rx == DEAF else -59.0

    def range_m(self, _a: str, _b: str, _t_s: float) -> float | None:
        return 1.0


def _config(board: VirtualBoard, change: Callable[[dict[str, Any]], None]) -> None:
    path = board.flash_dir / "config.json"
    values = json.loads(path.read_text("utf-8"))
    change(values)
    path.write_text(json.dumps(values))


def _write(board: VirtualBoard, path: str, content: bytes) -> None:
    (board.flash_dir / path).write_bytes(content)


def _set(board: VirtualBoard, key: str, value: Any) -> None:
    *parents, last = key.split(".")

    def change(values: dict[str, Any]) -> None:
        for parent in parents:
            values = values[parent]
        values[last] = value

    _config(board, change)


def _other_ca(board: VirtualBoard, folder: Path) -> None:
    other = Site.init(folder / "other", settings=FREE)
    (board.flash_dir / "tls/ca.der").write_bytes(other.ca.certificate_der())


def _expired(board: VirtualBoard, site: Site, days: int) -> None:
    """A certificate for the board's key that ends in `days`, and a registry that knows it."""
    held = x509.load_der_x509_certificate((board.flash_dir / "tls/cert.der").read_bytes())
    form = serialization.PublicFormat.UncompressedPoint
    public = held.public_key().public_bytes(serialization.Encoding.X962, form)
    device = json.loads((board.flash_dir / "config.json").read_text("utf-8"))["device"]
    # Backdated by a day, so that minus one is a whole and past validity.
    certified = site.ca.certify_device(device, 1, public, days)
    (board.flash_dir / "tls/cert.der").write_bytes(certified.certificate_der())
    with registry.database.transaction(site) as connection:
        where = device_table.c.device == device
        connection.execute(device_table.update().where(where).values(cert_serial=certified.serial))


def _updated(board: VirtualBoard, slot: str) -> None:
    """As after an update: the same application runs from a slot, and what came by cable is older."""
    code = board.flash_dir / "lib/jikimi"
    shutil.copytree(code, board.flash_dir / "slots" / slot / "jikimi")
    (code / "edge/insist.mpy").write_bytes(b"M")
    (board.flash_dir / "slots/now").write_text(slot)


def _clock(board: VirtualBoard, world: World) -> None:
    # Set after the start, as a soft reset keeps it.
    wrong = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    world.do(lambda: world.hardware(board.name).set_clock(int(wrong.timestamp() * 1e6)))


Inject = Callable[[VirtualBoard, World, Site, Path], None]
FAULTS: dict[str, Inject] = {
    "no-wifi": lambda board, world, _s, _f: setattr(world.faults(board.name), "wifi_down", True),
    "wifi-password": lambda board, world, _s, _f: setattr(world.faults(board.name), "wifi_password_wrong", True),
    "wrong-clock": lambda board, world, _s, _f: _clock(board, world),
    "wrong-ca": lambda board, _w, _s, folder: _other_ca(board, folder),
    "expired-certificate": lambda board, _w, site, _f: _expired(board, site, 0),
    "certificate-ends-soon": lambda board, _w, site, _f: _expired(board, site, 7),
    "no-key": lambda board, _w, _s, _f: (board.flash_dir / "tls/key.der").unlink(),
    "wrong-broker": lambda board, _w, _s, _f: _set(board, "broker.port", 1),
    "full-flash": lambda board, _w, _s, _f: _write(board, "junk", bytes(4_000_000)),
    DEAF: lambda _b, _w, _s, _f: None,  # the channel does it
    "dead-sensor": lambda board, world, _s, _f: setattr(world.faults(board.name), "imu_nak", True),
    "empty-battery": lambda board, world, _s, _f: world.set_battery(board.name, 2_500),
    "old-configuration": lambda board, _w, _s, _f: _set(board, "vitals_s", 7),
    "bad-configuration": lambda board, _w, _s, _f: _set(board, "vitals_s", 0),
    "old-firmware": lambda board, _w, _s, _f: _write(board, "lib/jikimi/edge/insist.mpy", b"M"),
    "not-active": lambda board, _w, site, _f: registry.revoke(site, _device(board)),
    "not-provisioned": lambda board, _w, _s, _f: (board.flash_dir / "main.py").unlink(),
    "healthy": lambda _b, _w, _s, _f: None,
    "updated": lambda board, _w, _s, _f: _updated(board, "a"),
}
WELL = ("healthy", "updated")
# What a fault shows beside itself, because it follows from it.
FOLLOWS = {
    "wrong-ca": {"no-broker"},
    "expired-certificate": {"no-broker"},
    "wrong-broker": {"no-broker"},
    "no-key": {"no-broker"},
    "not-active": {"no-broker"},
}


def _device(board: VirtualBoard) -> str:
    return str(json.loads((board.flash_dir / "config.json").read_text("utf-8"))["device"])


@pytest.fixture
def reports(tmp_path: Path) -> Iterator[dict[str, Report]]:
    """Each fault's board, examined; all at once, as each takes seconds of waiting."""
    site = Site.init(tmp_path / "plant", settings=FREE)
    (site.path / "fleet.toml").write_text(
        '[defaults]\nwifi = { ssid = "plant", password = "secret" }\n[kind.tag]\nimu = { driver = "lsm6dsox" }\n'
    )
    with ExitStack() as stack:
        stack.enter_context(Supervisor(site, [broker_service(site)]))
        world = stack.enter_context(World(channel=OneDeaf()))
        boards = {name: stack.enter_context(VirtualBoard(name, tmp_path / name, world)) for name in FAULTS}
        for board in boards.values():
            board.start()
        for board in boards.values():
            board.wait_for(PROMPT, PATIENCE_S)
        enroller = SiteEnroller(site)
        ports = [board.port for board in boards.values()]
        results = list(provision(enroller, ports, Batch(None, USUAL, enroller.name_is_free)))
        assert [result.reason for result in results if result.reason] == []
        for name, inject in FAULTS.items():
            inject(boards[name], world, site, tmp_path)

        def visit(name: str) -> Report:
            return at_port(site, boards[name].port, lambda _text: None, near=True)

        with ThreadPoolExecutor(6) as pool:
            yield dict(zip(FAULTS, pool.map(visit, FAULTS), strict=True))


@pytest.mark.timeout(600)  # twenty seconds on an idle machine; nineteen boards at once on a busy one take minutes
def test_the_doctor_names_each_fault_with_what_to_do_and_nothing_that_is_well(reports):
    found = {fault: {finding.code for finding in report.findings} for fault, report in reports.items()}
    expected = {fault: {fault} | FOLLOWS.get(fault, set()) for fault in FAULTS} | {well: set() for well in WELL}
    assert found == expected
    assert all(report.device is not None for report in reports.values())


def test_every_remedy_is_in_both_languages():
    for english, korean in REMEDIES.values():
        assert english.isascii()
        assert any("가" <= letter <= "힣" for letter in korean)


def test_from_afar_a_device_that_was_never_heard_and_a_revoked_one_are_named(tmp_path):
    site = Site.init(tmp_path / "plant", settings=FREE)
    never = registry.add_device(site, "tag", "Tag 1", "floor").device
    gone = registry.add_device(site, "tag", "Tag 2", "floor").device
    registry.revoke(site, gone)
    found = {report.device: [finding.code for finding in report.findings] for report in from_here(site)}
    assert found == {never: ["never-heard"], gone: ["not-active"]}
