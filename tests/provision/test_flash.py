"""MicroPython onto chips: the real esptool against esp32-mock-bootloader, with a wire in between that can be bad."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pty
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from esp32_mock_bootloader import MockHandle, mock_bootloader  # type: ignore[import-untyped]

from jikimi.fleet.cli import cli
from jikimi.fleet.errors import ImageError
from jikimi.fleet.provision import flash as flash_module
from jikimi.fleet.provision import images
from jikimi.fleet.provision.flash import Flashed, flash

IMAGE = {"ESP32": bytes(range(256)) * 40, "ESP32-S3": bytes(reversed(range(256))) * 300}
_MD5_ANSWER = b"\xc0\x01\x13"  # SLIP, response, SPI_FLASH_MD5
_BEGIN_ANSWER = b"\xc0\x01\x10"  # FLASH_DEFL_BEGIN


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A list with an image for two chips."""
    text = ""
    for chip, data in IMAGE.items():
        (tmp_path / f"{chip}.bin").write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        text += f'[[image]]\nchip = "{chip}"\nfile = "{chip}.bin"\nsha256 = "{digest}"\n'
    path = tmp_path / "images.toml"
    path.write_text(text)
    return path


@contextmanager
def chip(kind: str) -> Iterator[MockHandle]:
    """A chip in its loader."""
    with mock_bootloader(kind) as handle:
        process = handle._session.proc
        yield handle
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()  # the package leaves it open


@contextmanager
def bad_wire(url: str, spoil: Callable[[bytes], bytes]) -> Iterator[str]:
    """A socket in front of the chip; `spoil` gets what the chip answers."""
    host, _, port = url.removeprefix("socket://").partition(":")
    listener = socket.create_server(("127.0.0.1", 0))

    def copy(source: socket.socket, sink: socket.socket, change: Callable[[bytes], bytes]) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(change(data))
        except OSError:
            pass  # the other end has gone: so does this one
        for end in (source, sink):
            end.close()

    def serve() -> None:
        try:
            near, _ = listener.accept()
        except OSError:
            return  # nobody came
        far = socket.create_connection((host, int(port)))
        back = threading.Thread(target=copy, args=(far, near, spoil), daemon=True)
        back.start()
        copy(near, far, lambda data: data)
        back.join()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"socket://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def _flash(ports: list[str], listed: Path, **options: object) -> list[Flashed]:
    choose = partial(images.for_chip, images.read_list(listed))
    return list(flash(ports, choose, **options))  # type: ignore[arg-type]


def test_each_chip_is_detected_and_gets_its_own_image_side_by_side(listed):
    shares: list[tuple[str, str]] = []
    with chip("esp32s3") as one, chip("esp32") as other:
        ports = [one.url(), other.url()]
        found = _flash(ports, listed, on_share=lambda port, step, _done, _all: shares.append((port, step)))
        by_port = {result.port: result for result in found}
    assert [by_port[port].chip for port in ports] == ["ESP32-S3", "ESP32"]
    assert [by_port[port].image for port in ports] == ["ESP32-S3.bin", "ESP32.bin"]
    assert {result.result for result in found} == {"pass"}
    assert {port for port, step in shares if step == "write"} == set(ports)


def test_what_reads_back_wrong_is_a_failure_of_that_port_alone(listed):
    def spoil(data: bytes) -> bytes:
        at = data.find(_MD5_ANSWER)
        return data if at < 0 else data[: at + 12] + bytes([data[at + 12] ^ 1]) + data[at + 13 :]

    with chip("esp32s3") as bad, chip("esp32s3") as good, bad_wire(bad.url(), spoil) as port:
        by_port = {result.port: result for result in _flash([port, good.url()], listed)}
    failed = by_port.pop(port)
    assert failed.result == "fail"
    assert "did not take the image" in failed.reason
    assert [result.result for result in by_port.values()] == ["pass"]


def test_a_chip_that_cannot_be_synchronised_with_is_named_with_what_to_do(listed, monkeypatch):
    monkeypatch.setattr(flash_module, "_ATTEMPTS", 1)
    with chip("esp32s3") as one, bad_wire(one.url(), lambda _data: b"") as port:
        (result,) = _flash([port], listed)
    assert result.result == "fail"
    assert result.reason.startswith(f"no chip answers at {port}")
    assert "hold the board's BOOT button" in result.reason


def test_synchronisation_lost_in_the_middle_of_writing_is_a_failure(listed):
    begun = threading.Event()

    def spoil(data: bytes) -> bytes:
        if _BEGIN_ANSWER in data:
            begun.set()
        return b"" if begun.is_set() else data

    with chip("esp32s3") as one, bad_wire(one.url(), spoil) as port:
        (result,) = _flash([port], listed)
    assert (result.result, result.chip) == ("fail", "ESP32-S3")
    assert "did not take the image" in result.reason


def test_an_image_for_another_chip_is_not_written(listed):
    image = images.named(images.read_list(listed), listed.parent / "ESP32.bin")
    with chip("esp32s3") as one:
        (result,) = list(flash([one.url()], lambda _chip: image))
    assert (result.result, result.chip) == ("fail", "ESP32-S3")
    assert result.reason == "ESP32.bin is for ESP32, the chip is ESP32-S3: nothing was written"


def test_a_chip_the_list_does_not_know_is_refused(listed):
    with chip("esp32c3") as one:
        (result,) = _flash([one.url()], listed)
    assert (result.result, result.chip) == ("fail", "ESP32-C3")
    assert "no image for ESP32-C3; it has ESP32, ESP32-S3" in result.reason


def test_a_file_that_was_changed_is_not_written(listed):
    path = listed.parent / "ESP32-S3.bin"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with chip("esp32s3") as one:
        (result,) = _flash([one.url()], listed)
    assert result.result == "fail"
    assert "fetch it again" in result.reason
    with pytest.raises(ImageError, match="not in the list"):
        images.named(images.read_list(listed), path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "lists no"),
        ("image = 1", "lists no"),
        ('[[image]]\nchip = "ESP32"\n', "exactly the keys"),
        ('[[image]]\nchip = "ESP32"\nfile = "x"\nsha256 = "00"\n', "64 hexadecimal digits"),
        ("[[image", "is not valid TOML"),
    ],
)
def test_a_wrong_list_is_refused(tmp_path, text, sentence):
    path = tmp_path / "images.toml"
    path.write_text(text)
    with pytest.raises(ImageError, match=sentence):
        images.read_list(path)


def test_the_command_says_one_line_for_each_chip_and_fails_when_one_failed(listed):
    with chip("esp32s3") as good, chip("esp32c3") as bad:
        arguments = ["device", "flash", "--images", str(listed), "--port", good.url(), "--port", bad.url(), "--json"]
        done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 1
    assert sorted(line.split('"result": "')[1][:4] for line in done.stdout.splitlines()) == ["fail", "pass"]


def test_on_a_terminal_the_reason_of_a_failure_stands_below_the_bars(listed):
    program = str(Path(sys.executable).with_name("jikimi"))
    command = [program, "device", "flash", "--images", str(listed), "--port", "/dev/nowhere"]
    screen, other_end = pty.openpty()
    done = subprocess.Popen(command, stdout=other_end, stderr=other_end, env={**os.environ, "TERM": "xterm"})
    os.close(other_end)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal's other end is closed
        while more := os.read(screen, 4096):
            shown += more
    os.close(screen)
    assert done.wait() == 1
    last = shown.decode().rstrip().splitlines()[-1]
    assert "is the board plugged in?" in last, shown
