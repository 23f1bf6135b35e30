"""Who is connected to the broker and how, asked of the broker itself."""

from __future__ import annotations

import json
import urllib.request

from jikimi.fleet.site import Site

_TIMEOUT_S = 2.0


def over_tls(site: Site) -> dict[str, str]:
    """Clients on the MQTT port by their client id, with the version of TLS; those without TLS are left out."""
    url = f"http://127.0.0.1:{site.ports().monitor}/connz?auth=true&limit=4096"
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as reply:
        connections = json.load(reply)["connections"]
    return {
        str(connection["mqtt_client"]): str(connection["tls_version"])
        for connection in connections
        if connection.get("mqtt_client") and connection.get("tls_version")
    }
