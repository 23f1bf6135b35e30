"""Which broker processes a site has: one, or the nodes of its cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jikimi.fleet.errors import SiteError

if TYPE_CHECKING:
    from jikimi.fleet.site import Site
    from jikimi.fleet.site.cluster import ClusterNode

_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (compared with, not listened on)


@dataclass(frozen=True)
class Node:
    """One broker process. `name` is that of its service, log and pid file; `route` is None without a cluster."""

    name: str
    host: str  # it listens there
    mqtt: int
    nats: int
    monitor: int
    route: int | None
    here: bool  # it runs on this machine
    via: tuple[str, ...] = ()  # HOST:PORT at which it reaches each other node, where not at the node's own

    @property
    def address(self) -> tuple[str, int]:
        """Address and port for MQTT over TLS."""
        return _ANY.get(self.host, self.host), self.mqtt


def nodes(site: Site) -> list[Node]:
    """All of them, in the order in which they are written."""
    if site.cluster is None:
        ports = site.ports()
        return [Node("broker", site.settings.broker.host, ports.mqtt, ports.nats, ports.monitor, None, here=True)]
    return [_node(f"broker-{number}", one) for number, one in enumerate(site.cluster.nodes, start=1)]


def _node(name: str, one: ClusterNode) -> Node:
    here = one.is_here()
    return Node(name, one.host, one.mqtt_port, one.nats_port, one.monitor_port, one.route_port, here, one.via)


def nodes_here(site: Site) -> list[Node]:
    """Those that run on this machine."""
    return [node for node in nodes(site) if node.here]


def first_here(site: Site) -> Node:
    """The first one of this machine; SiteError when there is none."""
    for node in nodes(site):
        if node.here:
            return node
    raise SiteError(f"{site.path / 'cluster.toml'}: no [[node]] has an address of this machine")


def addresses(site: Site) -> list[tuple[str, int]]:
    """Where clients on this machine find the broker: nodes of this machine first."""
    return [node.address for node in sorted(nodes(site), key=lambda node: not node.here)]


def servers(site: Site) -> list[str]:
    """URLs of the broker's own protocol, nodes of this machine first."""
    ordered = sorted(nodes(site), key=lambda node: not node.here)
    return [f"tls://{bracketed(node.address[0])}:{node.nats}" for node in ordered]


def bracketed(host: str) -> str:
    """`host` as a part of a URL."""
    return f"[{host}]" if ":" in host else host
