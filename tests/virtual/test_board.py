# mypy: allow-untyped-calls
"""A virtual board from outside: its port, its resets, its flash."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jikimi.fleet.errors import BoardError
from jikimi.fleet.virtual import link
from jikimi.fleet.virtual.interpreter import EMULATION_HEAP_BYTES
from tests.virtual.conftest import PATIENCE_S, PROMPT, alive, until

COUNT_BOOTS = (
    "import machine\nmemory = machine.RTC().memory()\nmachine.RTC().memory(b'kept')\n"
    "print('cause', machine.reset_cause(), 'memory', memory)\n"
)


def cause(board, number, since=0):
    """Wait for the boot with this reset cause; what the RTC memory held then."""
    return board.wait_for(rf"^cause {number} memory (\S+)", PATIENCE_S, since)[1]


# Tools at the port.


def test_a_blank_board_is_a_prompt(blank):
    assert blank.lines()[0].startswith("MicroPython ")


def test_mpremote_runs_code_and_copies_files_both_ways(blank, mpremote, tmp_path):
    content = bytes(range(256)) * 20
    (tmp_path / "there.bin").write_bytes(content)
    mpremote(blank, "fs", "cp", str(tmp_path / "there.bin"), ":here.bin")
    assert (blank.flash_dir / "here.bin").read_bytes() == content
    mpremote(blank, "fs", "cp", ":here.bin", str(tmp_path / "back.bin"))
    assert (tmp_path / "back.bin").read_bytes() == content
    assert mpremote(blank, "exec", "import os; print(os.stat('/here.bin')[6])") == "5120\n"


def test_mpremote_runs_a_local_script_and_mounts_a_local_folder(blank, mpremote, tmp_path):
    (tmp_path / "script.py").write_text("import sys\nprint(sys.implementation.name)\n")
    assert mpremote(blank, "run", str(tmp_path / "script.py")) == "micropython\n"
    assert "import-me" in mpremote(blank, "mount", str(_with_module(tmp_path)), "exec", "import mounted")


def _with_module(folder):
    (folder / "mounted.py").write_text("print('import-me')\n")
    return folder


def test_flash_is_the_root_directory_and_the_emulated_modules_are_read_only_files_beside_it(blank, mpremote):
    blank.flash_dir.joinpath("mine.txt").write_text("x")
    assert mpremote(blank, "exec", "import os; print(sorted(os.listdir('/')))") == "['mine.txt', 'rom']\n"
    assert mpremote(blank, "exec", "print(open('/mine.txt').read())") == "x\n"


def test_a_file_can_be_renamed_by_absolute_and_by_relative_paths(boards):
    source = (
        "import os\nos.mkdir('/d')\nopen('/a', 'w').close()\nos.rename('/a', '/d/b')\nos.chdir('/d')\n"
        "os.rename('b', 'c')\nos.rename('c', '/e')\nprint(os.getcwd(), os.listdir('/d'), os.stat('/e')[6])\n"
    )
    boards.add(files={"main.py": source}).wait_for(r"^/d \[\] 0", PATIENCE_S)


def test_a_module_on_the_flash_replaces_an_emulated_one_as_on_a_real_board(boards, mpremote):
    board = boards.add(files={"esp32.py": "mine = True\n"})
    assert mpremote(board, "exec", "import esp32; print(esp32.mine)") == "True\n"


def test_the_heap_is_as_small_as_a_chips(boards, mpremote):
    board = boards.add(heap_bytes=96 * 1024)
    free = int(mpremote(board, "exec", "import gc; gc.collect(); print(gc.mem_free())"))
    assert 48 * 1024 < free < 96 * 1024


def test_what_the_emulation_takes_of_the_heap_is_within_its_allowance(boards, mpremote):
    measure = "import gc, asyncio; gc.collect(); print(gc.mem_alloc())"
    interpreter = str(Path(sys.executable).with_name("micropython"))
    bare = subprocess.run([interpreter, "-c", measure], capture_output=True, text=True, check=True).stdout
    use = (
        "import machine, bluetooth, network, esp32\nb = bluetooth.BLE(); b.active(True); b.irq(print)\n"
        "parts = [machine.UART(1), machine.I2C(0), machine.ADC(1), machine.PWM(5), network.WLAN(), esp32.NVS('a')]\n"
    )
    emulated = mpremote(boards.add(), "exec", use + measure)
    assert 0 < int(emulated) - int(bare) < EMULATION_HEAP_BYTES


def test_boot_and_main_run_in_order_in_the_prompts_name_space(boards, mpremote):
    board = boards.add(files={"boot.py": "a = 1\nprint('boot', a)\n", "main.py": "a += 1\nprint('main', a)\n"})
    board.wait_for("^main 2", PATIENCE_S)
    assert board.lines()[:2] == ["boot 1", "main 2"]
    assert mpremote(board, "resume", "exec", "print(a)") == "2\n"


def test_an_error_in_main_is_printed_with_its_file_and_line_and_leaves_a_prompt(boards):
    board = boards.add(files={"main.py": "x = 1\nx / 0\n"})
    board.wait_for(PROMPT, PATIENCE_S)
    said = "\n".join(board.lines())
    assert re.search(r'File "/?main.py", line 2', said)
    assert "ZeroDivisionError" in said


def test_ctrl_c_stops_main_and_leaves_its_variables_at_the_prompt(boards, mpremote):
    board = boards.add(files={"main.py": "import time\nn = 7\nprint('running')\nwhile True: time.sleep(60)\n"})
    board.wait_for("running", PATIENCE_S)
    assert mpremote(board, "resume", "exec", "print(n)") == "7\n"
    assert board.boots == 1


def test_many_interrupts_in_a_row_do_not_hurt(boards, mpremote):
    board = boards.add(files={"main.py": "print('running')\nwhile True: pass\n"})
    board.wait_for("running", PATIENCE_S)
    with Path(board.port).open("wb", buffering=0) as port:
        port.write(b"\x03" * 50)
    assert mpremote(board, "resume", "exec", "print('fine')") == "fine\n"
    assert board.boots == 1


def test_lines_end_in_carriage_return_and_newline_at_the_port_as_on_a_real_board(boards):
    board = boards.add(files={"main.py": "input()\nprint('a\\nb')\n"})
    with Path(board.port).open("r+b", buffering=0) as port:
        port.write(b"\r")
        seen = b""
        while b"b\r\n" not in seen:
            seen += port.read(100)
    assert b"a\r\nb\r\n" in seen


def test_output_nobody_reads_is_dropped_and_never_stops_the_board(boards):
    source = "for n in range(3000):\n    print('line', n, 'x' * 60)\nprint('finished')\n"
    board = boards.add(files={"main.py": source})
    board.wait_for("^finished", PATIENCE_S)
    assert len([line for line in board.lines() if line.startswith("line")]) == 3000


def test_the_log_file_has_every_line_of_every_run(boards):
    board = boards.add(files={"main.py": "print('one more')\n"})
    board.wait_for("one more", PATIENCE_S)
    board.wait_for(PROMPT, PATIENCE_S)
    board.reset()
    until(lambda: board.console.log_path.read_text().count("one more") == 2, "the second run's line")


# Resets.


def test_power_up_loses_memory_and_keeps_flash(boards):
    board = boards.add(files={"main.py": COUNT_BOOTS})
    assert cause(board, link.PWRON_RESET) == "b''"
    board.stop()
    assert board.pid is None
    seen = board.console.count
    board.start()
    assert cause(board, link.PWRON_RESET, seen) == "b''"


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("import machine; machine.reset()", link.HARD_RESET),
        ("import machine; machine.soft_reset()", link.SOFT_RESET),
        ("import machine; machine.deepsleep(50)", link.DEEPSLEEP_RESET),
        ("import machine; machine.WDT(timeout=50)\nwhile True: pass", link.WDT_RESET),
        ("import sys; sys.exit()", link.SOFT_RESET),
        ("import os; os.system('kill -SEGV $PPID')", link.HARD_RESET),
    ],
)
def test_each_kind_of_reset_starts_the_board_again_with_its_cause_and_its_rtc_memory(boards, code, number):
    # Once only: the second boot must not do it again.
    once = f"if machine.reset_cause() == {link.PWRON_RESET}:\n" + "\n".join(f"    {line}" for line in code.split("\n"))
    board = boards.add(files={"main.py": COUNT_BOOTS + once + "\n"})
    assert cause(board, number) == "b'kept'"


def test_the_reset_button_restarts_a_board_that_hangs(boards):
    board = boards.add(files={"main.py": COUNT_BOOTS + "while True: pass\n"})
    cause(board, link.PWRON_RESET)
    board.reset()
    cause(board, link.HARD_RESET)


def test_a_fed_watchdog_does_not_bite(boards):
    source = (
        "import machine, time\nw = machine.WDT(timeout=2000)\n"
        "for _ in range(30):\n    w.feed()\n    time.sleep_ms(100)\nprint('lived')\nwhile True: pass\n"
    )
    board = boards.add(files={"main.py": source})
    board.wait_for("lived", PATIENCE_S)
    assert board.boots == 1
    until(lambda: board.boots == 2, "the watchdog bites a loop that does not feed it")


def test_ctrl_c_that_meets_the_thread_of_a_timer_ends_the_program_and_not_the_timer(boards):
    source = (
        "import machine, time\nticks = 0\ndef tick(t):\n    global ticks\n    ticks += 1\n"
        "timer = machine.Timer(0)\ntimer.init(period=5, callback=tick)\n"
        # Not before the thread ticks: MicroPython itself dies of a signal that meets a thread while that starts.
        "try:\n    while not ticks: time.sleep_ms(5)\n    print('runs')\n    while True: time.sleep_ms(5)\n"
        "except KeyboardInterrupt:\n    seen = ticks\n    while ticks < seen + 3: time.sleep_ms(5)\n"
        "    print('ended')\n"
    )
    board = boards.add(files={"main.py": source})
    board.wait_for("^runs", PATIENCE_S)
    (thread,) = (int(task.name) for task in Path(f"/proc/{board.pid}/task").iterdir() if int(task.name) != board.pid)
    assert ctypes.CDLL(None).tgkill(board.pid, thread, signal.SIGINT) == 0
    board.wait_for("^ended", PATIENCE_S)


def test_ctrl_d_at_the_prompt_is_a_soft_reset_that_runs_main(boards):
    board = boards.add(files={"main.py": COUNT_BOOTS})
    board.wait_for(PROMPT, PATIENCE_S)
    with Path(board.port).open("wb", buffering=0) as port:
        port.write(b"\x04")
    board.wait_for("MPY: soft reboot", PATIENCE_S)
    assert cause(board, link.SOFT_RESET) == "b'kept'"


def test_a_soft_reset_from_the_raw_repl_runs_boot_but_not_main(boards, mpremote):
    board = boards.add(files={"boot.py": "print('boot ran')\n", "main.py": "print('main ran')\n"})
    board.wait_for("main ran", PATIENCE_S)
    seen = board.console.count
    mpremote(board, "soft-reset")
    said = "\n".join(board.lines(seen))
    assert "boot ran" in said
    assert "main ran" not in said


def test_mpremote_reset_runs_main_again(boards, mpremote):
    board = boards.add(files={"main.py": COUNT_BOOTS})
    board.wait_for(PROMPT, PATIENCE_S)
    mpremote(board, "reset")
    cause(board, link.HARD_RESET)


def test_the_port_stays_the_same_through_resets_and_power_cycles(blank):
    before = blank.port
    blank.reset()
    blank.stop()
    blank.start()
    assert blank.port == before


def test_input_sent_while_the_board_boots_is_not_lost(blank):
    seen = blank.console.count
    blank.stop()
    blank.start()
    with Path(blank.port).open("wb", buffering=0) as port:
        port.write(b"print('early', 6 * 7)\r")
    blank.wait_for("^early 42", PATIENCE_S, seen)


# Violence.


def test_kill_dash_nine_from_outside_is_a_crash_and_the_board_comes_back(boards):
    board = boards.add(files={"main.py": COUNT_BOOTS + "while True: pass\n"})
    cause(board, link.PWRON_RESET)
    victim = board.pid
    assert victim is not None
    os.kill(victim, signal.SIGKILL)
    assert cause(board, link.HARD_RESET) == "b'kept'"
    assert not alive(victim)


def test_cutting_the_power_ends_the_process_at_once_and_the_board_stays_off(boards):
    board = boards.add(files={"main.py": COUNT_BOOTS})
    cause(board, link.PWRON_RESET)
    victim = board.pid
    board.kill()
    assert victim is not None
    assert not alive(victim)
    with pytest.raises(BoardError, match="off"):
        board.reset()


def test_a_file_flushed_before_the_power_was_cut_is_there_afterwards(boards):
    source = "f = open('/log', 'a')\nf.write('durable')\nf.flush()\nprint('written')\nwhile True: pass\n"
    board = boards.add(files={"main.py": source})
    board.wait_for("written", PATIENCE_S)
    board.kill()
    assert (board.flash_dir / "log").read_text() == "durable"


def test_a_board_that_crashes_at_every_start_slows_down(boards):
    board = boards.add(files={"main.py": "import os\nos.system('kill -SEGV $PPID')\n"})
    until(lambda: board.boots >= 3, "three starts")
    crashed = [line for line in board.lines() if "SIGSEGV" in line]
    assert len(crashed) >= 2
    assert board.boots < 20


def test_outputs_are_recorded_with_their_time_and_fall_when_the_board_is_reset(boards):
    source = (
        "import machine\nmachine.Pin(4, machine.Pin.OUT).on()\n"
        "machine.PWM(machine.Pin(5), freq=2700, duty_u16=65535)\nmachine.unique_id()\nprint('on')\n"
    )
    board = boards.add("loud", {"main.py": source})
    board.wait_for("^on", PATIENCE_S)
    assert [(o.name, o.level, o.freq_hz) for o in boards.world.outputs("loud")] == [
        ("haptic", 1.0, 0),
        ("buzzer", 1.0, 2700),
    ]
    board.kill()
    last = {o.name: o.level for o in boards.world.outputs("loud")}
    assert last == {"haptic": 0.0, "buzzer": 0.0}
    times = [o.t_s for o in boards.world.outputs("loud")]
    assert times == sorted(times)


def test_a_board_that_is_off_is_not_heard_and_its_module_does_not_answer(boards):
    source = (
        "import bluetooth\nb = bluetooth.BLE()\nb.active(True)\n"
        "b.gap_advertise(30_000, b'here', connectable=False)\nprint('sending')\n"
    )
    board = boards.add("sender", {"main.py": source})
    board.wait_for("sending", PATIENCE_S)
    board.kill()
    assert boards.world.do(lambda: boards.world.air.station("sender").advert_task) is None
    assert not boards.world.do(lambda: boards.world.hardware("sender").uwb.is_tag)


# Faults are parameters.


def test_a_sensor_that_naks_raises_enodev_and_comes_back_when_the_fault_is_gone(boards, mpremote):
    board = boards.add("chip")
    code = "import machine\ntry: print(machine.I2C(0).readfrom_mem(0x6A, 15, 1))\nexcept OSError as e: print(e.errno)"
    boards.world.faults("chip").imu_nak = True
    assert mpremote(board, "exec", code) == "19\n"
    boards.world.faults("chip").imu_nak = False
    assert mpremote(board, "exec", code) == "b'l'\n"


def test_wifi_that_is_down_never_connects(boards, mpremote):
    board = boards.add("chip")
    boards.world.faults("chip").wifi_down = True
    code = "import network\nw = network.WLAN()\nw.active(True)\nw.connect('a', 'b')\nprint(w.status(), w.isconnected())"
    assert mpremote(board, "exec", code) == "201 False\n"


def test_a_low_battery_is_seen_at_the_converter(boards, mpremote):
    board = boards.add("chip")
    boards.world.set_battery("chip", 3300)
    microvolts = int(mpremote(board, "exec", "import machine; print(machine.ADC(1).read_uv())"))
    assert abs(microvolts - 1_650_000) < 20_000


RANGE = (
    "import asyncio, machine\nu = machine.UART(1, 115200, timeout=0)\n"
    "async def main():\n    r = asyncio.StreamReader(u)\n    {body}\nasyncio.run(main())\n"
)


def test_an_anchor_ranges_a_tag_and_the_tag_gets_the_anchors_payload(boards):
    listen = "u.write(b'AT+ADDRESS=TAG00001\\r\\n')\n    for _ in range(3): print('tag', await r.readline())"
    ask = (
        "u.write(b'AT+MODE=1\\r\\nAT+ANCHOR_SEND=TAG00001,4,L2D9\\r\\n')\n"
        "    for _ in range(3): print('anchor', await r.readline())"
    )
    tag = boards.add("tag", {"main.py": RANGE.format(body=listen)})
    tag.wait_for(r"OK", PATIENCE_S)
    anchor = boards.add("anchor", {"main.py": RANGE.format(body=ask)})
    anchor.wait_for(r"^anchor b'\+ANCHOR_RCV=TAG00001,0,,100 cm", PATIENCE_S)
    tag.wait_for(r"^tag b'\+TAG_RCV=4,L2D9", PATIENCE_S)


def test_garbage_on_the_uart_reaches_the_program_and_goes_with_the_fault(boards, mpremote):
    board = boards.add("chip")
    ask = (
        "import machine, time\nu = machine.UART(1, timeout=300)\nu.write(b'\\r\\n')\nu.read()\n"
        "u.write(b'AT\\r\\n')\nprint(u.read())\n"
    )
    boards.world.faults("chip").uart_garbage = 1.0
    assert mpremote(board, "exec", ask) != "b'+OK\\r\\n'\n"
    boards.world.faults("chip").uart_garbage = 0.0
    mpremote(board, "exec", ask)  # flushes what the garbage left in the module's line
    assert mpremote(board, "exec", ask) == "b'+OK\\r\\n'\n"
