"""The configuration of nats-server for one site: a pure function of the site and its active devices.

Who may do what (a `/` of an MQTT topic is a `.` here). Everything not allowed is denied:

    device   publishes  its own st, al, ev, vt, get     subscribes  its own ack, cmd, put and the host's st
    ingest   publishes  ack, cmd, put of any device, host st subscribes  everything of the site

QoS 1 subscriptions need `$MQTT.sub.>`: it is where the broker delivers to a session. A client cannot use that
permission directly, because the broker refuses topics that begin with `$MQTT/sub/`.

Durability: the broker writes a QoS 1 message to its store file before it sends the PUBACK, so kill -9 of the broker
loses none; after a power cut up to `sync_s` seconds may be missing. Neither matters to records: the device keeps them
until ingest's application acknowledgement, which is sent after the database commit (a PUBACK proves little anyway,
a denied publish gets one too). Retained states come back with the next birth of each device.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jikimi.fleet.site.names import device_name, host_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jikimi.fleet.site import Site

_DEVICE_UP = ("st", "al", "ev", "vt", "get")
_DEVICE_DOWN = ("ack", "cmd", "put")
_QOS1 = "$MQTT.sub.>"
# Unacknowledged QoS 1 messages towards one subscription; ingest commits thousands at a time.
_MAX_ACK_PENDING = 16_000
# Without ingest's PUBACK a message is delivered again only after this long, also when ingest was killed and is back
# (measured): short, so that no alarm waits long for it, but several times what a full window of _MAX_ACK_PENDING needs.
_ACK_WAIT_S = 5
_TLS_TIMEOUT_S = 10  # an ESP32 needs about two seconds for its side of the handshake


def render(site: Site, devices: Mapping[str, Iterable[int]]) -> str:
    """Text of the configuration file (JSON, which nats-server's format includes).

    `devices` has the generations of its key that are admitted for each.
    """
    return json.dumps(_document(site, devices), indent=1) + "\n"


def _document(site: Site, devices: Mapping[str, Iterable[int]]) -> dict[str, Any]:
    broker, ports, tls = site.settings.broker, site.ports(), _tls(site)
    return {
        "server_name": f"jikimi-{site.name}",
        # nats-server always opens its own protocol as well: loopback only, and with the same mutual TLS.
        "host": "127.0.0.1",
        "port": ports.nats,
        "tls": tls,
        "http": f"127.0.0.1:{ports.monitor}",
        "max_connections": broker.max_connections,
        "max_payload": broker.max_payload_bytes,
        "jetstream": {
            "store_dir": str(site.broker_dir / "store"),
            "max_memory_store": 64 << 20,
            "max_file_store": broker.store_max_mb << 20,
            "sync_interval": f"{broker.sync_s}s",
        },
        "mqtt": {
            "host": broker.host,
            "port": ports.mqtt,
            "tls": tls,
            "ack_wait": f"{_ACK_WAIT_S}s",
            "max_ack_pending": _MAX_ACK_PENDING,
            "reject_qos2_publish": True,
        },
        "authorization": {"users": [_ingest(site.name), *_devices(site.name, devices)]},
    }


def _tls(site: Site) -> dict[str, Any]:
    return {
        "cert_file": str(site.tls_dir / "broker.pem"),
        "key_file": str(site.tls_dir / "broker.key.pem"),
        "ca_file": str(site.tls_dir / "ca.pem"),
        "verify_and_map": True,
        "timeout": _TLS_TIMEOUT_S,
    }


def _devices(site: str, devices: Mapping[str, Iterable[int]]) -> Iterator[dict[str, Any]]:
    for device, generations in devices.items():
        for generation in generations:
            yield _device(site, device, generation)


def _device(site: str, device: str, generation: int) -> dict[str, Any]:
    own = f"jk.{site}.{device}"
    return _user(
        device_name(site, device, generation),
        publish=[f"{own}.{leaf}" for leaf in _DEVICE_UP],
        subscribe=[*(f"{own}.{leaf}" for leaf in _DEVICE_DOWN), f"jk.{site}.host.st"],
    )


def _ingest(site: str) -> dict[str, Any]:
    return _user(
        host_name(site, "ingest"),
        publish=[*(f"jk.{site}.*.{leaf}" for leaf in _DEVICE_DOWN), f"jk.{site}.host.st"],
        # `jk/SITE/#` includes `jk/SITE` itself.
        subscribe=[f"jk.{site}", f"jk.{site}.>"],
    )


def _user(name: str, publish: list[str], subscribe: list[str]) -> dict[str, Any]:
    return {
        "user": name,
        "allowed_connection_types": ["MQTT"],
        "permissions": {"publish": publish, "subscribe": [*subscribe, _QOS1]},
    }
