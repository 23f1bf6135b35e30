"""Pieces of the page as HTML, each from plain data; every word that comes from outside is escaped here."""

from __future__ import annotations

from html import escape
from typing import Final

from jikimi.fleet.moments import time_of_day
from jikimi.fleet.web.snapshot import AlarmView, CellView, DeviceView, EventView, MachineView, Snapshot
from jikimi.fleet.web.texts import text

_HOUR_MS: Final = 3_600_000
_HOURS_SHOWN: Final = 8


def header_html(snap: Snapshot, lang: str) -> str:
    """Site name, how many devices are on line or docked, and the open alarms as one big figure."""
    chips = []
    counts = {count.kind: (count.up, count.known) for count in snap.kinds}
    for kind, word in (("tag", "tags"), ("node", "nodes")):
        up, known = counts.get(kind, (0, 0))
        css = "chip good" if up == known else "chip poor"
        chips.append(f'<span class="{css}">{up}/{known} {escape(text(word, lang))}</span>')
    open_alarms = sum(a.state == "open" for a in snap.alarms)
    css = "chip bad" if open_alarms else "chip good"
    chips.append(f'<span class="{css}">{escape(_open_alarms(open_alarms, lang))}</span>')
    if snap.problem:
        chips.append(f'<span class="chip bad" role="alert">{escape(snap.problem)}</span>')
    now = f'<span class="now">{time_of_day(snap.now_ms)}</span>'
    return f'<span class="site">{escape(snap.site)}</span>{"".join(chips)}{now}'


def _open_alarms(count: int, lang: str) -> str:
    return text(f"alarms_{count}" if count < 2 else "alarms_n", lang).format(n=count)


def announcement(alarms: tuple[AlarmView, ...], lang: str) -> str:
    """What a screen reader says when the alarms change; without their age, which would be said every second."""
    if not alarms:
        return escape(text("no_alarms", lang))
    return "; ".join(escape(f"{spoken(alarm, lang)}, {_state(alarm, lang)}") for alarm in alarms)


def spoken(alarm: AlarmView, lang: str) -> str:
    """What it is and where, as plain text."""
    return f"{text(alarm.kind, lang)}, {alarm.zone}, {alarm.name}"


def _state(alarm: AlarmView, lang: str) -> str:
    if alarm.taken_on_by is None:
        return text(alarm.state, lang)
    return text("taken_on_by", lang).format(role=alarm.taken_on_by)


def calm_html(lang: str) -> str:
    """What stands in place of alarms where there are none."""
    return f'<p class="calm">✓ {escape(text("no_alarms", lang))}</p>'


def alarm_html(alarm: AlarmView, now_ms: int, lang: str) -> str:
    """What one row of the alarms says: what, where, since when, and who has taken it on when."""
    since = f"{time_of_day(alarm.t_ms)} · {ago(now_ms - alarm.t_ms, lang)}"
    taken = "" if alarm.taken_on_ms is None else f" · {time_of_day(alarm.taken_on_ms)}"
    where = f"{alarm.zone} · {alarm.name}"
    return (
        f'<b>{escape(text(alarm.kind, lang))}</b><span class="where">{escape(where)}</span>'
        f'<span class="since">{escape(since)}</span><em>{escape(_state(alarm, lang))}{taken}</em>'
        f"{_silence(alarm, lang)}"
    )


def sign_in_html(lang: str, *, refused: bool) -> str:
    """The form for a responder's code, folded away unless the last one was wrong; and how to do without."""
    wrong = f'<p class="problem" role="alert">{escape(text("code_unknown", lang))}</p>' if refused else ""
    return (
        f'<details class="sign-in"{" open" if refused else ""}>'
        f"<summary>{escape(text('sign_in_to_take_on', lang))}</summary>"
        f'{wrong}<form method="post" action="sign-in">{_lang_field(lang)}'
        f'<label for="code">{escape(text("code", lang))}</label>'
        '<input id="code" name="code" type="password" autocomplete="current-password" maxlength="64" required>'
        f"<button>{escape(text('sign_in', lang))}</button></form>"
        f"<p>{escape(text('where_codes_are_made', lang))}<br><code>jikimi alarm responder add first-aider</code></p>"
        f"<p>{escape(text('without_the_page', lang))}<br><code>jikimi alarm list</code><br>"
        "<code>jikimi alarm ack ID --by first-aider</code></p></details>"
    )


def signed_in_html(role: str, lang: str) -> str:
    """Who takes alarms on here, and how to end that."""
    return (
        f'<form class="sign-in" method="post" action="sign-out">{_lang_field(lang)}'
        f"<span>{escape(text('signed_in', lang).format(role=role))}</span>"
        f"<button>{escape(text('sign_out', lang))}</button></form>"
    )


def _lang_field(lang: str) -> str:
    return f'<input type="hidden" name="lang" value="{escape(lang)}">'


