"""Cuts the power inside every file operation of an update, main.py's included; prints how that ended.

Argument: digest and size of the release's envelope. `new` holds the files of the release.
"""

# ruff: noqa: T201, PTH102, PTH123 - device code; stdout is the result

import binascii
import gc
import json
import os
import sys

from cut_files import PowerCut
from update_world import Board, restore, tree

OLD, NEW = tree("was/slots/a/jikimi"), tree("new/jikimi")


class Whole(Board):
    def check_running(self, slots):
        found = tree("slots/" + slots.running + "/jikimi")
        assert found in (OLD, NEW), "half an application was started"
        assert (found == NEW) == (slots.running == "b"), "the wrong application was started"


def new_board():
    return Whole(offer=(binascii.unhexlify(sys.argv[1]), int(sys.argv[2])))


def fresh():
    os.chdir("..")
    restore("was", "flash")
    os.chdir("flash")


def uncut():
    """Names of the operations of each life, without a cut."""
    fresh()
    board = new_board()
    lives = []
    while not (board.lines and board.lines[-1].startswith("jk update confirmed")):
        lives.append(board.boot().log)
        assert len(lives) < 5, board.lines
    assert board.starts == ["a", "a", "b"], board.starts  # whole, quiet, on trial
    check_confirmed(board)
    return lives


def check_confirmed(board):
    assert tree("slots/b/jikimi") == NEW
    with open("slots/now") as file:
        assert file.read() == "b", board.lines
    assert board.told[-1][:3] == ("b", 8, False), board.told


def one_cut(life, cut_at, how):
    """Lives before `life`, a cut in it, then as many as it takes; how many starts of the trial there were."""
    fresh()
    board = new_board()
    offer = board.offer
    for _ in range(life):
        board.boot()
    board.idle = False
    try:
        board.boot(cut_at, how)
    except PowerCut:
        board.cause = 1
    # The site offers again what the device does not run yet: a rollout does.
    board.offer = offer
    board.live()
    check_confirmed(board)
    return board.trials, len(board.starts)


def main():
    if hasattr(gc, "freeze"):  # CPython: each collection would look at all modules again
        gc.freeze()
    os.mkdir("flash")
    os.chdir("flash")
    lives = uncut()
    cuts, most_trials, most_starts = 0, 0, 0
    for life, operations in enumerate(lives):
        for how in ("before", "half", "after"):
            for cut_at in range(len(operations)):
                trials, starts = one_cut(life, cut_at, how)
                cuts += 1
                most_trials, most_starts = max(most_trials, trials), max(most_starts, starts)
    print(
        json.dumps(
            {"operations": [len(one) for one in lives], "cuts": cuts, "trials": most_trials, "starts": most_starts}
        )
    )


main()
