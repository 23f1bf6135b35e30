"""The network between the nodes of a cluster on one machine, as proxies on loopback that can fail.

    with Links(cluster) as links:
        clusters.save(site.path, links.cluster)   # the same nodes, which reach each other through `links`
        links.isolate(2)                          # cut node 2 off from all others
        links.heal()

Nodes are numbered from 0. Each node dials each other through a port of its own, so both ends of a connection are known.
A cut behaves as a pulled cable: nothing is refused or ended, bytes wait; after the heal what still waits goes on. In a
connection nothing is lost or reordered, as TCP would not either.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Final, Self, TypeVar

from jikimi.fleet.site.cluster import Cluster

_CHUNK: Final = 64 << 10
_Result = TypeVar("_Result")


class Links:
    """Owner of all proxies, in one thread with an event loop of its own; every method may be called from any thread."""

    def __init__(self, cluster: Cluster) -> None:
        self._ways = {pair: _Way() for pair in itertools.permutations(range(len(cluster.nodes)), 2)}
        self._plain = cluster
        self.cluster = cluster  # with the ports of the proxies, once entered
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="links")
        self._servers: list[asyncio.Server] = []
        self._running: set[asyncio.Task[Any]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self.cluster = self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def carried(self, source: int, target: int) -> int:
        """Bytes that went from one node to the other so far."""
        return self._ways[source, target].carried

    def cut_way(self, source: int, target: int) -> None:
        """Let nothing pass from `source` to `target`, while the other direction works."""
        self._do(self._set([(source, target)], is_open=False))

    def cut(self, one: int, other: int) -> None:
        """Let nothing pass between two nodes."""
        self._do(self._set([(one, other), (other, one)], is_open=False))

    def isolate(self, node: int) -> None:
        """Cut a node off from all others, which still see each other."""
        self._do(self._set([way for way in self._ways if node in way], is_open=False))

    def delay(self, seconds: float) -> None:
        """Let everything from now on arrive so much later, in both directions between all nodes."""
        self._do(self._slow(seconds))

    def heal(self) -> None:
        """End all faults."""
        self._do(self._set(list(self._ways), is_open=True))
        self._do(self._slow(0.0))

    def _do(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _set(self, ways: list[tuple[int, int]], *, is_open: bool) -> None:
        for way in ways:
            (self._ways[way].open.set if is_open else self._ways[way].open.clear)()

    async def _slow(self, seconds: float) -> None:
        for way in self._ways.values():
            way.delay_s = seconds

    async def _listen(self) -> Cluster:
        nodes = []
        for number, node in enumerate(self._plain.nodes):
            via = [await self._proxy(number, other) for other in range(len(self._plain.nodes)) if other != number]
            nodes.append(replace(node, via=tuple(via)))
        return replace(self._plain, nodes=tuple(nodes))

    async def _proxy(self, source: int, target: int) -> str:
        server = await asyncio.start_server(self._carrier(source, target), "127.0.0.1", 0)
        self._servers.append(server)
        return f"127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def _carrier(
        self, source: int, target: int
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]:
        goal = self._plain.nodes[target]

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._running.add(task)
            try:
                await self._ways[source, target].open.wait()  # who dials into a cut waits
                far_reader, far_writer = await asyncio.open_connection(goal.host, goal.route_port)
                try:
                    await _both(
                        self._ways[source, target].pump(reader, far_writer),
                        self._ways[target, source].pump(far_reader, writer),
                    )
                finally:
                    await _hang_up(far_writer)
            except OSError:
                return  # the node is not up: the end of its connection tells the one that dialled
            finally:
                await _hang_up(writer)
                self._running.discard(task)

        return carry

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


class _Way:
    """One direction between two nodes, on all connections whichever side dialled."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.delay_s = 0.0
        self.carried = 0

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry bytes until either side ends; also the end of a connection does not pass a cut."""
        while chunk := await reader.read(_CHUNK):
            await asyncio.sleep(self.delay_s)
            await self.open.wait()
            self.carried += len(chunk)  # before anyone can have received them
            writer.write(chunk)
            await writer.drain()
        await self.open.wait()


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with contextlib.suppress(OSError):  # how it ended does not matter any more
        await writer.wait_closed()


async def _both(*pumps: Coroutine[Any, Any, None]) -> None:
    """Until one of them ends, then neither is needed."""
    tasks = [asyncio.ensure_future(pump) for pump in pumps]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, OSError | asyncio.CancelledError):
            raise result
