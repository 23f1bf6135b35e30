"""An agreement in plain words, for everybody it is about; English and Korean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jikimi.fleet.agreement.terms import CAPACITY, HAZARDS, INCIDENTS, PURPOSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jikimi.fleet.agreement.chain import Link
    from jikimi.fleet.agreement.terms import Terms

LANGUAGES: Final = ("en", "ko")

_WORDS: Final[dict[str, tuple[str, str]]] = {
    HAZARDS: (
        "find the hazard to remove first: near misses by zone, hour and machine, and events without who",
        "먼저 없앨 위험 찾기: 구역·시간·설비별 아차사고, 누구인지 알 수 없는 기록",
    ),
    INCIDENTS: (
        "learn from an incident: alarms that are over, with the tag that raised them",
        "사고에서 배우기: 끝난 경보와 경보를 낸 태그",
    ),
    CAPACITY: (
        "measure how large a computer the site needs: when how many records came, without who and what",
        "필요한 컴퓨터 용량 측정: 누구의 무엇인지 없이, 언제 기록이 몇 건 왔는지",
    ),
    "proximity": ("near misses and warnings", "아차사고와 경고"),
    "posture": ("counts of bends", "허리 굽힘 횟수"),
    "emergency": ("falls, calls for help, stumbles", "넘어짐, 긴급 호출, 비틀거림"),
    "device": ("faults and batteries of devices", "장치 고장과 배터리"),
    "unknown": ("records of a kind that cannot be read yet", "아직 해독할 수 없는 종류의 기록"),
    "unreadable": ("messages that could not be stored", "저장하지 못한 메시지"),
    "in_force": ("Agreement {n} of {site} is in force.", "{site}의 합의 {n}호가 시행 중입니다."),
    "signed": ("Signed by: {who}.", "서명: {who}."),
    "may": ("What may be asked, and of which data:", "물을 수 있는 것과 쓰이는 데이터:"),
    "may_not": ("Not agreed on, so never answered:", "합의하지 않아 답하지 않는 것:"),
    "group": (
        "Near misses are counted only where at least {n} people are behind a number.",
        "{n}명 이상이 포함된 아차사고 수치만 보여 줍니다.",
    ),
    "hidden": (
        "Nothing that happens in these zones is shown: {zones}.",
        "다음 구역의 일은 보여 주지 않습니다: {zones}.",
    ),
    "kept": ("Records are deleted after at most:", "기록은 늦어도 다음 기간 뒤 삭제합니다:"),
    "days": ("{what}: {n} days", "{what}: {n}일"),
    "stays": (
        "What is counted from them stays: numbers of near misses, with ids that name nobody and that each tag changes "
        "every 15 minutes.",
        "기록에서 센 수치는 남습니다: 아차사고 수와, 태그마다 15분마다 바뀌며 누구인지 알 수 없는 번호.",
    ),
    "always": (
        "Without any agreement: open alarms are shown and help is called, and devices say whether they work.",
        "합의와 관계없이: 미해결 경보를 보여 주고 도움을 부르며, 장치는 자기 상태를 알립니다.",
    ),
    "never": (
        "No question gives a number, a score or a rank of one person. Everything asked is in the audit log: "
        "`jikimi audit list`.",
        "한 사람의 수치·점수·순위를 주는 질문은 없습니다. 모든 질문은 감사 기록에 남습니다: `jikimi audit list`.",
    ),
}


def word(key: str, lang: str = "en") -> str:
    """The words for a purpose, a category, or a sentence of this module."""
    return _WORDS[key][1 if lang == "ko" else 0]


def purposes(terms: Terms) -> tuple[str, ...]:
    """What is agreed on, in the order in which it is told."""
    return tuple(purpose for purpose in PURPOSES if terms.categories(purpose))


def explain(link: Link, site: str, lang: str = "en") -> str:
    """All that an agreement says."""
    return "\n".join(_lines(link, site, lang))


def _lines(link: Link, site: str, lang: str) -> Iterator[str]:
    terms = link.terms
    yield word("in_force", lang).format(n=link.number, site=site)
    yield word("signed", lang).format(who=", ".join(terms.party(party).role for party in link.signed_by))
    yield f"\n{word('may', lang)}"
    for purpose in purposes(terms):
        categories = sorted(terms.categories(purpose))
        yield f"- {word(purpose, lang)} ({', '.join(word(category, lang) for category in categories)})"
    if left_out := [purpose for purpose in PURPOSES if not terms.categories(purpose)]:
        yield f"\n{word('may_not', lang)}"
        yield from (f"- {word(purpose, lang)}" for purpose in left_out)
    yield f"\n{word('group', lang).format(n=terms.minimum_group)}"
    if terms.hidden_zones:
        yield word("hidden", lang).format(zones=", ".join(terms.hidden_zones))
    yield f"\n{word('kept', lang)}"
    for category, days in terms.retention_days:
        yield f"- {word('days', lang).format(what=word(category, lang), n=days)}"
    yield word("stays", lang)
    yield f"\n{word('always', lang)}"
    yield word("never", lang)
