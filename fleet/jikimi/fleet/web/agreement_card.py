"""What the page says about the data-use agreement: what is in force, and why something is not shown."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Final

from jikimi.fleet.agreement import words
from jikimi.fleet.moments import day
from jikimi.fleet.web.snapshot import NOT_NOTED, AgreementView, Snapshot
from jikimi.fleet.web.texts import text

# What to type about a refusal.
_COMMANDS: Final = {
    "no_agreement": "jikimi agreement template > agreement.toml",
    "not_agreed": "jikimi agreement explain",
    "not_genuine": "jikimi agreement verify",
    NOT_NOTED: "jikimi audit verify",
}


def covered(draw: Callable[[Snapshot], str], lang: str) -> Callable[[Snapshot], str]:
    """What `draw` draws where the agreement covers it; else why not, and what to do."""
    return lambda snap: refusal_html(snap.refusal, lang) if snap.refusal else draw(snap)


def as_far(draw: Callable[[Snapshot], str], lang: str) -> Callable[[Snapshot], str]:
    """What `draw` draws of what may be shown, and why the rest is not."""

    def drawn(snap: Snapshot) -> str:
        if not snap.refusal:
            return draw(snap)
        shown = draw(snap) if snap.events else ""
        return shown + refusal_html(snap.refusal, lang)

    return drawn


def refusal_html(refusal: str, lang: str) -> str:
    """Why nothing is shown, and what to type."""
    return f"<p>{escape(text(refusal, lang))}<br><code>{escape(_COMMANDS[refusal])}</code></p>"


def agreement_html(agreement: AgreementView | None, refusal: str, lang: str) -> str:
    """The agreement in force with its purposes, and all of it to unfold; or that there is none."""
    if agreement is None:
        genuine = "" if refusal != "not_genuine" else refusal_html(refusal, lang)
        return genuine or f"<p>{escape(text('none_signed', lang))}</p>"
    since = text("in_force_since", lang).format(n=agreement.number, day=day(agreement.since_ms))
    purposes = "".join(f"<li>{escape(words.word(purpose, lang))}</li>" for purpose in agreement.purposes)
    whole = escape(agreement.explained[lang])
    return (
        f'<p><b>{escape(since)}</b></p><ul class="purposes">{purposes}</ul>'
        f'<details><summary>{escape(text("all_of_it", lang))}</summary><p class="whole">{whole}</p></details>'
    )
