"""Bytes of every module of a release, byte code as boards get it; part of `python -m tools.sizes`."""

from __future__ import annotations

from collections.abc import Mapping

from jikimi.fleet.release import application_files


def module_bytes() -> dict[str, int]:
    """Path below /lib to bytes, the native core as it is for the x64 board."""
    return {path: len(content) for path, content in application_files("x64").items()}


def lines(found: Mapping[str, int]) -> list[str]:
    """A table, the largest first, and the sum."""
    rows = [*sorted(found.items(), key=lambda row: -row[1]), ("all", sum(found.values()))]
    return ["bytes of each module of a release", *(f"  {name:<44}{size:>8}" for name, size in rows)]
