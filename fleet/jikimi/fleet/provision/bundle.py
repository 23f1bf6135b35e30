"""A technician's bundle: a directory with which boards are enrolled where the site cannot be reached.

bundle.json     site, technician, last day, the broker's address
ca.der          the site's authority
trust/          public keys for releases and configurations
fleet.toml, secrets.toml     what devices are set to
vouchers/       one file for each id not used yet, with its key; a file goes when its board has the key
enrolled.json   what was enrolled, for `jikimi site merge`
"""

from __future__ import annotations

import base64
import json
import shutil
import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from jikimi.fleet import configuration
from jikimi.fleet.configuration import Subject
from jikimi.fleet.errors import RegistryError
from jikimi.fleet.provision.enroller import trust_files
from jikimi.fleet.registry import Description, Enrolment, Known, states, vouchers
from jikimi.fleet.site import Endpoint
from jikimi.fleet.site.files import PRIVATE, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from jikimi.fleet.site import Site


def make(site: Site, name: str, days: int, devices: int, folder: Path) -> vouchers.Technician:
    """Make a credential and write its bundle to `folder`, which must be new."""
    if folder.exists():
        raise RegistryError(f"{folder} is there already: name a new directory")
    technician, issued = vouchers.add(site, name, days, devices)
    (folder / "vouchers").mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)
    for one in issued:
        texts = {"cert": base64.b64encode(one.cert_der).decode(), "key": base64.b64encode(one.key_der).decode()}
        write_atomic(folder / "vouchers" / f"{one.device}.json", json.dumps(texts), PRIVATE)
    (folder / "trust").mkdir()
    for path, content in trust_files(site).items():
        write_atomic(folder / path.lstrip("/"), content)
    write_atomic(folder / "ca.der", site.ca.certificate_der())
    for file in (configuration.DESIRED, configuration.SECRETS):
        if (site.path / file).exists():
            shutil.copyfile(site.path / file, folder / file)
            (folder / file).chmod(PRIVATE)
    about = {"site": site.name, "technician": name, "not_after_ms": technician.not_after_ms}
    write_atomic(folder / "bundle.json", json.dumps(about | {"broker": asdict(site.endpoint())}), PRIVATE)
    write_atomic(folder / "enrolled.json", "[]", PRIVATE)
    return technician


def merge(site: Site, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Take over what was enrolled with the bundle: (admitted, refused with the reason). Harmless to repeat."""
    about = _json(folder / "bundle.json")
    if about["site"] != site.name:
        raise RegistryError(f"this bundle is of the site {about['site']}")
    found = [
        vouchers.Enrolled(row["device"], row["board"], Description(**row["description"]), row["enrolled_ms"])
        for row in _json(folder / "enrolled.json")
        if row["passed"]
    ]
    return vouchers.merge(site, about["technician"], found)


class BundleEnroller:
    """An `Enroller` away from the site; RegistryError when the bundle is past its date."""

    def __init__(self, folder: Path) -> None:
        about = _json(folder / "bundle.json")
        if time.time_ns() // 1_000_000 > about["not_after_ms"]:
            raise RegistryError(f"the bundle {folder} is past its date: ask the site for a new one")
        self.site: str = about["site"]
        self._folder = folder
        self._endpoint = Endpoint(**about["broker"])
        self._lock = threading.Lock()
        self._rows: list[dict[str, Any]] = _json(folder / "enrolled.json")

    def on_board(self, board: str) -> Known | None:
        """See `Enroller`."""
        return self._known("board", board)

    def known(self, device: str) -> Known | None:
        """See `Enroller`."""
        return self._known("device", device)

    def name_is_free(self, name: str) -> bool:
        """See `Enroller`."""
        return all(row["description"]["name"] != name for row in self._rows)

    def settings_for(self, description: Description) -> configuration.Table:
        """See `Enroller`."""
        return self.settings_of("dnew", description)

    def settings_of(self, device: str, description: Description) -> configuration.Table:
        """See `Enroller`."""
        subject = Subject(device, description.kind, description.name, description.zone, description.machine_kind)
        desired = configuration.load(self._folder / configuration.DESIRED)
        secrets = configuration.load_secrets(self._folder / configuration.SECRETS)
        return configuration.resolve(desired, subject, self.site, self._endpoint, secrets)

    def trust(self) -> dict[str, bytes]:
        """See `Enroller`."""
        return {f"/trust/{path.name}": path.read_bytes() for path in (self._folder / "trust").iterdir()}

    def enrol(self, board: str, description: Description, public_key: bytes | None) -> Enrolment:  # noqa: ARG002
        """See `Enroller`: the id, and with it the key, is one of those the site has given."""
        with self._lock:
            known = self.on_board(board)
            device = known.device if known else self._unused()
            found = _json(self._folder / "vouchers" / f"{device}.json")
            if known is None:
                self._rows.append(
                    {
                        "device": device,
                        "board": board,
                        "description": asdict(description),
                        "enrolled_ms": time.time_ns() // 1_000_000,
                        "passed": False,
                    }
                )
                self._save()
        key = base64.b64decode(found["key"])
        return Enrolment(
            device, description, (self._folder / "ca.der").read_bytes(), base64.b64decode(found["cert"]), key
        )

    def passed(self, device: str) -> None:
        """See `Enroller`. The key is on the board: it leaves this computer."""
        with self._lock:
            for row in self._rows:
                if row["device"] == device:
                    row["passed"] = True
            self._save()
            (self._folder / "vouchers" / f"{device}.json").unlink(missing_ok=True)

    def _unused(self) -> str:
        used = {row["device"] for row in self._rows}
        for path in sorted((self._folder / "vouchers").glob("*.json")):
            if path.stem not in used:
                return path.stem
        raise RegistryError("the bundle has no id left: ask the site for another one")

    def _known(self, key: str, value: str) -> Known | None:
        for row in self._rows:
            if row[key] == value:
                description = Description(**row["description"])
                state = states.ACTIVE if row["passed"] else states.ENROLLED
                return Known(str(row["device"]), str(row["board"]), description, state, "", 1)
        return None

    def _save(self) -> None:
        write_atomic(self._folder / "enrolled.json", json.dumps(self._rows, ensure_ascii=False, indent=1), PRIVATE)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RegistryError(f"{path} cannot be read: is this a technician's bundle?") from error
