"""The live page: one layout, filled from the newest snapshot and pushed to the browser when something changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from fastapi import Request
from nicegui import ui

from jikimi.fleet.web import agreement_card, fragments
from jikimi.fleet.web.alarm_card import AlarmCard
from jikimi.fleet.web.desk import Desk
from jikimi.fleet.web.plan import floor_svg
from jikimi.fleet.web.sign_in import COOKIE
from jikimi.fleet.web.snapshot import Snapshot, withheld
from jikimi.fleet.web.texts import LANGUAGES, OTHER, preferred, text

# A browser looks for a new snapshot this often. The alarm budget is 250 ms from tag to page; a look costs a
# comparison of two references.
_LOOK_S: Final = 0.1
_NOTE_S: Final = 2.0
_SOMEBODY: Final = "live page"  # in the audit log, who is not signed in
_STYLE: Final = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")


class SnapshotSource(Protocol):
    """Where the page gets its data; `current` is replaced, never changed in place."""

    @property
    def current(self) -> Snapshot:
        """The newest snapshot."""

    def note(self, who: str, question: str, every_ms: int = 0) -> bool:
        """Note that `who` looks; False: only what is left by `withheld` may be shown."""


def build_page(source: SnapshotSource, desk: Desk) -> None:
    """Register the page at `/`: in the language of `?lang=`, or else the one the browser asks for."""

    @ui.page("/", title="Jikimi")
    async def live(request: Request, lang: str = "", refused: bool = False) -> None:
        code = request.cookies.get(COOKIE, "")
        role = await asyncio.to_thread(desk.role_of, code) if code else None
        chosen = lang if lang in LANGUAGES else preferred(request.headers.get("accept-language", ""))
        noted = await _noted(source, role or _SOMEBODY)
        _Layout(source, noted, chosen, partial(AlarmCard, desk, chosen, code, role, refused=refused))


async def _noted(source: SnapshotSource, who: str) -> bool:
    """Whether it is in the audit log that `who` looks; alarms do not wait for a database that is away."""
    try:
        return await asyncio.wait_for(asyncio.to_thread(source.note, who, "the live page"), _NOTE_S)
    except TimeoutError:
        return False


class _Layout:
    """One browser's page: its pieces of HTML and what they showed last."""

    def __init__(self, source: SnapshotSource, noted: bool, lang: str, alarm_card: Callable[[], AlarmCard]) -> None:
        self._source = source
        self._noted = noted
        self._lang = lang
        self._alarm_card = alarm_card
        self._shown: Snapshot | None = None
        self._pieces: list[tuple[ui.html, Callable[[Snapshot], str]]] = []
        ui.add_css(_STYLE)
        ui.add_head_html(f"<script>document.documentElement.lang = '{lang}'</script>")  # how it is read aloud
        with ui.element("main").classes("jk-page"):
            self._build()
        self._refresh()
        ui.timer(_LOOK_S, self._refresh)

    def _build(self) -> None:
        lang = self._lang
        with ui.element("header").classes("jk-head"):
            with ui.element("h1").classes("brand"):
                ui.label(text("title", lang))
            self._piece(lambda s: fragments.header_html(s, lang)).style("display:contents")
            ui.link(text("other_language", lang), f"?lang={OTHER[lang]}").props(f'lang="{OTHER[lang]}"')
            self._piece(lambda s: fragments.announcement(s.alarms, lang)).classes("jk-aloud").props('role="alert"')
        with ui.element("div").classes("jk-main"):
            self._card("floor", lambda s: floor_svg(s, lang))
            self._card(
                "near_misses",
                agreement_card.covered(
                    lambda s: fragments.near_misses_html(s.near_misses, s.now_ms, s.group_min, lang), lang
                ),
            )
            self._card("by_machine", agreement_card.covered(lambda s: fragments.machines_html(s.machines, lang), lang))
        with ui.element("div").classes("jk-side"):
            with self._section("alarms"):
                self._alarms = self._alarm_card()
            self._card("events", agreement_card.as_far(lambda s: fragments.events_html(s.events, lang), lang))
            self._card("agreement", lambda s: agreement_card.agreement_html(s.agreement, s.refusal, lang))
            self._card("devices", lambda s: fragments.devices_html(s.devices, s.more_devices, lang))
        with ui.element("footer").classes("jk-foot"):
            ui.label(f"{text('privacy', lang)} {text('advisory', lang)}")

    def _card(self, title: str, draw: Callable[[Snapshot], str]) -> None:
        with self._section(title):
            self._piece(draw)

    def _section(self, title: str) -> ui.element:
        section = ui.element("section").classes("jk-card").props(f'id="{title}"')
        with section, ui.element("h2").props('tabindex="-1"'):  # where the focus may be led
            ui.label(text(title, self._lang))
        return section

    def _piece(self, draw: Callable[[Snapshot], str]) -> ui.html:
        # Not sanitised by the library: `fragments` and `plan` escape every word that comes from outside, and the
        # sanitiser would drop the SVG.
        piece = ui.html("", sanitize=False)
        self._pieces.append((piece, draw))
        return piece

    def _refresh(self) -> None:
        snapshot = self._source.current
        if snapshot is self._shown:
            return
        self._shown = snapshot
        if not self._noted:
            snapshot = withheld(snapshot)
        self._alarms.show(snapshot)
        for piece, draw in self._pieces:
            content = draw(snapshot)
            if content != piece.content:
                piece.content = content
