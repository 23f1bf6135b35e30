"""Started by MicroPython after boot.py, in the flash's root directory."""

from jikimi.edge.app import main

# Relative, although it is "/": the unix port's VfsPosix builds both absolute paths of a rename in one buffer.
main(".")