def ago(age_ms: int, lang: str) -> str:
    """A length of time in its largest unit, whole: seconds up to two minutes, minutes up to two hours."""
    seconds = max(0, age_ms) // 1000
    if seconds < 2 * 60:
        return text("ago_s", lang).format(n=seconds)
    if seconds < 2 * 3600:
        return text("ago_min", lang).format(n=seconds // 60)
    return text("ago_h", lang).format(n=seconds // 3600)


def _silence(alarm: AlarmView, lang: str) -> str:
    return f'<strong class="silent">{escape(text("silent", lang))}</strong>' if alarm.silent else ""


def events_html(events: tuple[EventView, ...], lang: str) -> str:
    """The newest records as a table, and what its details mean."""
    if not events:
        return f"<p>{escape(text('no_events', lang))}</p>"
    names = ("time", "event", "device", "zone", "details")
    head = "".join(f'<th scope="col">{escape(text(name, lang))}</th>' for name in names)
    rows = "".join(
        f'<tr class="{escape(e.kind)}"><td>{time_of_day(e.t_ms)}</td><td>{escape(text(e.kind, lang))}</td>'
        f"<td>{escape(e.name)}</td><td>{escape(e.zone)}</td><td>{escape(_words(e.detail, lang))}</td></tr>"
        for e in events
    )
    why = escape(text("events_why", lang))
    return f'<table class="events"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table><p>{why}</p>'


def _words(detail: tuple[str, ...], lang: str) -> str:
    return ", ".join(text(word, lang) for word in detail)


def devices_html(devices: tuple[DeviceView, ...], more: int, lang: str) -> str:
    """Devices with their state, and how many are not shown; the colour repeats what the word says."""
    if not devices:
        return f"<p>{escape(text('no_devices', lang))}<br><code>jikimi device provision --all-ports</code></p>"

    def cell(d: DeviceView) -> str:
        state = d.state if d.state != "active" else "online" if d.online else "docked" if d.docked else "offline"
        battery = "" if d.battery_pct is None else f" · {d.battery_pct} %"
        return (
            f'<li class="device {escape(state)}"><b>{escape(d.name)}</b><code>{escape(d.device)}</code>'
            f"<span>{escape(text(state, lang))}{battery}</span></li>"
        )

    rest = f"<p>{escape(text('more_devices', lang).format(n=more))}</p>" if more else ""
    return f'<ul class="devices">{"".join(cell(d) for d in devices)}</ul>{rest}'


def near_misses_html(cells: tuple[CellView, ...], now_ms: int, group_min: int, lang: str) -> str:
    """Zone by hour, the last eight hours; a group that is too small shows no number."""
    if not cells:
        return f"<p>{escape(text('no_near_miss', lang).format(n=_HOURS_SHOWN))}</p>"
    last = now_ms // _HOUR_MS * _HOUR_MS
    hours = [last - i * _HOUR_MS for i in reversed(range(_HOURS_SHOWN))]
    by_key = {(cell.label, cell.hour_ms): cell for cell in cells}
    peak = max((cell.count or 0 for cell in cells), default=0)
    head = "".join(f'<th scope="col">{time_of_day(hour)[:5]}</th>' for hour in hours)
    body = "".join(
        f'<tr><th scope="row">{escape(zone)}</th>'
        f"{''.join(_heat(by_key.get((zone, hour)), peak, lang) for hour in hours)}</tr>"
        for zone in sorted({cell.label for cell in cells})
    )
    why = escape(text("too_few_why", lang).format(n=group_min))
    return f'<table class="heat"><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table><p>{why}</p>'


def _heat(cell: CellView | None, peak: int, lang: str) -> str:
    if cell is None:
        return "<td>·</td>"
    if cell.count is None:
        return f'<td class="few">{escape(text("too_few", lang))}</td>'
    strength = round(0.15 + 0.75 * cell.count / max(peak, 1), 2)
    return f'<td class="near" style="--strength:{strength}">{cell.count}</td>'


def machines_html(machines: tuple[MachineView, ...], lang: str) -> str:
    """Near misses per machine as bars, most first."""
    if not machines:
        return f"<p>{escape(text('no_machines', lang))}</p>"
    peak = max((m.count or 0 for m in machines), default=0)

    def row(m: MachineView) -> str:
        if m.count is None:
            bar = f'<span class="few">{escape(text("too_few", lang))}</span>'
        else:
            length = f'<i style="width:{round(100 * m.count / peak)}%"></i>' if m.count else ""
            bar = f"{length}<span>{m.count}</span>"
        return f'<li><b>{escape(m.plan.name)}</b><div class="bar">{bar}</div></li>'

    ranked = sorted(machines, key=lambda m: (-(m.count or 0), m.plan.name))
    return f'<ul class="machines">{"".join(row(m) for m in ranked)}</ul>'
