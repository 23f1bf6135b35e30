"""`python -m jikimi.edge --root DIR`: the same application on CPython, for a machine node that is a Linux gateway."""

import argparse
import sys

from jikimi.edge.app import main

parser = argparse.ArgumentParser(
    prog="python -m jikimi.edge", description="Run a Jikimi machine node on this computer."
)
parser.add_argument("--root", required=True, help="directory that is the device's flash: config.json, tls/, journal/")
sys.exit(main(parser.parse_args().root))
