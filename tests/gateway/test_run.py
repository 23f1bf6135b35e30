# mypy: allow-untyped-calls
"""`python -m jikimi.edge`: the whole node on this computer, with a fake BlueZ and nobody at the broker's address."""

from __future__ import annotations

import configparser
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jikimi.edge.__main__ import unit
from jikimi.edge.supervisor import WATCHDOG_MS
from jikimi.wire import radio

PATIENCE_S = 30.0
TAG = radio.tag_advert(b"ephemera")


def keys(folder):
    """A certificate of its own, as DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dnode")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    certificate = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    pkcs8 = (serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    folder.mkdir()
    for file, content in (("ca", certificate), ("cert", certificate), ("key", key.private_bytes(*pkcs8))):
        (folder / f"{file}.der").write_bytes(content)


@pytest.fixture
def root(tmp_path):
    """The directory of a gateway; the broker's port is one nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    folder = tmp_path / "node"
    folder.mkdir()
    keys(folder / "tls")
    config = {
        "version": 1, "site": "s", "device": "dnode", "kind": "node", "board": "linux",
        "broker": {"host": "127.0.0.1", "port": port},
        "machine": {"kind": "press", "name": "P", "warn_mm": 3000, "danger_mm": 1500},
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    return folder


class Gateway:
    def __init__(self, root):
        command = [sys.executable, "-W", "error", "-m", "jikimi.edge", "--root", str(root)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def until(self, condition, what):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain: {what}\n" + "\n".join(self.lines)
            assert self.process.poll() is None, "\n".join(self.lines)
            time.sleep(0.01)

    def said(self, pattern):
        return any(re.search(pattern, line) for line in list(self.lines))

    def close(self):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def gateway(root, bluez):
    running = Gateway(root)
    yield running
    running.close()


def test_a_gateway_hears_a_tag_warns_it_by_its_advert_and_keeps_the_near_miss(gateway, bluez, root):
    gateway.until(lambda: gateway.said(r"^jk boot 1 node dnode"), "the boot")
    gateway.until(lambda: gateway.said(r"^jk core .* cffi$"), "the core")
    gateway.until(lambda: bluez.discovering and bluez.said() is not None, "scan and advert")

    def warned():
        bluez.hear("C0:00:00:00:00:01", -45, TAG[7:])
        said = bluez.said() or b""
        found = radio.parse_advert(bytes((3 + len(said), 0xFF, 0xFF, 0xFF)) + said)
        return found is not None and found[1][5]

    gateway.until(warned, "the tag is named in the advert")
    gateway.until(lambda: gateway.said(r"^jk warn [12] 1 "), "the warning")
    assert warned()[0][0] == b"ep"
    gateway.until(lambda: gateway.said(r"^jk rec 1 1 \d+ 17 "), "the near miss, once the tag is gone")
    assert list((root / "journal").iterdir())


def test_a_gateway_whose_bluez_ends_records_the_fault_and_recovers_with_the_next_one(gateway, bluez, bus):
    from tests.gateway.fake_bluez import FakeBluez

    gateway.until(lambda: bluez.discovering, "the scan")
    bluez.close()
    gateway.until(lambda: gateway.said(r"^jk rec 1 0 \d+ 4 "), "a sensor fault")
    second = FakeBluez(bus)
    try:
        gateway.until(lambda: second.discovering and second.said() is not None, "scan and advert again")
        gateway.until(lambda: gateway.said(r"^jk rec 1 0 \d+ 6 "), "the all-clear")
    finally:
        second.close()


def test_a_gateway_that_is_not_provisioned_ends_with_status_2(tmp_path):
    command = [sys.executable, "-m", "jikimi.edge", "--root", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "not provisioned" in done.stdout) == (2, True)


def test_a_gateway_without_its_extra_says_what_to_install(root):
    hidden = "import sys; sys.modules['bleak'] = None; from jikimi.edge.__main__ import run; sys.exit(run())"
    command = [sys.executable, "-c", hidden, "--root", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "pip install 'jikimi[gateway]'" in done.stdout) == (2, True)


def test_the_unit_runs_this_python_and_restarts_but_for_what_only_a_technician_mends(tmp_path):
    text = unit(str(tmp_path))
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    service = parser["Service"]
    assert service["ExecStart"] == f"{sys.executable} -m jikimi.edge --root {tmp_path}"
    assert (service["Restart"], service["RestartPreventExitStatus"], service["Type"]) == ("always", "2", "notify")
    assert int(service["WatchdogSec"]) * 1000 > WATCHDOG_MS
    assert service["ReadWritePaths"] == str(tmp_path)
    assert "{" not in text


def test_the_unit_is_printed_on_request(tmp_path):
    command = [sys.executable, "-m", "jikimi.edge", "--root", str(tmp_path), "--unit"]
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment)
    assert done.stdout == unit(str(tmp_path))
