"""The page in a real browser: what a safety manager sees, and how soon."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service as ChromeService
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from jikimi.fleet.agreement import example
from jikimi.fleet.alarms import responders
from jikimi.fleet.services import Service, Supervisor, broker_service, python_service
from jikimi.fleet.site import Site
from jikimi.fleet.store import NewRecord
from jikimi.wire import kinds
from tests.fleet_agreement.build import remove

_DEADLINE_S = 60


@contextmanager
def _up(site: Site, *services: Service) -> Iterator[str]:
    """The address of the page, while `services` run."""
    with Supervisor(site, [*services, python_service(site, "web")]):
        yield f"http://127.0.0.1:{site.ports().web}"


@pytest.fixture
def page_url(plant) -> Iterator[str]:
    with _up(plant.site) as url:
        yield url


@pytest.fixture
def whole_url(plant) -> Iterator[str]:
    """Of a page whose site has its broker."""
    with _up(plant.site, broker_service(plant.site)) as url:
        yield url


@pytest.fixture
def browser(tmp_path) -> Iterator[Chrome]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("needs Debian's packages chromium and chromium-driver")
    options = ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1440,1100",
        f"--user-data-dir={tmp_path / 'chromium'}",
    ):
        options.add_argument(argument)
    chrome = Chrome(options=options, service=ChromeService(driver))
    try:
        yield chrome
    finally:
        chrome.quit()


def _text(browser: Chrome) -> str:
    return str(browser.execute_script("return document.body.innerText"))


def _wait_for(browser: Chrome, words: str) -> None:
    WebDriverWait(browser, _DEADLINE_S, 0.05).until(lambda b: words in _text(b), f"{words!r} never appeared")


def test_a_fall_appears_on_an_open_page_and_the_zone_is_marked(plant, page_url, browser):
    browser.get(page_url)
    _wait_for(browser, "No open alarm")
    plant.report(plant.tag, NewRecord(1, kinds.FALL, 60_000, {kinds.CONFIDENCE_PERMILLE: 930}))
    _wait_for(browser, "hall · Tag 1")
    assert browser.execute_script("return document.querySelectorAll('.zone.alarmed').length") == 1
    severe = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []


@pytest.fixture
def code(plant) -> str:
    return responders.add(plant.site, "first-aider")


def _fall(plant, seq: int = 1) -> None:
    plant.report(plant.tag, NewRecord(seq, kinds.FALL, 60_000, {kinds.CONFIDENCE_PERMILLE: 930}))


def _sign_in(browser: Chrome, url: str, code: str) -> None:
    browser.get(f"{url}/?lang=en")
    _wait_for(browser, "Sign in to take alarms on here")
    browser.find_element("css selector", ".sign-in summary").click()
    browser.find_element("id", "code").send_keys(code, Keys.ENTER)


def _focused(browser: Chrome) -> str:
    return str(browser.execute_script("return document.activeElement.ariaLabel ?? ''"))


def _age(browser: Chrome) -> str:
    return str(browser.execute_script("return document.querySelector('#alarms .since').innerText"))


def _wait_for_taken_on(browser: Chrome, number: int) -> None:
    WebDriverWait(browser, _DEADLINE_S, 0.05).until(
        lambda b: len(b.find_elements("css selector", "#alarms li.acknowledged")) == number
    )


def test_who_is_signed_in_takes_alarms_on_by_keyboard_alone_and_every_viewer_sees_in_which_role(
    plant, whole_url, browser, code
):
    _sign_in(browser, whole_url, code)
    _wait_for(browser, "You take alarms on as first-aider.")
    watching = browser.current_window_handle
    browser.switch_to.new_window("window")
    browser.get(f"{whole_url}/?lang=ko")
    _wait_for(browser, "first-aider(으)로 경보에 대응합니다.")
    other = browser.current_window_handle
    browser.switch_to.window(watching)
    _fall(plant, 1)
    _fall(plant, 2)
    WebDriverWait(browser, _DEADLINE_S, 0.05).until(
        lambda b: len(b.find_elements("css selector", "#alarms button[aria-label]")) == 2
    )
    while "Take on" not in _focused(browser):
        browser.switch_to.active_element.send_keys(Keys.TAB)
    assert _focused(browser) == "Take on: Fall, hall, Tag 1"
    first, age = browser.switch_to.active_element, _age(browser)
    WebDriverWait(browser, _DEADLINE_S, 0.05).until(lambda b: _age(b) != age)  # the row is drawn anew, and
    assert browser.switch_to.active_element == first
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    _wait_for(browser, "taken on by first-aider")
    WebDriverWait(browser, _DEADLINE_S, 0.05).until(lambda b: b.switch_to.active_element != first)
    assert _focused(browser) == "Take on: Fall, hall, Tag 1"  # of the alarm that is still open
    browser.switch_to.active_element.send_keys(Keys.SPACE)
    _wait_for_taken_on(browser, 2)
    browser.switch_to.window(other)
    _wait_for_taken_on(browser, 2)
    assert "first-aider 대응 중" in _text(browser)
    assert [row.acknowledged_by for row in plant.store.open_alarms()] == ["first-aider"] * 2


def test_whoever_is_not_signed_in_has_no_button_and_reads_what_to_do_instead(plant, page_url, browser, code):
    _fall(plant)
    _sign_in(browser, page_url, "abcde-abcde-abcde-abcde")
    _wait_for(browser, "Nobody has this code.")
    assert browser.find_elements("css selector", "#alarms .alarms button") == []
    assert "jikimi alarm ack ID --by first-aider" in _text(browser)


def test_an_alarm_whose_tag_cannot_be_told_is_noted_and_the_page_says_to_go_all_the_same(
    plant, page_url, browser, code
):
    _fall(plant)
    _sign_in(browser, page_url, code)
    _wait_for(browser, "Take on")
    browser.find_element("css selector", "#alarms .alarms button").click()
    _wait_for(browser, "the tag could not be told")  # no broker runs here
    assert plant.store.open_alarms()[0].state == "acknowledged"


def test_the_page_speaks_korean_and_withholds_small_groups(plant, page_url, browser):
    plant.near_misses(4)
    browser.get(f"{page_url}/?lang=ko")
    _wait_for(browser, "인원 부족")
    assert "미해결 경보 없음" in _text(browser)


def test_on_a_telephone_alarms_come_first_and_nothing_is_wider_than_the_screen(plant, page_url, browser):
    plant.near_misses(5)
    plant.report(plant.tag, NewRecord(1, kinds.FALL, 60_000, {kinds.CONFIDENCE_PERMILLE: 930}))
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    )
    browser.get(page_url)
    _wait_for(browser, "hall · Tag 1")
    tops = "return [...document.querySelectorAll('.jk-card')].sort((a, b) => a.getBoundingClientRect().top"
    assert browser.execute_script(f"{tops} - b.getBoundingClientRect().top)[0].id") == "alarms"
    assert browser.execute_script("return document.documentElement.scrollWidth") == 360


def test_where_nothing_is_agreed_on_the_page_says_so_and_shows_near_misses_as_soon_as_both_have_signed(
    plant, page_url, browser
):
    plant.near_misses(5)
    remove(plant.site, "agreement", 1)
    browser.get(f"{page_url}/?lang=en")
    _wait_for(browser, "None signed")
    _wait_for(browser, "jikimi agreement template > agreement.toml")
    assert "near misses: " not in _text(browser)
    example.put_in_force(plant.site)
    _wait_for(browser, "Agreement 1 in force since")
    _wait_for(browser, "near misses: 5")
    browser.find_element("css selector", "#agreement summary").click()
    _wait_for(browser, "Near misses are counted only where at least 5 people")


def test_a_reader_changes_the_language_with_the_keyboard_and_the_page_says_which_it_is(page_url, browser):
    browser.get(f"{page_url}/?lang=en")
    _wait_for(browser, "No open alarm")
    assert browser.execute_script("return document.documentElement.lang") == "en"
    browser.switch_to.active_element.send_keys(Keys.TAB)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    _wait_for(browser, "미해결 경보 없음")
    assert browser.execute_script("return document.documentElement.lang") == "ko"


# What each text stands on, its ancestors' colours laid over each other; contrast by WCAG 2.2, 1.4.3.
_CONTRASTS = """
const rgba = words => { const n = words.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n };
const luminance = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b };
const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
const ground = e => { const layers = []; let image = false;
  for (; e; e = e.parentElement) { const s = getComputedStyle(e); image ||= s.backgroundImage !== 'none';
    const c = rgba(s.backgroundColor); layers.push(c); if (c[3] === 1) break }
  return image ? null : layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]) };
