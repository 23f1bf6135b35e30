# ruff: noqa: F821 - MicroPython's manifest functions (docs/reference/manifest.html) are injected.
"""Freeze manifest of the device application: make FROZEN_MANIFEST=…/firmware/manifest.py.

The native core is built into such an image by native/natmod/micropython.cmake; a board without it takes
/lib/jikimi/sigcore.mpy from its flash. Manifests run in their own directory.
"""

import os

HOST_ONLY = ("__main__.py", "port_cpython.py", "host.py", "gateway_advert.py", "gateway_ble.py", "gateway_machine.py")


def device_files(base, folder):
    """Paths below base/jikimi of the Python files that run on a device."""
    names = sorted(os.listdir(base + "/jikimi/" + folder))
    return [folder + "/" + name for name in names if name.endswith(".py") and name not in HOST_ONLY]


require("ssl")
package("jikimi", device_files(".", "edge") + device_files(".", "edge/drivers"), base_path=".", opt=3)
package("jikimi", device_files("../proto", "wire"), base_path="../proto", opt=3)
module("main.py", base_path=".", opt=3)
