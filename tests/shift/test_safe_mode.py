"""A tag whose application fails at every start still reports, calls for help, and can be mended from afar."""

from __future__ import annotations

import re

from jikimi.fleet.virtual import image
from jikimi.wire import kinds, messages, topics
from tests.shift.conftest import Plant, Tag, until

SENSE = "/lib/jikimi/edge/sense.mpy"
BROKEN = "from jikimi.edge.nowhere import nothing\n"


def _spoil(tag: Tag) -> None:
    (tag.board.flash_dir / SENSE.lstrip("/")).unlink()
    (tag.board.flash_dir / SENSE.lstrip("/").replace(".mpy", ".py")).write_text(BROKEN)


def _mend(tag: Tag) -> None:
    (tag.board.flash_dir / SENSE.lstrip("/").replace(".mpy", ".py")).unlink()
    image.write_image({SENSE: image.application()[SENSE]}, tag.board.flash_dir)


def test_three_failed_starts_end_in_safe_mode_which_reports_obeys_and_calls_for_help(plant: Plant):
    tag = plant.add_tag(online=False)
    _spoil(tag)
    tag.board.start()
    tag.wait_line("^jk log safe mode")
    birth = until(lambda: tag.said(topics.STATE), "the birth")[-1]
    assert (birth.status, birth.safe, birth.core) == ("online", 1, "none")
    assert re.fullmatch(r"ImportError-[0-9a-f]{8}", birth.crash)
    assert tag.board.boots == 4
    assert tag.adverts == 0
    tag.press(2.0)
    until(lambda: [a for a in plant.store.open_alarms() if a.device == tag.device and a.kind == "sos"], "the call")
    assert kinds.SOS in tag.records()
    tag.press(0.6)
    until(lambda: not [a for a in plant.store.open_alarms() if a.device == tag.device], "its end")
    _mend(tag)
    since, lines = len(plant.ear.heard), len(tag.board.lines())
    tag.order(messages.CMD_RESTART, {})
    tag.wait_line("^jk core ", lines)
    birth = until(lambda: [b for b in tag.said(topics.STATE, since) if b.status == "online"], "the birth")[-1]
    assert (birth.safe, birth.crash) == (None, None)
    until(lambda: tag.adverts > 0, "adverts")
