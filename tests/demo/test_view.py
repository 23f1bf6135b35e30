"""What a run looks like while it goes."""

from __future__ import annotations

import pytest
from rich.console import Console

from jikimi.fleet.demo.view import PlainView, State, _panel

STATE = State(
    elapsed_s=12.4,
    seconds=60.0,
    online=10,
    devices=11,
    open_alarms=["10:00:01 FALL Tag 3 (press-shop)"],
    near_misses=[("press-1", 6), ("cobot-1", None)],
    stored=57,
    page="http://127.0.0.1:8080/",
)


def test_away_from_a_terminal_every_event_is_a_line_and_progress_comes_every_ten_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with PlainView() as view:
        view.say("the floor is open")
        for tenths in range(0, 250, 2):
            view.show(State(tenths / 10, 60.0, 1, 2, [], [], 3, None))
        view.event("10:00:01  FALL")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "jikimi demo: the floor is open",
        "jikimi demo: 0 of 60 s: 1 of 2 devices online, 0 open alarms, 3 records stored",
        "jikimi demo: 10 of 60 s: 1 of 2 devices online, 0 open alarms, 3 records stored",
        "jikimi demo: 20 of 60 s: 1 of 2 devices online, 0 open alarms, 3 records stored",
        "10:00:01  FALL",
    ]


def test_on_a_terminal_one_panel_shows_devices_alarms_near_misses_page_and_last_events() -> None:
    console = Console(width=110, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(_panel(STATE, ["10:00:05  near miss"]))
    text = capture.get()
    for wanted in (
        "12 of 60 s: 10 of 11 devices online, 1 open alarms, 57 records stored",
        "http://127.0.0.1:8080/",
        "FALL Tag 3 (press-shop)",
        "press-1",
        "too few",
        "10:00:05  near miss",
        "Ctrl-C ends everything",
    ):
        assert wanted in text
