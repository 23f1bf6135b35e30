"""The supervisor: order, restarts, giving up, and leaving nothing behind however it ends."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jikimi.fleet import broker
from jikimi.fleet.errors import JikimiError, ServiceError
from jikimi.fleet.services import (
    Service,
    Supervisor,
    broker_service,
    is_ready,
    mark_ready,
    python_service,
    ready_path,
    standard_services,
    web_service,
)
from jikimi.fleet.services.child import QUICK_DEATHS
from jikimi.fleet.site.ports import is_free

_READY = """
import signal, sys
from jikimi.fleet.services import mark_ready
from jikimi.fleet.site import Site
mark_ready(Site.open(sys.argv[1]), sys.argv[2])
print("at work", flush=True)
"""
_UNTIL_TERM = "signal.sigwait([signal.SIGTERM])\n"


@pytest.fixture
def service(site):
    """A service made of a few lines of Python, ready when it says so."""

    def make(name, code, **options):
        command = [sys.executable, "-c", code, str(site.path), name]
        return Service(name, command, is_ready=lambda pid: is_ready(site, name, pid), **options)

    return make


@pytest.fixture
def steady(service):
    """A service that works until it is asked to stop."""

    def make(name, **options):
        block = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
        return service(name, block + _READY + _UNTIL_TERM, **options)

    return make


@pytest.fixture
def quick_backoff(monkeypatch):
    monkeypatch.setattr("jikimi.fleet.services.child._BACKOFF_S", 0.01)


def _shrinking(path: Path) -> Callable[[], bool]:
    """Whether a file has become smaller since it was last asked."""
    sizes = [0]

    def look() -> bool:
        sizes.append(path.stat().st_size)
        return sizes[-1] < sizes[-2]

    return look


def _exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _pids(up: Supervisor) -> list[int]:
    return [status.pid for status in up.status() if status.pid is not None]


def _kill_whenever_it_is_up(up: Supervisor) -> None:
    while not up.wait(0.01):
        for pid in _pids(up):
            os.kill(pid, signal.SIGKILL)


def test_services_start_in_order_each_after_the_one_before_is_ready(site, steady):
    lines: list[str] = []
    with Supervisor(site, [steady("first"), steady("second"), steady("third")], lines.append) as up:
        assert [status.ready for status in up.status()] == [True, True, True]
    assert [line.split()[0] for line in lines] == ["first", "second", "third"]


def test_the_run_directory_tells_the_process_and_is_clean_afterwards(site, steady):
    with Supervisor(site, [steady("worker")]) as up:
        (pid,) = _pids(up)
        assert (site.run_dir / "worker.pid").read_text() == f"{pid}\n"
        assert is_ready(site, "worker", pid)
    assert not _exists(pid)
    assert {path.suffix for path in site.run_dir.iterdir()} == {".lock"}
    assert (site.log_dir / "worker.log").read_text() == "at work\n"


def test_a_ready_file_of_another_process_does_not_count(site, steady):
    mark_ready(site, "worker")
    assert is_ready(site, "worker", os.getpid())
    with Supervisor(site, [steady("worker")]) as up:
        assert not is_ready(site, "worker", os.getpid())
        assert up.status()[0].ready
    ready_path(site, "worker").write_text("nonsense")
    assert not is_ready(site, "worker", os.getpid())


def test_a_killed_service_is_started_again_and_the_others_stay(site, steady, wait_until):
    with Supervisor(site, [steady("first"), steady("second")]) as up:
        first, second = _pids(up)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: up.status()[0].ready and up.status()[0].pid != first)
        assert up.status()[0].restarts == 1
        assert up.status()[1].pid == second


def test_a_service_that_nobody_awaits_lets_the_next_one_start_before_it_is_ready(site, steady, service):
    lines: list[str] = []
    waits_for_the_other = "import pathlib, sys, time\n" + (
        "while not (pathlib.Path(sys.argv[1]) / 'run' / 'second.ready').exists(): time.sleep(0.01)\n"
    )
    first = service("first", waits_for_the_other + _READY + _UNTIL_TERM, awaited=False)
    with Supervisor(site, [first, steady("second")], lines.append) as up:
        assert [status.ready for status in up.status()] == [True, True]
    assert [line.split()[0] for line in lines] == ["second", "first"]


def test_a_killed_service_stays_away_for_as_long_as_it_is_told(site, steady, wait_until):
    with Supervisor(site, [steady("worker", away_s=0.7)]) as up:
        (pid,) = _pids(up)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not _pids(up))
        assert up.status()[0].ended == "killed by SIGKILL"
        assert wait_until(lambda: _pids(up)) > 0.6


def test_a_service_that_dies_again_and_again_stops_everything_and_names_its_log(site, steady, service):
    ends: list[float] = []
    pids: set[int] = set()

    def listen(line: str) -> None:
        pids.update(_pids(supervisor))
        if "ended" in line:
            ends.append(time.monotonic())

    supervisor = Supervisor(site, [steady("steady"), service("broken", "raise SystemExit('the disk is full')")], listen)
    with pytest.raises(ServiceError) as refused:
        supervisor.start()
    assert str(refused.value) == (
        f"broken ended {QUICK_DEATHS} times in a row (exit code 1): read {site.log_dir / 'broken.log'}; "
        'its last line is "the disk is full"'
    )
    assert (site.log_dir / "broken.log").read_text().count("the disk is full") == QUICK_DEATHS
    assert pids
    assert not any(_exists(pid) for pid in pids)
    waits = [after - before for before, after in itertools.pairwise(ends)]
    assert all(wait >= least for wait, least in zip(waits, [0.2, 0.4, 0.8], strict=True))


def test_a_service_that_starts_to_fail_later_ends_the_wait_with_the_reason(site, service, quick_backoff):
    worker = service("worker", _READY + "signal.pause()")
    with Supervisor(site, [worker]) as up, pytest.raises(ServiceError, match="killed by SIGKILL"):
        _kill_whenever_it_is_up(up)


def test_a_service_without_which_alarms_still_arrive_stops_nothing_however_often_it_dies(
    site, steady, service, quick_backoff, wait_until
):
    page = service("page", _READY, vital=False)  # ready, and at its end
    with Supervisor(site, [steady("steady"), page]) as up:
        (pid, *_) = _pids(up)
        wait_until(lambda: up.status()[1].restarts > QUICK_DEATHS + 2)
        assert up.status()[0].pid == pid
        assert not up.wait(0)  # ServiceError, had it given up


def test_a_page_whose_port_was_taken_meanwhile_waits_for_it_and_stops_nothing(
    site, steady, quick_backoff, monkeypatch, wait_until
):
    monkeypatch.setattr("jikimi.fleet.services.child._BACKOFF_MAX_S", 0.05)
    starts = itertools.count(1)
    lines: list[str] = []

    @contextmanager
    def port_is_taken_at_the_second_start() -> Iterator[None]:
        if next(starts) == 2:
            raise ServiceError("port 8080 is taken by another program")
        yield

    page = steady("page", vital=False, start_context=port_is_taken_at_the_second_start)
    with Supervisor(site, [steady("steady"), page], lines.append) as up:
        _, first = _pids(up)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: up.status()[1].ready and up.status()[1].pid != first)
        assert not up.wait(0)
    assert "page waits: port 8080 is taken by another program" in lines


def test_a_service_without_which_alarms_still_arrive_is_missed_at_the_start(site, steady, service, quick_backoff):
    page = service("page", "raise SystemExit('no such option')", vital=False)
    with pytest.raises(ServiceError, match="no such option"):
        Supervisor(site, [steady("steady"), page]).start()


def test_the_page_delivery_and_upkeep_of_a_site_are_not_vital_and_broker_and_ingest_are(site):
    vital = {service.name: service.vital for service in standard_services(site)}
    assert vital == {"broker": True, "ingest": True, "delivery": False, "upkeep": False, "web": False}


def test_a_service_that_never_becomes_ready_is_killed(site, service, quick_backoff):
    mute = service("mute", "import signal; signal.pause()", ready_s=0.1)
    with pytest.raises(ServiceError, match="mute ended 5 times in a row \\(killed by SIGKILL\\)"):
        Supervisor(site, [mute]).start()


def test_a_service_that_ignores_the_request_to_stop_is_killed(site, service):
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + _READY + "while True: signal.pause()"
    with Supervisor(site, [service("deaf", deaf, stop_s=0.2)]) as up:
        (pid,) = _pids(up)
    assert not _exists(pid)


def test_only_one_supervisor_runs_a_site(site, steady):
    one, other = Supervisor(site, [steady("worker")]), Supervisor(site, [steady("worker")])
    with one, pytest.raises(ServiceError, match=f"already up \\(process {os.getpid()}\\)"):
        other.start()
    with Supervisor(site, [steady("worker")]) as again:
        assert again.status()[0].ready


def test_a_log_that_has_grown_large_is_put_aside_at_the_next_start(site, steady, monkeypatch):
    monkeypatch.setattr("jikimi.fleet.services.child._LOG_MAX_BYTES", 10)
    (site.log_dir / "worker.log").write_text("x" * 11)
    with Supervisor(site, [steady("worker")]):
        pass
    assert (site.log_dir / "worker.log.1").read_text() == "x" * 11
    assert (site.log_dir / "worker.log").read_text() == "at work\n"


def test_a_log_that_cannot_be_put_aside_is_begun_anew_and_one_that_was_removed_is_no_fault(
    site, service, monkeypatch, wait_until
):
    def full(*_paths: object) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr("jikimi.fleet.services.child._LOG_MAX_BYTES", 10_000)
    monkeypatch.setattr("jikimi.fleet.services.supervisor._LOOK_S", 0.01)
    monkeypatch.setattr("jikimi.fleet.services.child.shutil.copyfile", full)
    log = site.log_dir / "worker.log"
    with Supervisor(site, [service("worker", _READY + "while True: print('x' * 99, flush=True)")]) as up:
        wait_until(_shrinking(log))
        log.unlink()
        assert not up.wait(0.1)


def test_a_log_that_grows_while_its_service_runs_is_kept_small(site, service, monkeypatch, wait_until):
    monkeypatch.setattr("jikimi.fleet.services.child._LOG_MAX_BYTES", 10_000)
    monkeypatch.setattr("jikimi.fleet.services.supervisor._LOOK_S", 0.01)
    talks = service("worker", _READY + "while True: print('x' * 99, flush=True)")
    with Supervisor(site, [talks]):
        wait_until((site.log_dir / "worker.log.1").exists)
        wait_until(lambda: (site.log_dir / "worker.log").stat().st_size > 0)
    assert set((site.log_dir / "worker.log").read_text()[:5000]) <= {"x", "\n"}


def test_a_fault_of_the_supervisor_itself_is_not_taken_for_success(site, service, monkeypatch):
    monkeypatch.setattr("threading.excepthook", lambda _args: None)
    faulty = Service("worker", ["true"], is_ready=lambda _pid: 1 / 0 > 0)
    with pytest.raises(ServiceError, match="the supervisor itself failed"):
        Supervisor(site, [faulty]).start()


def test_a_request_to_stop_while_starting_is_heeded(site, service):
    def never(_pid: int) -> bool:
        supervisor.request_stop()
        return False

    supervisor = Supervisor(site, [Service("slow", ["sleep", "3600"], never)])
    supervisor.start()
    supervisor.stop()
    assert [(status.pid, status.ready) for status in supervisor.status()] == [(None, False)]


def test_the_services_of_a_site_are_broker_ingest_delivery_and_page(site):
    assert [service.name for service in standard_services(site)] == ["broker", "ingest", "delivery", "upkeep", "web"]
    assert [service.name for service in standard_services(site, web=False)] == [
        "broker",
        "ingest",
        "delivery",
        "upkeep",
    ]


def test_a_service_that_is_not_installed_names_itself(site, quick_backoff):
    with pytest.raises(ServiceError, match=r"nonesuch\.log; its last line is .*No module named"):
        Supervisor(site, [python_service(site, "nonesuch")]).start()


def test_a_taken_port_is_named_before_anything_starts(site, other_site, wait_until):
    text = (site.path / "site.toml").read_text()
    (site.path / "site.toml").write_text(text.replace("mqtt_port = 0", f"mqtt_port = {other_site.ports().mqtt}"))
    with Supervisor(other_site, [broker_service(other_site)]):
        clashing = type(site).open(site.path)
        with pytest.raises(JikimiError, match=r"taken by another program: stop it, or set \[broker\] mqtt_port"):
            Supervisor(clashing, [broker_service(clashing)]).start()


def test_a_taken_port_of_the_page_is_named_before_it_starts(site):
    with socket.socket() as intruder:
        intruder.bind(("127.0.0.1", site.ports().web))
        intruder.listen()
        with pytest.raises(ServiceError, match=r"is taken by another program: .* \[web\] port"):
            Supervisor(site, [web_service(site)]).start()
    assert not (site.log_dir / "web.log").exists()


# The broker's store.


def test_kill_9_of_the_broker_in_a_burst_loses_no_acknowledged_message_and_no_retained_state(
    up, site, tag, connect, wait_until
):
    alarms, state = f"jk/site-a/{tag.device}/al", f"jk/site-a/{tag.device}/st"
    ingest = connect(clean=False)
    assert ingest.subscribe("jk/site-a/+/al")
    ingest.close()  # its persistent session collects from here on
    device = connect(tag)
    device.publish(state, b"online", retain=True)
    sent = {f"alarm {n}".encode() for n in range(2_000)}
    for payload in sent:
        device.client.publish(alarms, payload, 1)
    wait_until(lambda: len(device.published) > 500)
    os.kill(up.status()[0].pid, signal.SIGKILL)
    # The client sends again what was not acknowledged; what was acknowledged must be in the broker's store.
    wait_until(lambda: len(device.published) == len(sent) + 1)
    assert device.losses == 1
    again = connect(clean=False)
    wait_until(lambda: set(again.payloads(alarms)) == sent)
    assert again.subscribe("jk/site-a/+/st")
    wait_until(lambda: (state, b"online", True) in again.messages)


def test_clients_come_back_by_themselves_after_the_broker_was_killed(up, site, tag, connect, wait_until):
    device = connect(tag)
    os.kill(up.status()[0].pid, signal.SIGKILL)
    wait_until(lambda: device.connects == ["Success", "Success"])
    assert broker.running_pid(site) == up.status()[0].pid


# However the supervisor ends.

_RUN = """
import sys
from jikimi.fleet.services import Supervisor, broker_service
from jikimi.fleet.site import Site
site = Site.open(sys.argv[1])
with Supervisor(site, [broker_service(site)]) as up:
    print(up.status()[0].pid, flush=True)
    up.wait()
"""


def test_kill_9_of_the_supervisor_leaves_no_process_and_the_site_can_start_again(site, wait_until):
    with subprocess.Popen([sys.executable, "-c", _RUN, str(site.path)], stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        assert broker.running_pid(site) == pid
        supervisor.kill()
    wait_until(lambda: not _exists(pid))
    wait_until(lambda: is_free("127.0.0.1", site.ports().mqtt))
    with Supervisor(site, [broker_service(site)]) as again:
        assert again.status()[0].ready


def test_a_child_whose_parent_is_already_gone_does_not_start(tmp_path):
    launch = Path(broker.__file__).parents[1] / "services" / "launch.py"
    touched = tmp_path / "touched"
    result = subprocess.run([sys.executable, launch, "1", "touch", touched], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (1, "the supervisor is gone\n")
    assert not touched.exists()


def test_waiting_ends_with_false_when_all_is_well(site, steady):
    with Supervisor(site, [steady("worker")]) as up:
        start = time.monotonic()
        assert up.wait(0.05) is False
        assert time.monotonic() - start >= 0.05
