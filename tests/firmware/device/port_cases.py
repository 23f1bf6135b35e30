"""What the application relies on in both ports: a wait that is cancelled ends, an unknown name is an OSError."""

# ruff: noqa: T201 - stdout is the result.

import asyncio
import json
import sys

from jikimi.edge.port import port

here = port()


class Nameless:
    """As the module `socket` of an ESP32 that resolves no name: no addresses, and no error."""

    SOCK_STREAM = 1

    @staticmethod
    def getaddrinfo(*_arguments):
        return []


async def cancelled_as_it_ends():
    """After how many turns since the end of its wait a task went on although its cancellation was taken."""
    found = []
    for turns in range(6):  # MicroPython has no `await` in a comprehension
        if await _goes_on(turns):
            found.append(turns)  # noqa: PERF401
    return found


async def _goes_on(turns):
    event = asyncio.Event()

    async def work():
        await here.wait_for_ms(event.wait(), 10_000)
        return True

    task = asyncio.create_task(work())
    for _ in range(5):
        await asyncio.sleep(0)
    event.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    taken = task.cancel()
    try:
        return await task and taken
    except asyncio.CancelledError:
        return False


async def waits():
    """A wait that is over in time, one that is late, and one for something that fails."""

    async def naps(ms):
        await here.sleep_ms(ms)

    async def fails():
        raise OSError(5)

    said = []
    for work, ms in ((naps(1), 10_000), (naps(60_000), 1), (fails(), 10_000)):
        try:
            said.append(await here.wait_for_ms(work, ms))
        except asyncio.TimeoutError:  # noqa: UP041 - MicroPython has no other
            said.append("late")
        except OSError as error:
            said.append(error.args[0])
    return said


async def unresolved():
    if sys.implementation.name == "micropython":
        sys.modules["socket"] = Nameless
    try:
        await here.open_stream("nowhere.invalid", 1, None, None)
    except OSError:
        return "OSError"


async def main():
    return [await cancelled_as_it_ends(), await waits(), await unresolved()]


print(json.dumps(asyncio.run(main())))
