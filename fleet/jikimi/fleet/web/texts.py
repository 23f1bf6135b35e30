"""Every word of the page, in English and Korean."""

from __future__ import annotations

from typing import Final

_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "title": ("Jikimi · live", "지킴이 · 실시간"),
    "floor": ("Shop floor", "작업장"),
    "alarms": ("Open alarms", "미해결 경보"),
    "alarms_0": ("no open alarms", "미해결 경보 없음"),
    "alarms_1": ("1 open alarm", "미해결 경보 1건"),
    "alarms_n": ("{n} open alarms", "미해결 경보 {n}건"),
    "no_alarms": ("No open alarm", "미해결 경보 없음"),
    "open": ("open", "미확인"),
    "acknowledged": ("taken on", "대응 중"),
    "taken_on_by": ("taken on by {role}", "{role} 대응 중"),
    "take_on": ("Take on", "대응하기"),
    "not_told": (
        "Noted, but the tag could not be told that somebody comes. Go all the same.",
        "기록했지만 태그에 알리지 못했습니다. 그래도 현장으로 가십시오.",
    ),
    "not_noted": (
        "Not noted: the database does not answer. Go all the same, and take it on again later.",
        "기록하지 못했습니다(데이터베이스 응답 없음). 현장으로 가고, 나중에 다시 눌러 주십시오.",
    ),
    "code_ended": (
        "Not noted: the code you signed in with has ended. Sign in again.",
        "기록하지 못했습니다. 로그인한 코드가 만료되었습니다. 다시 로그인하십시오.",
    ),
    "code_unknown": ("Nobody has this code. Type it again.", "없는 코드입니다. 다시 입력하십시오."),
    "code": ("Code", "코드"),
    "sign_in": ("Sign in", "로그인"),
    "sign_out": ("Sign out", "로그아웃"),
    "sign_in_to_take_on": ("Sign in to take alarms on here", "로그인하면 여기서 경보에 대응할 수 있습니다"),
    "signed_in": ("You take alarms on as {role}.", "{role}(으)로 경보에 대응합니다."),
    "where_codes_are_made": (
        "Who runs the site makes codes, one for each role:",
        "코드는 현장 관리자가 역할별로 만듭니다:",
    ),
    "without_the_page": (
        "Without the page, in a terminal on the site's computer:",
        "페이지 없이, 현장 컴퓨터의 터미널에서:",
    ),
    "events": ("Last events", "최근 기록"),
    "time": ("time", "시각"),
    "event": ("event", "기록"),
    "device": ("device", "장치"),
    "zone": ("zone", "구역"),
    "details": ("details", "세부"),
    "events_why": (
        "Near miss: nearest distance, closing speed, time in the zone. Fall: how sure the tag is. "
        "— is not shown, because it could tell who it was.",
        "아차사고: 최소 거리, 접근 속도, 구역에 머문 시간. 넘어짐: 태그의 확신도. "
        "—: 누구인지 드러날 수 있어 표시하지 않습니다.",
    ),
    "no_events": ("Nothing recorded yet.", "아직 기록이 없습니다."),
    "no_near_miss": ("No near miss in the last {n} hours.", "최근 {n}시간 동안 아차사고가 없습니다."),
    "no_devices": (
        "No device yet. Boards on USB ports become devices by:",
        "아직 장치가 없습니다. USB 보드를 장치로 만들려면:",
    ),
    "no_machines": (
        "No machine is on the floor plan yet (floor.json of the site).",
        "도면에 설비가 없습니다(현장의 floor.json).",
    ),
    "ago_s": ("{n} s ago", "{n}초 전"),
    "ago_min": ("{n} min ago", "{n}분 전"),
    "ago_h": ("{n} h ago", "{n}시간 전"),
    "other_language": ("한국어", "English"),
    "devices": ("Devices", "장치"),
    "more_devices": ("and {n} more; those that are missing come first", "그 밖에 {n}대 (끊긴 장치를 먼저 표시합니다)"),
    "near_misses": ("Near misses by zone and hour", "구역·시간별 아차사고"),
    "agreement": ("Data-use agreement", "데이터 이용 합의"),
    "in_force_since": ("Agreement {n} in force since {day}", "합의 {n}호, {day}부터 시행 중"),
    "none_signed": (
        "None signed: only alarms are shown, and what devices say of themselves.",
        "서명한 합의가 없습니다. 경보와 장치 상태만 표시합니다.",
    ),
    "all_of_it": ("All of it in plain words", "전체 내용 쉽게 보기"),
    "no_agreement": (
        "Not shown before employer and workers have signed a data-use agreement. On the site's computer:",
        "회사와 노동자가 데이터 이용 합의에 서명하기 전에는 표시하지 않습니다. 현장 컴퓨터에서:",
    ),
    "not_agreed": (
        "Not shown, because the agreement does not cover it. On the site's computer:",
        "합의에 들어 있지 않아 표시하지 않습니다. 현장 컴퓨터에서:",
    ),
    "not_genuine": (
        "Not shown, because the agreement in the database is not genuine. On the site's computer:",
        "데이터베이스의 합의가 진본이 아니어서 표시하지 않습니다. 현장 컴퓨터에서:",
    ),
    "look_not_noted": (
        "Not shown, because it could not be noted that you look. Load the page again later; on the site's computer:",
        "열람을 기록하지 못해 표시하지 않습니다. 나중에 다시 여십시오. 현장 컴퓨터에서:",
    ),
    "near_misses_short": ("near misses", "아차사고"),
    "by_machine": ("Near misses by machine", "설비별 아차사고"),
    "too_few": ("too few", "인원 부족"),
    "too_few_why": (
        "Shown only where at least {n} people are behind a number.",
        "{n}명 이상이 포함된 수치만 표시합니다.",
    ),
    "online": ("online", "연결됨"),
    "docked": ("docked", "충전대"),
    "offline": ("offline", "끊김"),
    "revoked": ("revoked", "폐기됨"),
    "retired": ("retired", "사용 종료"),
    "tags": ("tags", "태그"),
    "nodes": ("machine nodes", "설비 노드"),
    "privacy": (
        "No positions of people are stored or shown. Tags are named by their label, near misses by machine and zone.",
        "사람의 위치는 저장하거나 표시하지 않습니다. 태그는 라벨로, 아차사고는 설비와 구역으로만 표시합니다.",
    ),
    "advisory": (
        "Advisory warning system: does not replace guarding.",
        "보조 경고 시스템입니다. 방호 장치를 대신하지 않습니다.",
    ),
    "warn_zone": ("warning zone", "주의 구역"),
    "danger_zone": ("danger zone", "위험 구역"),
    "fall": ("Fall", "넘어짐"),
    "sos": ("SOS", "긴급 호출"),
    "no_motion": ("No motion", "움직임 없음"),
    "sensor_fault": ("Sensor fault", "센서 고장"),
    "low_battery": ("Low battery", "배터리 부족"),
    "cleared": ("Cleared", "해제"),
    "confirmed": ("Not cancelled", "취소 없음"),
    "check_in_missed": ("No answer to check-in", "안전 확인 무응답"),
    "no_signal": ("No signal from the device", "장치 신호 없음"),
    "unreadable": ("An alarm nobody can read", "해독할 수 없는 경보"),
    "still_open": ("Still nobody there", "아직 응답한 사람 없음"),
    "battery_short": ("Battery will not last the shift", "근무 끝까지 배터리 부족"),
    "self_test": ("Self-test", "자가 점검"),
    "falling": ("Falling", "넘어지는 중"),
    "near_miss": ("Near miss", "아차사고"),
    "warning": ("Warned", "경고함"),
    "bends": ("Bends", "허리 굽힘"),
    "lost": ("Records lost", "기록 유실"),
    "recovered": ("Got up", "일어남"),
    "cancelled": ("cancelled by the wearer", "착용자가 취소함"),
    "sensor_imu": ("inertial unit", "관성 센서"),
    "sensor_ble": ("Bluetooth", "블루투스"),
    "sensor_uwb": ("UWB", "UWB"),
    "sensor_clock": ("clock", "시계"),
    "sensor_flash": ("flash", "플래시 메모리"),
    "sensor_heart": ("heart-rate sensor", "심박 센서"),
    "sensor_battery": ("battery", "배터리"),
    "sensor_speed": ("machine's speed", "설비 속도 입력"),
    "fault_silent": ("does not answer", "응답 없음"),
    "fault_frozen": ("always the same value", "값이 변하지 않음"),
    "fault_self-test": ("fails its own test", "자체 시험 실패"),
    "restored": ("works again", "정상 복귀"),
    "silent": ("silent: do not call out", "무음 호출: 말을 걸지 마십시오"),
}

LANGUAGES: Final = ("en", "ko")
OTHER: Final = {"en": "ko", "ko": "en"}


def text(key: str, lang: str = "en") -> str:
    """The words for `key`; an unknown language reads English, an unknown key itself."""
    english, korean = _TEXTS.get(key, (key.replace("_", " "), key.replace("_", " ")))
    return korean if lang == "ko" else english


def is_known(key: str) -> bool:
    """Whether there are words for `key`."""
    return key in _TEXTS


def preferred(accept_language: str) -> str:
    """The first of a browser's languages that the page has; English when it has none of them."""
    for part in accept_language.split(","):
        lang = part.split(";")[0].strip().split("-")[0].lower()
        if lang in LANGUAGES:
            return lang
    return "en"
