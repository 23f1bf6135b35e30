"""Another peer of `bench_ingest`: Node-RED with its SQLite node, wired as its documentation shows.

    python -m tools.bench_node_red [--messages N]     installs both by npm into build/node-red at the first run

One `mqtt in` node, a function that names the parameters, and a `sqlite` node with a prepared insert: a commit for each
message. Node-RED acknowledges a message to the broker before it is in the database, so a crash loses what was between.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from jikimi.fleet import broker, registry
from jikimi.fleet.services import Supervisor, broker_service
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, WebSettings
from tools import bench_plain

_HOME = Path(__file__).resolve().parent.parent / "build" / "node-red"
_PACKAGES = ("node-red", "node-red-node-sqlite")
_INSTALL_S = 900.0


def available() -> bool:
    """Whether Node-RED is there, after an attempt to install it when npm is."""
    if (_HOME / "node_modules" / "node-red-node-sqlite").is_dir():
        return True
    if shutil.which("npm") is None:
        return False
    _HOME.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(_HOME), *_PACKAGES]
    return subprocess.run(command, check=False, timeout=_INSTALL_S).returncode == 0


def measure(directory: Path, n_messages: int, batch: int, n_devices: int) -> dict[str, float]:
    """Messages a second from the first publish to the last commit."""
    settings = Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0))
    site = Site.init(directory / "bench", settings=settings)
    devices = registry.add_devices(site, "tag", [f"Tag {number}" for number in range(n_devices)], "hall")
    database = directory / "node-red.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE message (topic TEXT, payload BLOB)")
    with Supervisor(site, [broker_service(site)]), (directory / "log").open("wb") as log:
        process = subprocess.Popen(_command(site, directory, database), stdout=log, stderr=log)
        try:
            bench_plain.wait(lambda: _listens(site, process, directory / "log"))
            took_s = bench_plain.send(site, devices, directory, database, n_messages, batch)
        finally:
            process.kill()
            process.wait()
    return {"messages_per_s": round(n_messages / took_s), "events_per_s": round(n_messages * batch / took_s)}


def _listens(site: Site, process: subprocess.Popen[bytes], log: Path) -> bool:
    """Whether it has subscribed; RuntimeError with its last words when it has ended instead."""
    if process.poll() is not None:
        raise RuntimeError(
            f"Node-RED ended ({_HOME} can be deleted to install it anew): {log.read_text('utf-8')[-500:]}"
        )
    consumers: int = broker.monitor(site, "jsz")["consumers"]
    return consumers > 0


def _command(site: Site, directory: Path, database: Path) -> list[str]:
    home = directory / "home"
    home.mkdir()
    (home / "flows.json").write_text(json.dumps(_flow(site, database)))
    # Without credentials to encrypt, and without the editor.
    (home / "settings.js").write_text(
        f"module.exports = {{flowFile: 'flows.json', httpAdminRoot: false, httpNodeRoot: false, uiPort: 0,"
        f" nodesDir: {json.dumps(str(_HOME / 'node_modules' / 'node-red-node-sqlite'))}}};\n"
    )
    return ["node", str(_HOME / "node_modules" / "node-red" / "red.js"), "--userDir", str(home)]


def _flow(site: Site, database: Path) -> list[dict[str, Any]]:
    host, port = broker.host_address(site)
    tls = {
        name: str(site.tls_dir / file)
        for name, file in (("ca", "ca.pem"), ("cert", "ingest.pem"), ("key", "ingest.key.pem"))
    }
    connection = {"broker": host, "port": str(port), "clientid": site.client_id("ingest"), "usetls": True, "tls": "t"}
    session = {"protocolVersion": "4", "keepalive": "60", "cleansession": False}
    store = "msg.params = {$topic: msg.topic, $payload: msg.payload}; return msg;"
    return [
        {"id": "f", "type": "tab", "label": "bench"},
        {"id": "t", "type": "tls-config", **tls, "verifyservercert": True},
        {"id": "b", "type": "mqtt-broker", **connection, **session},
        {"id": "d", "type": "sqlitedb", "db": str(database), "mode": "RWC"},
        {"id": "i", "type": "mqtt in", "z": "f", "broker": "b", "topic": f"jk/{site.name}/+/ev", "qos": "1",
         "datatype": "buffer", "wires": [["p"]]},
        {"id": "p", "type": "function", "z": "f", "func": store, "outputs": 1, "wires": [["s"]]},
        {"id": "s", "type": "sqlite", "z": "f", "mydb": "d", "sqlquery": "prepared",
         "sql": "INSERT INTO message VALUES ($topic, $payload)", "wires": [[]]},
    ]  # fmt: skip


def main() -> int:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2_000)
    options = parser.parse_args()
    if not available():
        print("Node-RED could not be installed", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as directory:
        print(json.dumps(measure(Path(directory), options.messages, 1, 20)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
