"""The files of a device, and putting them onto a board."""

from __future__ import annotations

import json
import os
import signal
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import pytest

from jikimi.fleet.errors import BoardError
from jikimi.fleet.provision.usb import connected, install, read_file, run
from jikimi.fleet.virtual import image, written_out
from jikimi.fleet.virtual.compiler import compile_module
from jikimi.fleet.virtual.image import Tls
from tests.virtual.conftest import PATIENCE_S

TLS = Tls(ca=b"ca", cert=b"cert", key=b"key")


def test_an_image_has_the_code_the_core_the_settings_and_the_keys():
    files = image.device_image({"site": "지킴이"}, TLS)
    assert {"/main.py", "/config.json", "/tls/key.der", "/lib/jikimi/sigcore.mpy"} <= set(files)
    assert {"/lib/jikimi/wire/cbor.mpy", "/lib/jikimi/edge/drivers/lsm6dsox.mpy"} <= set(files)
    assert json.loads(files["/config.json"]) == {"site": "지킴이"}


def test_code_that_only_runs_on_cpython_stays_at_home():
    files = image.application()
    assert not {"/lib/jikimi/wire/host.mpy", "/lib/jikimi/edge/port_cpython.mpy"} & set(files)
    assert all(content[:1] == b"M" for path, content in files.items() if path.endswith(".mpy"))


def test_a_gateways_image_is_its_settings_alone():
    assert set(image.settings({}, TLS)) == {"/config.json", "/tls/ca.der", "/tls/cert.der", "/tls/key.der"}


def test_a_key_on_a_virtual_flash_is_readable_by_its_owner_only(tmp_path):
    image.write_image(image.settings({}, TLS), tmp_path)
    assert stat.S_IMODE((tmp_path / "tls" / "key.der").stat().st_mode) == 0o600


def test_a_key_is_not_part_of_what_an_error_prints():
    assert "key" not in repr(TLS)


def test_boards_side_by_side_share_one_compilation(monkeypatch):
    image._compiled.cache_clear()
    compiled = Mock(side_effect=written_out.application)
    monkeypatch.setattr(written_out, "application", compiled)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: image.application(), range(8)))
    assert compiled.call_count == 1
    assert all(one == found[0] for one in found)


def test_a_folder_that_is_not_the_application_is_refused(tmp_path):
    (tmp_path / "notes.py").touch()
    with pytest.raises(BoardError, match="no copy of jikimi/edge"):
        image.application(edge=tmp_path)


def test_code_that_does_not_compile_is_named(tmp_path):
    (tmp_path / "app.py").touch()
    (tmp_path / "bad.py").write_text("def :\n")
    with pytest.raises(BoardError, match=r"jikimi\.edge\.bad"):
        image.application(edge=tmp_path)
    with pytest.raises(BoardError, match=r"bad does not compile"):
        compile_module("bad", "async for x in y: pass\n")


def test_an_unknown_core_is_named():
    with pytest.raises(BoardError, match="mips"):
        image.application("mips")


FILES = {
    "/main.py": b"print('installed')\n",
    "/lib/deep/er/module.py": b"x = 1\n",
    "/data.bin": bytes(range(256)) * 40,
    "/empty": b"",
}


def test_an_installed_board_has_the_files_and_runs_main(blank):
    assert install(blank.port, FILES) == len(FILES)
    blank.wait_for("^installed", PATIENCE_S)
    assert {path: (blank.flash_dir / path[1:]).read_bytes() for path in FILES} == FILES


def test_installing_again_writes_only_what_differs(blank):
    install(blank.port, FILES)
    assert install(blank.port, FILES | {"/empty": b"not any more"}) == 1
    assert read_file(blank.port, "/empty") == b"not any more"


def test_main_is_written_last(blank):
    install(blank.port, FILES, reset=False)
    written = {path: (blank.flash_dir / path.lstrip("/")).stat().st_mtime_ns for path in FILES}
    assert max(written, key=lambda path: written[path]) == "/main.py"


def test_a_board_whose_application_runs_for_ever_can_be_installed_anew(boards):
    board = boards.add(files={"main.py": "import time\nprint('busy')\nwhile True: time.sleep_ms(1)\n"})
    board.wait_for("busy", PATIENCE_S)
    seen = board.console.count
    install(board.port, FILES)
    board.wait_for("^installed", PATIENCE_S, seen)


def test_code_can_be_run_and_its_error_comes_back(blank):
    assert run(blank.port, "print(6 * 7)") == "42\n"
    with pytest.raises(BoardError, match="ZeroDivisionError"):
        run(blank.port, "1 / 0")


def test_a_board_that_answers_late_is_waited_for(blank):
    with connected(blank.port) as board:
        os.kill(blank.pid, signal.SIGSTOP)
        going_on = threading.Timer(1.5, os.kill, (blank.pid, signal.SIGCONT))
        going_on.start()
        assert board.run("print(6 * 7)") == "42\n"
        going_on.join()


def test_a_port_that_is_not_there_is_named():
    with pytest.raises(BoardError, match="/dev/nowhere"):
        install("/dev/nowhere", FILES)
