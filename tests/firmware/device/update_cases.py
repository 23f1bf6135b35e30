"""One story of an update, told by its name; prints what the device said, started and reported.

Arguments: name, then digest and size of each envelope that is offered, in order.
"""

# ruff: noqa: T201, PTH102, PTH123, PTH208, SIM105 - device code; stdout is the result

import binascii
import json
import os
import sys

from cut_files import PowerCut
from update_world import Board, tree


def offers():
    words = sys.argv[2:]
    return [(binascii.unhexlify(words[i]), int(words[i + 1])) for i in range(0, len(words), 2)]


def plain(board):
    """Each offer in turn, until nothing is left to do."""
    for offer in offers():
        board.offer = offer
        board.live()


def nonsense(board):
    """Sizes that no content has, before the real one."""
    digest, _size = offers()[0]
    for wrong in (-5, 0):
        board.offer = digest, wrong
        board.live()
    board.lines.append("asked for nonsense: " + str(board.site.asked))
    plain(board)


def busy(board):
    board.site.busy = 50
    plain(board)


def silent(board):
    board.site.silent = 5
    plain(board)


def not_allowed(board):
    """On a shift for a while: nothing but the envelope is fetched before it is over."""
    asked = []
    moments = [0]

    def allowed():
        moments[0] += 1
        if moments[0] == 40:
            asked.append(board.site.asked)
        return moments[0] > 40

    board.allowed = allowed
    plain(board)
    board.lines.append("asked on shift: " + str(asked[0]))


def taken_along(board):
    """Somebody takes the tag while its new release is being fetched; it goes on when it is back."""
    moments = [0]

    def allowed():
        moments[0] += 1
        return not 5 <= moments[0] < 60

    board.allowed = allowed
    plain(board)


def taken_along_in_silence(board):
    """Somebody takes the tag while the site does not answer; when the tag is back, the site is, too."""
    board.site.silent = 100
    asked, looks = [], [0]

    def allowed():
        looks[0] += 1
        assert looks[0] < 1000, "nobody looks whether the tag is needed"
        if "jk update interrupted" in board.lines:
            asked.append(board.site.asked)
            board.site.silent = 0
        return bool(asked) or board.site.asked < 2

    board.allowed = allowed
    plain(board)
    board.lines.append("asked before it was back: " + str(asked[0]))


def slow_flash(board):
    """How much is read and written in one go in the life that fills the other slot."""
    board.slow = True
    board.offer = offers()[0]
    board.boot()
    board.lines.append("in one go: " + str(board.boot().most))
    board.live()


def full_flash(board):
    """There is room for a part of the release only."""
    board.offer = offers()[0]
    board.boot()
    board.room = offers()[0][1] + 3000
    left = board.boot().room
    board.live()
    board.lines.append("room again: " + str(left >= board.room))


def takes_nothing(board):
    """An offer was noted; then the flash takes nothing any more. The site gives up after a while."""
    with open("update/offer", "wb") as file:
        file.write(binascii.hexlify(offers()[0][0]) + b" %d" % offers()[0][1])
    board.room, board.stop_after = 0, 200
    board.idle = False
    board.boot()
    board.lines.append("lived on: " + str(board.idle))


def fails(name):
    def story(board):
        board.offer = offers()[0]
        while len(board.starts) < 1 or board.starts[-1] != "b":
            board.parts[name] = len(board.starts) < 1
            board.boot()
        board.live()
        board.offer = offers()[0]  # offered again, it is not tried again
        board.live()

    return story


def broken_before(board):
    board.parts["sensor"] = False
    plain(board)


def crash(board):
    board.crash = ValueError("a bad release")
    plain(board)


def settings(board):
    board.status = 2
    plain(board)


def stands_still(board):
    """The watchdog resets each start of the trial."""
    board.crash = WatchdogReset()
    board.offer = offers()[0]
    restart_until_back(board, 3)


def power_cut_in_each_start(board):
    board.crash = PowerCut()
    board.offer = offers()[0]
    restart_until_back(board, 1)


class WatchdogReset(BaseException):
    """Nothing of the application hears of it."""


def restart_until_back(board, cause):
    while board.starts[-1:] != ["a"] or "b" not in board.starts:
        try:
            board.boot()
        except (PowerCut, WatchdogReset):
            board.cause = cause
        assert len(board.starts) < 8
    board.live()


def worn_flash(board):
    """What is written to one file of the spare slot reads back otherwise."""
    board.damage = "slots/b/jikimi/edge/app.mpy"
    plain(board)


def interrupted(board):
    """The power is cut after some pieces of a long file: what was there is not fetched again."""
    cut_at = int(sys.argv.pop())
    board.offer = offers()[0]
    try:
        board.boot(cut_at, "after")
    except PowerCut:
        pass
    plain(board)


def stopped(board):
    """The site takes its offer back while the device waits for the end of the shift."""
    board.allowed = lambda: False
    board.stop_after = 30
    board.offer = offers()[0]
    board.live()


def another_on_trial(board):
    """The next release is offered while one is on trial, and once more after it."""
    first, second = offers()
    board.offer = first
    while board.starts[-1:] != ["b"]:
        if board.slot_now() == "b":
            board.offer = second
        board.boot()
    board.live()
    board.lines.append("after the trial: " + board.slot_now())
    board.offer = second
    board.live()


def damaged_after(board):
    """The confirmed application cannot be loaded any more; the one before still can."""
    plain(board)
    board.import_error = "b"
    board.boot()
    board.live()


def rotten(board):
    """Flash that forgets: what is noted about an update cannot be read any more; then a real offer comes."""
    for name, content in (
        ("update/tries", b"x\xff"),
        ("update/offer", b"\xff 12 \x00"),
        ("slots/failed", b"? crash started"),
    ):
        folder = name.split("/")[0]
        if folder not in os.listdir():
            os.mkdir(folder)
        with open(name, "wb") as file:
            file.write(content)
    board.live()
    plain(board)


def main():
    os.chdir("flash")
    board = Board()
    STORIES[sys.argv[1]](board)
    with open("slots/now") as file:
        now = file.read()
    kept = tree("slots")
    print(
        json.dumps(
            {
                "lines": board.lines,
                "starts": board.starts,
                "told": board.told,
                "now": now,
                "failed": kept["failed"].decode() if "failed" in kept else None,
                "sent": board.site.sent,
                "asked": board.site.asked,
                "files": sorted(tree("slots/b/jikimi")),
                "work": sorted(os.listdir("update")),
                "trust": len(tree("trust")["release"]),
            }
        )
    )


STORIES = {
    "plain": plain,
    "nonsense": nonsense,
    "busy": busy,
    "silent": silent,
    "not_allowed": not_allowed,
    "taken_along": taken_along,
    "taken_along_in_silence": taken_along_in_silence,
    "slow_flash": slow_flash,
    "full_flash": full_flash,
    "takes_nothing": takes_nothing,
    "sensor": fails("sensor"),
    "broker": fails("broker"),
    "broken_before": broken_before,
    "crash": crash,
    "settings": settings,
    "stands_still": stands_still,
    "power_cut_in_each_start": power_cut_in_each_start,
    "worn_flash": worn_flash,
    "interrupted": interrupted,
    "stopped": stopped,
    "another_on_trial": another_on_trial,
    "damaged_after": damaged_after,
    "rotten": rotten,
}

main()
