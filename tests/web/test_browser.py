"""The page in a real browser: what a safety manager sees, and how soon."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service as ChromeService
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from jikimi.fleet.services import Supervisor, python_service
from jikimi.fleet.store import NewRecord
from jikimi.wire import kinds

_DEADLINE_S = 60


@pytest.fixture
def page_url(plant) -> Iterator[str]:
    supervisor = Supervisor(plant.site, [python_service(plant.site, "web")])
    supervisor.start()
    try:
        yield f"http://127.0.0.1:{plant.site.ports().web}"
    finally:
        supervisor.stop()


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


def test_a_reader_changes_the_language_with_the_keyboard_and_the_page_says_which_it_is(page_url, browser):
    browser.get(f"{page_url}/?lang=en")
    _wait_for(browser, "No open alarm")
    assert browser.execute_script("return document.documentElement.lang") == "en"
    browser.switch_to.active_element.send_keys(Keys.TAB)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    _wait_for(browser, "미해결 경보 없음")
    assert browser.execute_script("return document.documentElement.lang") == "ko"


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
