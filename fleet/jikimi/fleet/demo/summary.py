"""The account of a run: one object, printed for people or as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Summary:
    """Counts of one demo run; a latency is None when there was nothing to measure."""

    seed: int
    seconds: float  # from the opening of the floor to its close
    startup_s: float | None  # from the command to all devices online; None: stopped before that
    devices: int
    devices_native: int  # that loaded the native module of the core; the gateway uses cffi
    devices_tls: int  # connected to the broker by MQTT over TLS with their own certificate
    gateways: int
    acted_falls: int
    detected_falls: int
    false_falls: int
    incursions: int
    detected_incursions: int
    false_incursions: int
    marginal_incursions: int  # too short or too shallow to count either way
    acted_sos: int
    detected_sos: int
    cancelled_falls: int  # by the button, within the time a wearer has for it
    acted_no_motion: int
    detected_no_motion: int
    no_motion_alarms: int  # all of them, also those nobody acted
    acted_check_ins_missed: int
    detected_check_ins_missed: int
    check_ins_missed: int
    node_warnings: int  # of tags, by machine nodes or by the strength of their adverts
    events_published: int  # records on the devices' flash, by their consoles
    events_stored: int
    duplicates: int
    lost: int
    alarm_latency_ms: dict[str, int | None]  # p50, p99: durable on the tag to acknowledged at the tag
    warning_latency_ms: dict[str, int | None]  # p50, p99: sample to local warning
    restarts: dict[str, int]  # of services and of boards
    missed: list[str]  # a word on each fall and incursion not detected
    interrupted: bool

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The summary for people."""
        alarm, warning = _latency(self.alarm_latency_ms), _latency(self.warning_latency_ms)
        return [
            f"{self.seconds:.0f} s of shop floor, seed {self.seed}; {_startup(self.startup_s)}",
            f"devices      {self.devices}: {self.devices_native} MicroPython boards with the native core, "
            f"{self.gateways} Linux gateway; {self.devices_tls} over TLS",
            f"falls        {self.acted_falls} acted, {self.detected_falls} detected, {self.false_falls} false alarms",
            f"incursions   {self.incursions}, {self.detected_incursions} detected, {self.false_incursions} false; "
            f"{self.marginal_incursions} too brief or shallow to count",
            f"wearers      {self.acted_sos} calls for help, {self.detected_sos} detected; {self.cancelled_falls} falls "
            f"cancelled; {self.node_warnings} warned by a machine",
            f"no motion    {self.acted_no_motion} acted, {self.detected_no_motion} detected, "
            f"{self.no_motion_alarms} alarms",
            f"check-ins    {self.acted_check_ins_missed} not answered, {self.detected_check_ins_missed} detected, "
            f"{self.check_ins_missed} alarms",
            f"events       {self.events_published} written by devices, {self.events_stored} stored, "
            f"{self.lost} lost, {self.duplicates} duplicates",
            f"alarms       tag to acknowledgement {alarm}; sample to local warning {warning}",
            *(f"not detected {text}" for text in self.missed),
        ]


def _startup(seconds: float | None) -> str:
    return "stopped before all devices were online" if seconds is None else f"all devices online after {seconds:.1f} s"


def _latency(values: dict[str, int | None]) -> str:
    if values["p50"] is None:
        return "not measured"
    return f"{values['p50']} ms (p99 {values['p99']} ms)"