const found = [];
for (const e of document.querySelectorAll('.jk-page *:not(svg *)')) {
  const words = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join('');
  const under = ground(e);
  if (!words || !under || !e.checkVisibility() || e.closest('.jk-aloud')) continue;
  const [a, b] = [luminance(over(rgba(getComputedStyle(e).color), under)), luminance(under)];
  found.push([Math.round(100 * (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)) / 100, words]);
}
return found.sort((one, other) => one[0] - other[0]);
"""


@pytest.mark.parametrize(("scheme", "ground"), [("light", "rgb(241, 245, 249)"), ("dark", "rgb(15, 23, 42)")])
def test_every_word_can_be_read_in_the_light_and_in_the_dark(plant, page_url, browser, code, scheme, ground):
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    plant.near_misses(5)
    _fall(plant)
    _fall(plant, 2)
    plant.store.acknowledge_alarm(plant.store.open_alarms()[0].id, "first-aider", 1)
    _sign_in(browser, page_url, "wrong")
    _wait_for(browser, "Nobody has this code.")
    _wait_for(browser, "taken on by first-aider")
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == ground
    contrasts = browser.execute_script(_CONTRASTS)
    assert len(contrasts) > 30
    assert [one for one in contrasts if one[0] < 4.5] == []


def test_the_api_gives_the_snapshot_as_json(plant, page_url):
    plant.near_misses(5)

    def counts() -> list[int | None]:
        with urllib.request.urlopen(f"{page_url}/api/live") as answer:
            return [machine["count"] for machine in json.load(answer)["machines"]]

    WebDriverWait(None, _DEADLINE_S, 0.05).until(lambda _: counts() == [5])  # type: ignore[type-var]


def test_the_page_loads_nothing_from_elsewhere(page_url, browser):
    browser.get(page_url)
    _wait_for(browser, "No open alarm")
    names = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert [name for name in names if not name.startswith((page_url, "data:", "blob:"))] == []
