"""Who is connected to the broker and how, asked of the broker itself."""

from __future__ import annotations

import json
import urllib.request

from jikimi.fleet.site import Site

_TIMEOUT_S = 2.0


def over_tls(site: Site) -> dict[str, str]:
    """Devices on the MQTT port, named by their certificates, with the version of TLS; those without are left out."""
    url = f"http://127.0.0.1:{site.ports().monitor}/connz?auth=true&limit=4096"
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as reply:
        connections = json.load(reply)["connections"]
    return {
        _device(connection["authorized_user"]): str(connection["tls_version"])
        for connection in connections
        if connection.get("mqtt_client") and connection.get("tls_version")
    }


def _device(user: str) -> str:
    """The device of a `site.names.device_name`; a client id would be only what the client says."""
    return user.partition(".")[0]
