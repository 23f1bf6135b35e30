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

from jikimi.fleet.broker.nodes import bracketed
from jikimi.fleet.site.names import device_name, host_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from jikimi.fleet.broker.nodes import Node
    from jikimi.fleet.site import Cluster, Site

_DEVICE_UP = ("st", "al", "ev", "vt", "get")
_DEVICE_DOWN = ("ack", "cmd", "put")
_QOS1 = "$MQTT.sub.>"
# Unacknowledged QoS 1 messages towards one subscription; ingest commits thousands at a time.
_MAX_ACK_PENDING = 16_000
# Without ingest's PUBACK a message is delivered again only after this long, also when ingest was killed and is back
# (measured): short, so that no alarm waits long for it, but several times what a full window of _MAX_ACK_PENDING needs.
ACK_WAIT_S = 5
# Nodes tell each other where they saw a third one, and connect there. Where they are to use tunnels only, what they are
# told leads to the port that discards.
_NOWHERE = "127.0.0.1:9"
_TLS_TIMEOUT_S = 10  # an ESP32 needs about two seconds for its side of the handshake


def render(site: Site, devices: Mapping[str, Iterable[int]], node: Node, directory: Path) -> str:
    """Text of the configuration file of one node, whose state is in `directory` (JSON, which the format includes).

    `devices` has the generations of its key that are admitted for each.
    """
    document = _document(site, devices, node, directory)
    if site.cluster is not None:
        document |= _cluster(site, site.cluster, node)
        # Left to itself the broker counts the nodes that are there when the first device connects, which may be one.
        document["mqtt"]["stream_replicas"] = replicas(len(site.cluster.nodes))
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _document(site: Site, devices: Mapping[str, Iterable[int]], node: Node, directory: Path) -> dict[str, Any]:
    broker, tls = site.settings.broker, _tls(site)
    return {
        "server_name": server_name(site, node),
        # nats-server always opens its own protocol as well: with the same mutual TLS, and without a cluster on
        # loopback only.
        "host": "127.0.0.1" if node.route is None else node.host,
        "port": node.nats,
        "tls": tls,
        "http": f"127.0.0.1:{node.monitor}",
        "max_connections": broker.max_connections,
        "max_payload": broker.max_payload_bytes,
        "jetstream": {
            "store_dir": str(directory / "store"),
            "max_memory_store": 64 << 20,
            "max_file_store": broker.store_max_mb << 20,
            "sync_interval": f"{broker.sync_s}s",
        },
        "mqtt": {
            "host": node.host,
            "port": node.mqtt,
            "tls": tls,
            "ack_wait": f"{ACK_WAIT_S}s",
            "max_ack_pending": _MAX_ACK_PENDING,
            "reject_qos2_publish": True,
        },
        "authorization": {
            "users": [_ingest(site.name, clustered=node.route is not None), *_devices(site.name, devices)]
        },
    }


def server_name(site: Site, node: Node) -> str:
    """What a node is called by itself and by the others."""
    return f"jikimi-{site.name}" if node.route is None else f"jikimi-{site.name}-{node.name}"


def replicas(nodes: int) -> int:
    """On how many nodes each message is kept: three survive the loss of one, more cost more than they give."""
    return min(3, nodes)


def _cluster(site: Site, cluster: Cluster, node: Node) -> dict[str, Any]:
    """What joins the nodes; sessions and messages are on as many of them as a majority needs to survive one."""
    others = [one for one in cluster.nodes if (one.host, one.route_port) != (node.host, node.route)]
    addresses = node.via or [f"{bracketed(one.host)}:{one.route_port}" for one in others]
    return {
        "cluster": {
            "name": f"jikimi-{site.name}",
            "host": node.host,
            "port": node.route,
            "tls": {**_tls(site), "verify_and_map": False, "verify": True},
            # A node that answers nobody is given up after three of these: the default of two minutes is for clouds.
            "ping_interval": "2s",
            "routes": [f"nats://{address}" for address in addresses],
            **({"advertise": _NOWHERE} if node.via else {}),
        },
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


def _ingest(site: str, *, clustered: bool) -> dict[str, Any]:
    user = _user(
        host_name(site, "ingest"),
        publish=[*(f"jk.{site}.*.{leaf}" for leaf in _DEVICE_DOWN), f"jk.{site}.host.st"],
        # `jk/SITE/#` includes `jk/SITE` itself.
        subscribe=[f"jk.{site}", f"jk.{site}.>"],
    )
    if clustered:  # workers share the load through JetStream, which they manage
        user["allowed_connection_types"] = ["MQTT", "STANDARD"]
        user["permissions"]["publish"] += ["$JS.API.>", "$JS.ACK.>", "$KV.>"]
        user["permissions"]["subscribe"] += ["_INBOX.>"]
    return user


def _user(name: str, publish: list[str], subscribe: list[str]) -> dict[str, Any]:
    return {
        "user": name,
        "allowed_connection_types": ["MQTT"],
        "permissions": {"publish": publish, "subscribe": [*subscribe, _QOS1]},
    }
