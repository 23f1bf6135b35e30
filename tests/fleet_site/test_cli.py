"""The commands: data on stdout, talk on stderr, exit codes, and how long they take."""

import json
import os
import resource
import signal
import subprocess
import sys
import sysconfig
import urllib.request
from pathlib import Path

import pytest

from jikimi.fleet.agreement import example
from jikimi.fleet.registry.database import transaction
from jikimi.fleet.services import Supervisor, broker_service, standard_services
from jikimi.fleet.site import Site
from jikimi.fleet.store.schema import device_status

_JIKIMI = Path(sysconfig.get_path("scripts")) / "jikimi"


@pytest.fixture
def jikimi(tmp_path, monkeypatch):
    """Run the command as a user does."""
    monkeypatch.delenv("JIKIMI_SITE", raising=False)

    def run(*arguments, cwd=tmp_path, **options):
        return subprocess.run(
            [_JIKIMI, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, timeout=60, **options
        )

    return run


def test_site_init_prints_the_path_and_says_what_next(jikimi, tmp_path):
    result = jikimi("site", "init", "busan-1", "--mqtt-port", 0, "--web-port", 0)
    assert (result.returncode, result.stdout) == (0, f"{tmp_path / 'busan-1'}\n")
    assert "jikimi up --site busan-1" in result.stderr
    assert Site.open(tmp_path / "busan-1").settings.broker.mqtt_port == 0


def test_what_site_init_says_next_can_be_copied_for_a_folder_with_a_space_in_its_name(jikimi):
    assert "jikimi up --site 'my plant'" in jikimi("site", "init", "my plant", "--name", "p1").stderr


def test_what_the_system_refuses_is_one_sentence_with_the_place(jikimi):
    result = jikimi("virtual-board", "--dir", "/proc/nowhere")
    assert (result.returncode, result.stderr) == (1, "jikimi: /proc/nowhere: No such file or directory\n")


def test_a_second_site_init_fails_with_one_sentence(jikimi, site):
    result = jikimi("site", "init", site.path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"jikimi: {site.path} already holds a site")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("device list", "no device yet: `jikimi device provision --all-ports`"),
        ("device doctor", "no device yet"),
        ("config drift", "no device yet"),
        ("release devices", "no device yet"),
        ("release list", "`jikimi release build`"),
        ("release rollout status", "`jikimi release rollout start`"),
        ("alarm list", "no open alarm"),
        ("alarm list --all", "no open alarm"),
        ("alarm responder list", "`jikimi alarm responder add first-aider`"),
        ("agreement show", "`jikimi agreement template > agreement.toml`"),
        ("agreement explain", "`jikimi agreement template > agreement.toml`"),
        ("agreement history", "`jikimi agreement template > agreement.toml`"),
        ("audit list", "nothing was asked yet"),
        ("report completeness", "nothing was recorded in this time"),
        ("site technician list", "`jikimi site technician add`"),
        ("site dead-letters list", "none"),
        ("site retention", "nothing was deleted yet"),
    ],
)
def test_a_listing_of_a_new_site_says_that_there_is_nothing_and_prints_no_data(jikimi, site, words, said):
    result = jikimi(*words.split(), "--site", site.path)
    assert (result.returncode, result.stdout) == (0, "")
    assert said in result.stderr


@pytest.mark.parametrize("by", ["zone-hour", "machine"])
def test_near_misses_of_a_site_without_an_agreement_are_refused_and_with_one_there_are_none_yet(jikimi, site, by):
    words = ("report", "near-misses", "--by", by, "--site", site.path)
    refused = jikimi(*words)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "`jikimi agreement template > agreement.toml`" in refused.stderr
    example.put_in_force(site)
    result = jikimi(*words)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "no near miss in this time\n")


def test_a_command_without_a_site_says_so(jikimi):
    result = jikimi("device", "list")
    assert result.returncode == 1
    assert "jikimi site init" in result.stderr


def test_a_wrong_option_is_misuse(jikimi, site):
    assert jikimi("device", "add", "--kind", "phone", cwd=site.path).returncode == 2


def test_a_device_is_added_listed_and_revoked(jikimi, site, tmp_path):
    added = jikimi(
        "device", "add", "--kind", "tag", "--name", "태그 7", "--zone", "floor", "--out", "t7", cwd=site.path
    )
    device = added.stdout.strip()
    assert {path.name for path in (site.path / "t7").iterdir()} == {"ca.der", "cert.der", "key.der"}
    (listed,) = json.loads(jikimi("device", "list", "--site", site.path, "--json").stdout)
    assert (listed["device"], listed["name"], listed["state"]) == (device, "태그 7", "active")
    assert jikimi("device", "revoke", device, cwd=site.path).returncode == 0
    plain = jikimi("device", "list", cwd=site.path).stdout
    assert plain.split("\t")[:5] == [device, "tag", "태그 7", "floor", "revoked"]


