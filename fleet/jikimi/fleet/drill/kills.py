"""What the drill kills by itself: whom, and the kill."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from jikimi.fleet.drill.database import NAME as DATABASE
from jikimi.fleet.drill.incident import Moment, is_worker
from jikimi.fleet.drill.script import Script

if TYPE_CHECKING:
    from collections.abc import Callable

    from jikimi.fleet.drill.chronicle import Chronicle
    from jikimi.fleet.drill.options import Options

_LEADER, _WORKER, _DATABASE = "the node that leads", "a worker", "the database"


def make_script(options: Options) -> Script:
    """What `options` let be killed, in turn."""
    acts = [_LEADER, _WORKER, *([_DATABASE] if options.postgresql else [])]
    return Script(acts if options.kill else [], options.pause_s)


class Kills:
    """Kills what the script says when its time has come."""

    def __init__(self, script: Script, chronicle: Chronicle, say: Callable[[str], None]) -> None:
        self._script, self._chronicle, self._say = script, chronicle, say

    def tick(self, moment: Moment) -> None:
        """Kill what is due, if it is still there."""
        act = self._script.next(moment.now_s, well=not self._chronicle.open and moment.seen.trouble is None)
        name = None if act is None else self._victim(act, moment)
        pid = None if name is None else moment.services[name].pid
        if name is None or pid is None:
            return  # nothing is due, or somebody else was quicker
        self._say(f"now {act} is killed: kill -9 {pid} ({name})")
        self._chronicle.expect_end_of(name)
        os.kill(pid, signal.SIGKILL)

    def _victim(self, act: str, moment: Moment) -> str | None:
        if act == _LEADER:
            return self._chronicle.leader
        if act == _DATABASE:
            return DATABASE
        return next(name for name in moment.services if is_worker(name))
