"""The drawing functions of the live page: plain data in, HTML out."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jikimi.fleet.moments import time_of_day
from jikimi.fleet.web import fragments
from jikimi.fleet.web.plan import floor_svg
from jikimi.fleet.web.snapshot import (
    AlarmView,
    CellView,
    DeviceView,
    EventView,
    KindView,
    MachineView,
    PlannedMachine,
    Snapshot,
    ZoneView,
)
from jikimi.fleet.web.texts import LANGUAGES, preferred, text

_HOUR = 3_600_000
_NOW = 500_000 * _HOUR + 60_000


_VOID = ("input", "br")  # elements without an end


class _Tags(HTMLParser):
    """Collects element names and checks that they nest."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def _machine(name: str = "Press A", kind: str = "press", count: int | None = 6, seen_ms: int = 0) -> MachineView:
    return MachineView(PlannedMachine("d1", name, kind, "Z", 1, 2, 3000, 1500), count, seen_ms)


def _snapshot(**changes: object) -> Snapshot:
    base: dict[str, object] = {
        "site": "s",
        "now_ms": _NOW,
        "width_mm": 10_000,
        "height_mm": 8_000,
        "group_min": 5,
    }
    return Snapshot(**{**base, **changes})  # type: ignore[arg-type]


@settings(deadline=None)  # the first call waits for a busy machine
@given(st.text(max_size=30))
def test_no_name_from_outside_can_add_an_element(name):
    snap = _snapshot(
        site=name,
        zones=(ZoneView(name, 0, 0, 10, 10),),
        machines=(_machine(name, name),),
        devices=(DeviceView(name, "tag", name, name, "active", True, 50),),
        alarms=(AlarmView(name, name, name, "fall", name, _NOW, "open"),),
        events=(EventView(_NOW, _NOW, "fall", name, name, name, (name,)),),
        near_misses=(CellView(name, _NOW // _HOUR * _HOUR, 7),),
    )
    plain = _snapshot(
        site="x",
        zones=(ZoneView("x", 0, 0, 10, 10),),
        machines=(_machine("x", "x"),),
        devices=(DeviceView("x", "tag", "x", "x", "active", True, 50),),
        alarms=(AlarmView("x", "x", "x", "fall", "x", _NOW, "open"),),
        events=(EventView(_NOW, _NOW, "fall", "x", "x", "x", ("x",)),),
        near_misses=(CellView("x", _NOW // _HOUR * _HOUR, 7),),
    )
    assert _elements(snap) == _elements(plain)


def _elements(snap: Snapshot) -> list[str]:
    parser = _Tags()
    for piece in (
        fragments.header_html(snap, "en"),
        floor_svg(snap),
        *(fragments.alarm_html(alarm, snap.now_ms, "en") for alarm in snap.alarms),
        fragments.sign_in_html("en", refused=True),
        fragments.signed_in_html(snap.site, "en"),
        fragments.events_html(snap.events, "en"),
        fragments.devices_html(snap.devices, 1, "en"),
        fragments.near_misses_html(snap.near_misses, snap.now_ms, 5, "en"),
        fragments.machines_html(snap.machines, "en"),
    ):
        parser.feed(piece)
        assert parser.open == []
    return parser.seen


def test_a_group_that_is_too_small_shows_words_and_no_number():
    cell = CellView("Zone", _NOW // _HOUR * _HOUR, None)
    page = fragments.near_misses_html((cell,), _NOW, 5, "en")
    assert '<td class="few">too few</td>' in page
    assert "near misses: too few" in floor_svg(_snapshot(machines=(_machine(count=None),)))
    assert "too few" in fragments.machines_html((_machine(count=None),), "en")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_where_there_is_nothing_yet_the_page_says_so_instead_of_drawing_an_empty_table(lang):
    pieces = (
        fragments.near_misses_html((), _NOW, 5, lang),
        fragments.events_html((), lang),
        fragments.devices_html((), 0, lang),
        fragments.machines_html((), lang),
    )
    assert all(piece.startswith("<p>") and "<t" not in piece and "<ul" not in piece for piece in pieces)
    assert "jikimi device provision" in pieces[2]


def test_a_machine_pulses_only_in_the_seconds_after_a_near_miss():
    fresh = floor_svg(_snapshot(machines=(_machine(seen_ms=_NOW - 1000),)))
    stale = floor_svg(_snapshot(machines=(_machine(seen_ms=_NOW - 60_000),)))
    assert "machine recent" in fresh
    assert "machine recent" not in stale


def test_an_alarm_marks_its_zone_on_the_plan():
    zones = (ZoneView("North", 0, 0, 1, 1), ZoneView("South", 0, 0, 1, 1))
    alarm = AlarmView("d.1.1", "d", "Tag 1", "fall", "South", _NOW, "open")
    assert floor_svg(_snapshot(zones=zones, alarms=(alarm,))).count("zone alarmed") == 1
    assert floor_svg(_snapshot(zones=zones)).count("zone alarmed") == 0


def test_the_head_says_how_many_of_each_kind_are_there():
    page = fragments.header_html(_snapshot(kinds=(KindView("tag", 4999, 5000),)), "en")
    assert "4999/5000 tags" in page
    assert "0/0 machine nodes" in page


@pytest.mark.parametrize(("lang", "words"), [("en", "and 4800 more"), ("ko", "그 밖에 4800대")])
def test_a_list_that_leaves_devices_out_says_how_many(lang, words):
    devices = (DeviceView("a", "tag", "Tag 1", "Z", "active", True, None),)
    assert words in fragments.devices_html(devices, 4800, lang)
    assert "<p>" not in fragments.devices_html(devices, 0, lang)


@pytest.mark.parametrize(("lang", "word"), [("en", "docked"), ("ko", "충전대")])
def test_a_docked_tag_is_called_so(lang, word):
    devices = (DeviceView("a", "tag", "Tag 1", "Z", "active", False, None, docked=True),)
    assert word in fragments.devices_html(devices, 0, lang)


@pytest.mark.parametrize(("lang", "words"), [("en", "silent: do not call out"), ("ko", "말을 걸지 마십시오")])
def test_an_open_silent_sos_tells_nobody_to_call_out(lang, words):
    silent = AlarmView("d.1.1", "d", "Tag 1", "sos", "South", _NOW, "open", silent=True)
    loud = AlarmView("d.1.1", "d", "Tag 1", "sos", "South", _NOW, "open")
    assert words in fragments.alarm_html(silent, _NOW, lang)
    assert words not in fragments.alarm_html(loud, _NOW, lang)


@pytest.mark.parametrize(("lang", "words"), [("en", "taken on by first-aider"), ("ko", "first-aider 대응 중")])
def test_an_alarm_that_is_taken_on_says_in_which_role_and_when_and_so_does_who_reads_it_aloud(lang, words):
    alarm = AlarmView("d.1.1", "d", "Tag 1", "fall", "South", _NOW, "acknowledged", False, "first-aider", _NOW + 9_000)
    assert f"{words} · {time_of_day(_NOW + 9_000)}" in fragments.alarm_html(alarm, _NOW, lang)
    assert words in fragments.announcement((alarm,), lang)


def test_details_of_an_event_are_in_the_language_of_the_page():
    event = EventView(_NOW, _NOW, "cleared", "d", "Tag 1", "South", ("cancelled",))
    assert "cancelled by the wearer" in fragments.events_html((event,), "en")
    assert "착용자가 취소함" in fragments.events_html((event,), "ko")


@pytest.mark.parametrize(
    ("count", "english", "korean"),
    [
        (0, "no open alarms", "미해결 경보 없음"),
        (1, "1 open alarm<", "미해결 경보 1건"),
        (2, "2 open alarms", "미해결 경보 2건"),
    ],
)
def test_the_head_counts_open_alarms_in_words(count, english, korean):
    alarms = tuple(AlarmView(f"d{i}.1.1", f"d{i}", "Tag", "fall", "South", _NOW, "open") for i in range(count))
    assert english in fragments.header_html(_snapshot(alarms=alarms), "en")
    assert korean in fragments.header_html(_snapshot(alarms=alarms), "ko")


@pytest.mark.parametrize(
    ("age_ms", "english", "korean"),
    [
        (-5_000, "0 s ago", "0초 전"),  # a device's clock may be ahead
        (119_999, "119 s ago", "119초 전"),
        (120_000, "2 min ago", "2분 전"),
        (7_199_999, "119 min ago", "119분 전"),
        (7_200_000, "2 h ago", "2시간 전"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(age_ms, english, korean):
    assert (fragments.ago(age_ms, "en"), fragments.ago(age_ms, "ko")) == (english, korean)


def test_what_is_read_aloud_changes_with_the_alarms_and_not_with_their_age():
    alarm = AlarmView("d.1.1", "d", "Tag 1", "fall", "<South>", _NOW - 5_000, "open")
    assert fragments.announcement((alarm,), "en") == "Fall, &lt;South&gt;, Tag 1, open"
    assert fragments.announcement((), "ko") == "미해결 경보 없음"


@pytest.mark.parametrize(
    ("asked", "lang"),
    [
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("de,KO;q=0.5", "ko"),
        ("de-DE, en;q=0.7, ko;q=0.1", "en"),
        ("", "en"),
        ("*", "en"),
    ],
)
def test_the_browser_says_which_language_its_reader_wants(asked, lang):
    assert preferred(asked) == lang


def test_every_text_exists_in_every_language():
    from jikimi.fleet.web.texts import _TEXTS

    for key in _TEXTS:
        assert all(text(key, lang).strip() for lang in LANGUAGES)
    assert text("fall", "ko") == "넘어짐"
