"""The HTTP server of the live page and its JSON API."""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from fastapi import FastAPI
from nicegui import ui

from jikimi.fleet.services.ready import mark_ready
from jikimi.fleet.web.page import build_page
from jikimi.fleet.web.sign_in import add_routes
from jikimi.fleet.web.snapshot import withheld

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jikimi.fleet.site import Site
    from jikimi.fleet.web.desk import Desk
    from jikimi.fleet.web.live import Live

_LOOK_MS: Final = 60_000


def serve(site: Site, live: Live, desk: Desk) -> None:
    """Serve until SIGTERM or SIGINT; marks the service ready once its port listens."""
    host, port = site.settings.web.host, site.ports().web
    config = uvicorn.Config(make_app(live, desk), host=host, port=port, log_level="warning")
    _Server(config, site, f"http://{host}:{port}/").run()


def make_app(live: Live, desk: Desk) -> FastAPI:
    """The page at `/` with its two forms, the same data as JSON at `/api/live`, the API's description at `/docs`."""
    app = FastAPI(title="Jikimi", lifespan=lambda _app: _following(live))

    @app.get("/api/live")
    def snapshot() -> dict[str, Any]:
        """What the page shows now; in the audit log, who asks again and again is one entry a minute."""
        noted = live.note("JSON API", "the live page as JSON", _LOOK_MS)
        return asdict(live.current if noted else withheld(live.current))

    add_routes(app, desk)
    build_page(live, desk)
    ui.run_with(app, title="Jikimi")
    return app


@asynccontextmanager
async def _following(live: Live) -> AsyncIterator[None]:
    task = asyncio.create_task(live.run())
    task.add_done_callback(_end_service)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):  # the end we asked for; any other error comes out here
            await task


def _end_service(task: asyncio.Task[None]) -> None:
    """A page that nobody keeps up to date looks like a quiet hall: the service ends, and is started again."""
    if not task.cancelled():
        signal.raise_signal(signal.SIGTERM)


class _Server(uvicorn.Server):
    """Says so when it listens, which is after the application's own start."""

    def __init__(self, config: uvicorn.Config, site: Site, url: str) -> None:
        super().__init__(config)
        self._site = site
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            mark_ready(self._site, "web", url=self._url)
