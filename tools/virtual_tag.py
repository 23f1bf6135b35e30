"""What a tag on a virtual board is set to, for tools and tests that run one."""

from __future__ import annotations

import secrets
from typing import Any

from jikimi.fleet.registry import DeviceFiles


def configuration(files: DeviceFiles, **changes: Any) -> dict[str, Any]:
    """A tag's config.json: the usual chips, worn at the waist, and `changes`."""
    broker = files.broker
    return {
        "version": 1,
        "site": files.site,
        "device": files.device,
        "kind": "tag",
        "zone": files.zone,
        "broker": {"host": broker.host, "port": broker.port, "server_name": broker.server_name},
        "board": "virtual",
        "imu": {"driver": "lsm6dsox", "rate_hz": 104, "placement": "waist"},
        "uwb": {"driver": "ryuw122"},
        "ephemeral_secret": secrets.token_hex(16),
        **changes,
    }
