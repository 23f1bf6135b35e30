"""Started by MicroPython after boot.py: the application, with the flash's root as its directory."""

from jikimi.edge.app import main

main("")
