"""Signing in with a responder's code, and out: two forms, and a cookie that no script and no other site can use."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlencode, urlsplit

from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.responses import RedirectResponse

if TYPE_CHECKING:
    from jikimi.fleet.web.desk import Desk

COOKIE: Final = "jikimi_responder"
REFUSED: Final = "refused"  # query parameter of the page
# A shift's worth would sign people out in the moment of an alarm; a code that shall not count any more is removed.
_LASTS_S: Final = 30 * 86_400
_CODE_MAX, _LANG_MAX = 64, 2


def add_routes(app: FastAPI, desk: Desk) -> None:
    """POST /sign-in and /sign-out; both lead back to the page."""

    @app.post("/sign-in", include_in_schema=False)
    async def sign_in(
        request: Request,
        code: Annotated[str, Form(max_length=_CODE_MAX)],
        lang: Annotated[str, Form(max_length=_LANG_MAX)] = "",
    ) -> RedirectResponse:
        _refuse_foreign(request)
        if await asyncio.to_thread(desk.role_of, code) is None:
            return _to_page(lang, refused=True)
        answer = _to_page(lang)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, code.strip(), max_age=_LASTS_S, httponly=True, samesite="strict", secure=secure)
        return answer

    @app.post("/sign-out", include_in_schema=False)
    async def sign_out(request: Request, lang: Annotated[str, Form(max_length=_LANG_MAX)] = "") -> RedirectResponse:
        _refuse_foreign(request)
        answer = _to_page(lang)
        answer.delete_cookie(COOKIE)
        return answer


def _to_page(lang: str, *, refused: bool = False) -> RedirectResponse:
    query = urlencode({"lang": lang} | ({REFUSED: 1} if refused else {}))
    return RedirectResponse(f"./?{query}", status_code=303)


def _refuse_foreign(request: Request) -> None:
    """403 for a form on another site. Browsers say where it stood; other programs have no cookie to lend."""
    where = request.headers.get("sec-fetch-site")  # browsers leave it out over plain HTTP
    origin = request.headers.get("origin")
    if where is not None:
        foreign = where != "same-origin"
    else:
        foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if foreign:
        raise HTTPException(403, "this form is on another site")
