"""`python -m jikimi.edge --root DIR`: the same application on CPython, for a machine node that is a Linux gateway."""

import argparse
import os
import sys

from jikimi.edge.app import main


def unit(root):
    """Text of the systemd unit for this Python and this directory."""
    with open(os.path.join(os.path.dirname(__file__), "jikimi-node.service"), encoding="utf-8") as file:
        return file.read().replace("{python}", sys.executable).replace("{root}", os.path.abspath(root))


def run(arguments=None):
    """The exit status: 75 to be started again, 2 when it is not provisioned."""
    parser = argparse.ArgumentParser(
        prog="python -m jikimi.edge", description="Run a Jikimi machine node on this computer."
    )
    parser.add_argument(
        "--root", required=True, help="directory that is the device's flash: config.json, tls/, journal/"
    )
    parser.add_argument("--unit", action="store_true", help="print a systemd unit for it instead of running it")
    options = parser.parse_args(arguments)
    if options.unit:
        sys.stdout.write(unit(options.root))
        return 0
    return main(options.root)


if __name__ == "__main__":
    sys.exit(run())
