"""`cluster.toml`: the nodes of a broker that runs on several machines. A site without it has one broker of its own.

    workers = 2       # ingest workers on each machine
    partitions = 8    # into which devices are divided; each is read by one worker at a time

    [[node]]
    host = "10.0.0.1" # address at which devices, workers and the other nodes reach it
    mqtt_port = 8883
    nats_port = 4222  # workers
    route_port = 6222 # the other nodes
    monitor_port = 8222 # counters over HTTP, loopback only
    via = ["10.9.0.2:6222", "10.9.0.3:6222"] # only where tunnels lie between: how it reaches the others, in their order

Every machine has a copy of the site's directory, and `jikimi up` there runs the nodes whose address is the machine's.
"""

from __future__ import annotations

import ipaddress
import json
import tomllib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from jikimi.fleet.errors import SiteError
from jikimi.fleet.site.files import write_atomic
from jikimi.fleet.site.ports import free_port, is_free

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FILE: Final = "cluster.toml"
WORKERS, PARTITIONS = 2, 8
_WORKERS_MAX, _PARTITIONS_MAX = 64, 64
# A majority must be able to agree, so two nodes would stand less than one.
_NODES_MIN, _NODES_MAX = 3, 9
_PORTS: Final = {"mqtt_port": 8883, "nats_port": 4222, "route_port": 6222, "monitor_port": 8222}


@dataclass(frozen=True)
class ClusterNode:
    """One node of the broker: `host` is an IP address; `via` is empty, or has HOST:PORT for each other node."""

    host: str
    mqtt_port: int
    nats_port: int
    route_port: int
    monitor_port: int
    via: tuple[str, ...] = ()

    def is_here(self) -> bool:
        """Whether its address is one of this machine's."""
        return is_free(self.host, 0)


@dataclass(frozen=True)
class Cluster:
    """All of the file."""

    nodes: tuple[ClusterNode, ...]
    workers: int = WORKERS
    partitions: int = PARTITIONS


def on_machines(hosts: Sequence[str], workers: int = WORKERS, partitions: int = PARTITIONS) -> Cluster:
    """One node on each of `hosts` (IP addresses), with the usual ports; SiteError when they cannot be a cluster."""
    return _checked(Cluster(tuple(ClusterNode(host, **_PORTS, via=()) for host in hosts), workers, partitions))


def on_this_machine(count: int, workers: int = WORKERS, partitions: int = PARTITIONS) -> Cluster:
    """`count` nodes on loopback with free ports, for trying it out."""
    taken: set[int] = set()
    nodes = []
    for _ in range(count):
        ports = {}
        for name in _PORTS:
            ports[name] = free_port(taken=frozenset(taken))
            taken.add(ports[name])
        nodes.append(ClusterNode("127.0.0.1", **ports, via=()))
    return _checked(Cluster(tuple(nodes), workers, partitions))


def load(directory: Path) -> Cluster | None:
    """The cluster of the site in `directory`; None when it has one broker. SiteError says what is wrong."""
    path = directory / FILE
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SiteError(f"{path}: {error}") from error
    try:
        return _checked(_cluster(document))
    except (TypeError, ValueError) as error:
        raise SiteError(f"{path}: {error}") from error


def save(directory: Path, cluster: Cluster) -> None:
    """Write the file."""
    lines = [
        '# The nodes of this site\'s broker; DESIGN.md, "Beyond one machine", says what runs where.',
        f"workers = {cluster.workers}",
        f"partitions = {cluster.partitions}",
    ]
    for node in cluster.nodes:
        lines += ["", "[[node]]", f'host = "{node.host}"']
        lines += [f"{name} = {getattr(node, name)}" for name in _PORTS]
        if node.via:
            lines.append(f"via = {json.dumps(list(node.via))}")
    write_atomic(directory / FILE, "\n".join(lines) + "\n")


def _cluster(document: dict[str, Any]) -> Cluster:
    _refuse_unknown(document, ("workers", "partitions", "node"))
    tables = document.get("node")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ValueError("each node is a section [[node]]")
    return Cluster(
        tuple(_node(table) for table in tables),
        document.get("workers", WORKERS),
        document.get("partitions", PARTITIONS),
    )


def _node(table: dict[str, Any]) -> ClusterNode:
    known = [item.name for item in fields(ClusterNode)]
    _refuse_unknown(table, known)
    if "host" not in table:
        raise ValueError("a [[node]] has no host")
    via = table.get("via", [])
    if not isinstance(via, list):
        raise SiteError("via is a list of HOST:PORT")
    return ClusterNode(**{**_PORTS, **table, "via": tuple(via)})


def _refuse_unknown(table: dict[str, Any], known: Sequence[str]) -> None:
    for key in table:
        if key not in known:
            raise ValueError(f"{key!r} is not known; known are {', '.join(known)}")


def _checked(cluster: Cluster) -> Cluster:
    if not _NODES_MIN <= len(cluster.nodes) <= _NODES_MAX or len(cluster.nodes) % 2 == 0:
        raise SiteError(f"a cluster has 3, 5, 7 or 9 nodes, not {len(cluster.nodes)}: a majority must be able to agree")
    for name, most in (("workers", _WORKERS_MAX), ("partitions", _PARTITIONS_MAX)):
        _check_number(name, getattr(cluster, name), 1, most)
    for node in cluster.nodes:
        _check_host(node.host)
        for name in _PORTS:
            _check_number(name, getattr(node, name), 1, 65535)
        _check_via(node.via, len(cluster.nodes) - 1)
    addresses = [(node.host, getattr(node, name)) for node in cluster.nodes for name in _PORTS]
    for address in addresses:
        if addresses.count(address) > 1:
            raise SiteError(f"port {address[1]} of {address[0]} is given twice: each node needs ports of its own")
    return cluster


def _check_number(name: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise SiteError(f"{name} must be a whole number from {low} to {high}, not {value!r}")


def _check_via(via: Sequence[Any], others: int) -> None:
    if via and len(via) != others:
        raise SiteError(f"via has an address for each of the {others} other nodes, not {len(via)}")
    for address in via:
        host, _, port = str(address).rpartition(":")
        _check_host(host.strip("[]"))
        _check_number("port of via", int(port) if port.isdecimal() else port, 1, 65535)


def _check_host(host: Any) -> None:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise SiteError(f"host must be an IP address such as 10.0.0.1, not {host!r}") from None
