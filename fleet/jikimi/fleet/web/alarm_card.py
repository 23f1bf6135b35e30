"""The open alarms: rows that stay while they change, so that a button keeps the focus of who is about to press it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from html import escape

from nicegui import ui

from jikimi.fleet.web import fragments
from jikimi.fleet.web.desk import DONE, Desk
from jikimi.fleet.web.snapshot import AlarmView, Snapshot
from jikimi.fleet.web.texts import text


class AlarmCard:
    """The alarms for one browser; `code` and `role` are of who is signed in, `role` None: nobody."""

    def __init__(self, desk: Desk, lang: str, code: str, role: str | None, *, refused: bool) -> None:
        self._desk, self._lang, self._code, self._role = desk, lang, code, role
        self._rows: dict[str, _Row] = {}
        self._calm = ui.html(fragments.calm_html(lang), sanitize=False)
        self._list = ui.element("ul").classes("alarms")
        self._problem = ui.html("", sanitize=False).classes("problem").props('role="alert"')
        ui.html(
            fragments.signed_in_html(role, lang) if role else fragments.sign_in_html(lang, refused=refused),
            sanitize=False,
        )

    def show(self, snap: Snapshot) -> None:
        """Bring the list up to date, newest first."""
        self._calm.set_visibility(not snap.alarms)
        there = {alarm.id for alarm in snap.alarms}
        for gone in [ident for ident in self._rows if ident not in there]:
            self._rows.pop(gone).item.delete()
        for place, alarm in enumerate(snap.alarms):
            if alarm.id not in self._rows:
                with self._list:
                    self._rows[alarm.id] = _Row(alarm, self._lang, self._take_on if self._role else None)
                self._rows[alarm.id].item.move(target_index=place)
            self._rows[alarm.id].show(alarm, snap.now_ms)

    async def _take_on(self, alarm_id: str) -> None:
        outcome = await asyncio.to_thread(self._desk.take_on, alarm_id, self._code)
        self._problem.content = escape(text(outcome, self._lang)) if outcome != DONE else ""
        if outcome == DONE:
            # The button goes: whoever works by keyboard finds the next one under the fingers.
            others = f"#alarms li.open:not([data-alarm={json.dumps(alarm_id)}]) button"
            ui.run_javascript(
                f"(document.querySelector({json.dumps(others)}) ?? document.querySelector('#alarms h2')).focus()"
            )


class _Row:
    """One alarm; `item` is its element of the list."""

    def __init__(self, alarm: AlarmView, lang: str, take_on: Callable[[str], object] | None) -> None:
        self._lang = lang
        with ui.element("li") as self.item:
            self.item.props["data-alarm"] = alarm.id
            self._words = ui.html("", sanitize=False).style("display:contents")
            self._button = _button(alarm, lang, take_on) if take_on else None

    def show(self, alarm: AlarmView, now_ms: int) -> None:
        """Its state, and how old it is."""
        self.item.classes(replace=f"alarm {alarm.state}")
        content = fragments.alarm_html(alarm, now_ms, self._lang)
        if content != self._words.content:
            self._words.content = content
        if self._button is not None and alarm.state != "open":
            self._button.delete()
            self._button = None


def _button(alarm: AlarmView, lang: str, take_on: Callable[[str], object]) -> ui.html:
    words = text("take_on", lang)
    button = ui.html(escape(words), sanitize=False, tag="button").props('type="button"')
    button.props["aria-label"] = f"{words}: {fragments.spoken(alarm, lang)}"
    return button.on("click", lambda: take_on(alarm.id))
