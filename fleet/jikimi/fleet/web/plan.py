"""The floor plan as SVG: zones, machines with their warning and danger rings, recent near misses, alarms by zone."""

from __future__ import annotations

from html import escape
from typing import Final

from jikimi.fleet.web.snapshot import MachineView, Snapshot, ZoneView
from jikimi.fleet.web.texts import text

# How long a machine's ring pulses after a near miss: long enough to be seen from across an office.
_PULSE_MS: Final = 10_000

# Letters are this part of the hall's width high, so that a plan of any size reads the same.
_UNITS_ACROSS: Final = 62

# Drawn around (0, 0) in a box of 100 x 100 units.
_ICONS: Final = {
    "forklift": '<path d="M-34-8h30l10 20v16h-40z"/><path d="M12-36v60h26" fill="none" stroke-width="7"/>'
    '<circle cx="-24" cy="30" r="10"/><circle cx="0" cy="30" r="10"/>',
    "press": '<path d="M-36-38h72v16h-72zM-36 24h72v14h-72zM-30-22h10v46h-10zM20-22h10v46h-10zM-10-22h20v26h-20z"/>',
    "cobot": '<path d="M-20 36h40v-10h-40z"/><path d="M0 26l-16-30 30-22 14 20" fill="none" stroke-width="10" '
    'stroke-linejoin="round" stroke-linecap="round"/><circle cx="-16" cy="-4" r="8"/><circle cx="14" cy="-26" r="8"/>',
}
_ICON_OTHER: Final = '<rect x="-30" y="-30" width="60" height="60" rx="8"/>'


def floor_svg(snap: Snapshot, lang: str = "en") -> str:
    """Draw the plan; lengths are millimetres of the floor, scaled by the viewer."""
    alarmed = {alarm.zone for alarm in snap.alarms}
    unit = snap.width_mm // _UNITS_ACROSS
    parts = [
        f'<svg class="plan" viewBox="-200 -200 {snap.width_mm + 400} {snap.height_mm + 400}" role="img" '
        f'style="font-size:{unit}px" aria-label="{escape(text("floor", lang))}">',
        f'<clipPath id="walls"><rect width="{snap.width_mm}" height="{snap.height_mm}" rx="150"/></clipPath>',
        f'<rect class="wall" width="{snap.width_mm}" height="{snap.height_mm}" rx="150"/><g clip-path="url(#walls)">',
        *(_zone(zone, zone.name in alarmed, unit) for zone in snap.zones),
        *(_machine(machine, snap, unit, lang) for machine in snap.machines),
        "</g></svg>",
    ]
    return "".join(parts)


def _zone(zone: ZoneView, alarmed: bool, unit: int) -> str:
    css = "zone alarmed" if alarmed else "zone"
    x, y = zone.x_mm + unit // 2, zone.y_mm + unit * 3 // 2
    return (
        f'<rect class="{css}" x="{zone.x_mm}" y="{zone.y_mm}" width="{zone.w_mm}" height="{zone.h_mm}" rx="120"/>'
        f'<text class="zone-name" x="{x}" y="{y}">{escape(zone.name)}</text>'
    )


def _machine(machine: MachineView, snap: Snapshot, unit: int, lang: str) -> str:
    recent = 0 <= snap.now_ms - machine.last_near_miss_ms < _PULSE_MS
    icon = _ICONS.get(machine.plan.kind, _ICON_OTHER)
    count = text("too_few", lang) if machine.count is None else str(machine.count)
    x, y = machine.plan.x_mm, machine.plan.y_mm
    near_misses = "" if snap.refusal else f"{text('near_misses_short', lang)}: {count}"
    return (
        f'<g class="machine{" recent" if recent else ""}" transform="translate({x} {y})">'
        f'<circle class="warn" r="{machine.plan.warn_mm}"/><circle class="danger" r="{machine.plan.danger_mm}"/>'
        f'<g class="icon" transform="scale({unit / 45:.1f})">{icon}</g>'
        f'<text class="machine-name" y="{unit * 2}">{escape(machine.plan.name)}</text>'
        f'<text class="machine-count" y="{unit * 3}">{escape(near_misses)}</text></g>'
    )
