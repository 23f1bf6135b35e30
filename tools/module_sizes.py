"""Bytes of every module of a release, byte code as boards get it, the largest first.

python -m tools.module_sizes [--json]
"""

from __future__ import annotations

import argparse
import json
import sys

from jikimi.fleet.release import application_files


def module_bytes() -> dict[str, int]:
    """Path below /lib to bytes, the native core as it is for the x64 board."""
    return {path: len(content) for path, content in application_files("x64").items()}


def main() -> int:
    """Print the table and its sum."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="only the figures")
    found = module_bytes()
    if parser.parse_args().json:
        print(json.dumps(found))
        return 0
    for name, size in sorted(found.items(), key=lambda row: -row[1]):
        print(f"  {name:<44}{size:>8}")
    print(f"  {'all':<44}{sum(found.values()):>8}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