@pytest.mark.parametrize(
    ("online", "status", "heard"),
    [(True, "online", "online"), (False, "docked", "docked"), (False, "lost", "lost"), (False, None, "not yet")],
)
def test_the_list_says_how_a_device_is_reached(jikimi, site, online, status, heard):
    options = ("--kind", "tag", "--name", "Tag 1", "--zone", "hall", "--out", "t1")
    device = jikimi("device", "add", *options, cwd=site.path).stdout.strip()
    with transaction(site) as connection:
        row = {"site": site.name, "device": device, "boot": 1, "online": online, "last_seen_ms": 1, "status": status}
        connection.execute(device_status.insert().values(row))
    (listed,) = jikimi("device", "list", cwd=site.path).stdout.splitlines()
    assert listed.split("\t")[5] == heard


def test_a_device_added_as_json_carries_what_its_configuration_needs(jikimi, site):
    options = ("--kind", "node", "--name", "Press 3", "--zone", "press-hall", "--machine-kind", "press", "--out", "n")
    added = json.loads(jikimi("device", "add", *options, "--json", cwd=site.path).stdout)
    assert added["broker"] == {
        "host": "127.0.0.1",
        "port": site.ports().mqtt,
        "server_name": "broker.site-a.jikimi.internal",
    }
    assert (added["site"], added["kind"], added["machine_kind"]) == ("site-a", "node", "press")


def test_the_key_of_another_device_is_never_overwritten(jikimi, site):
    options = ("--kind", "tag", "--name", "Tag", "--zone", "floor", "--out", "t")
    jikimi("device", "add", *options, cwd=site.path)
    key = (site.path / "t" / "key.der").read_bytes()
    again = jikimi("device", "add", *options, cwd=site.path)
    assert again.returncode == 2
    assert "already holds the key" in again.stderr
    assert (site.path / "t" / "key.der").read_bytes() == key
    assert len(json.loads(jikimi("device", "list", "--json", cwd=site.path).stdout)) == 1


def test_a_place_that_cannot_take_the_key_is_refused_before_the_device_exists(jikimi, site):
    (site.path / "file").write_text("")
    options = ("--kind", "tag", "--name", "Tag", "--zone", "floor", "--out", "file/t")
    assert jikimi("device", "add", *options, cwd=site.path).returncode == 2
    assert jikimi("device", "list", "--json", cwd=site.path).stdout == "[]\n"


def test_the_site_can_come_from_the_environment(jikimi, site):
    result = jikimi("device", "list", "--json", env={**os.environ, "JIKIMI_SITE": str(site.path)})
    assert (result.returncode, json.loads(result.stdout)) == (0, [])


def test_up_refuses_a_site_that_is_up(jikimi, site):
    with Supervisor(site, [broker_service(site)]):
        result = jikimi("up", cwd=site.path)
    assert result.returncode == 1
    assert "already up" in result.stderr


@pytest.fixture
def start_up(site):
    """Run `jikimi up` until it says that all is up, then give the way to end it and what it printed."""

    def run(end, *options):
        lines: list[str] = []
        with subprocess.Popen([_JIKIMI, "up", "--site", site.path, *options], stderr=subprocess.PIPE, text=True) as up:
            assert up.stderr is not None
            for line in up.stderr:
                lines.append(line)
                if "Ctrl-C ends everything" in line:
                    end(up)
        return up.returncode, lines

    return run


def _pids(site: Site) -> list[int]:
    return [int(path.read_text()) for path in site.run_dir.glob("*.pid")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_up_runs_the_site_until_it_is_asked_to_end_and_leaves_no_process(site, start_up, number):
    pids = []

    def end(up):
        pids.extend(_pids(site))
        up.send_signal(number)

    code, lines = start_up(end, "--no-web")
    assert (code, lines[-1]) == (0, "jikimi up: everything is stopped\n"), lines
    assert len(pids) == len(standard_services(site, web=False))
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not any("live page" in line for line in lines)


def test_up_serves_the_live_page_where_it_says(site, start_up):
    pages = []

    def end(up):
        with urllib.request.urlopen(f"http://127.0.0.1:{site.ports().web}/", timeout=30) as answer:
            pages.append(answer.status)
        up.terminate()

    code, lines = start_up(end)
    assert (code, pages) == (0, [200]), lines
    assert f"jikimi up: live page: http://127.0.0.1:{site.ports().web}/\n" in lines


def test_kill_9_of_up_leaves_no_process(site, start_up, wait_until):
    pids = []

    def end(up):
        pids.extend(_pids(site))
        up.kill()

    code, _ = start_up(end)
    assert (code, len(pids)) == (-signal.SIGKILL, len(standard_services(site)))
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


def test_help_is_quick_and_lists_the_commands(jikimi):
    times = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = jikimi("--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert all(name in result.stdout for name in ("site", "device", "up"))
    # Processor time, and the best of five: the machine may be busy with other tests. The budget is 0.3 s.
    assert min(times) <= 0.3


_WHAT_HELP_IMPORTS = """
import sys
from jikimi.fleet.cli import cli
cli(["--help"], standalone_mode=False)
print(*sys.modules)
"""


def test_help_imports_nothing_heavy():
    result = subprocess.run([sys.executable, "-c", _WHAT_HELP_IMPORTS], capture_output=True, text=True, check=True)
    imported = set(result.stdout.splitlines()[-1].split())
    assert "click" in imported
    assert not imported & {"cryptography", "sqlalchemy", "rich", "nicegui", "numpy", "paho", "asyncio"}
