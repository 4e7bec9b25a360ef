"""How far a command is: on a terminal that is resized, and in a log."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading

import pytest

from shadowprice.cli._progress import LogBar, progress_bar


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def log(total: float | None, note: str = "") -> tuple[LogBar, Clock, list[str]]:
    clock, lines = Clock(), list[str]()
    return LogBar("recording", total, note, clock=clock, write=lines.append), clock, lines


def test_a_log_gets_a_line_for_each_tenth() -> None:
    bar, clock, lines = log(100)
    for _ in range(100):
        clock.now += 1
        bar.advance(note="7 tokens/s")
    assert 8 == len(lines)  # and none before half a minute is over
    assert "recording: 30 of 100 (30%), 0:00:30, about 0:01:10 left, 7 tokens/s" == lines[0]
    assert "recording: 100 of 100 (100%), 0:01:40, 7 tokens/s" == lines[-1]


def test_short_work_leaves_a_log_alone() -> None:
    bar, clock, lines = log(100)
    for _ in range(100):
        clock.now += 0.29
        bar.advance()
        bar.beat()
    assert [] == lines


def test_work_without_steps_shows_every_half_minute_that_it_lives() -> None:
    bar, clock, lines = log(None, "fitting beliefs")
    for _ in range(18):
        clock.now += 5
        bar.beat()
    assert [f"recording: 0:0{time}, fitting beliefs" for time in ("0:30", "1:00", "1:30")] == lines
    bar.restart(10, "replaying")
    clock.now += 5
    bar.advance(2)
    assert "recording: 2 of 10 (20%), 0:01:35, about 0:00:20 left, replaying" == lines[-1]


def test_steps_that_are_announced_later_count() -> None:
    bar, clock, lines = log(None)
    bar.expect(4)
    bar.expect(4)
    clock.now = 40
    bar.advance(2)
    assert "recording: 2 of 8 (25%), 0:00:40, about 0:02:00 left" == lines[0]


def test_nothing_that_is_noted_is_obeyed() -> None:
    bar, clock, lines = log(1, "a\x1bb")
    clock.now = 30
    bar.show(0, {"": "c\x1bd"})
    bar.beat()
    assert "recording: 0 of 1 (0%), 0:00:30, c�d" == lines[0]


def test_files_get_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("recording", 3) as bar:
        bar.advance(3)
    assert "" == capsys.readouterr().err
    assert not [one for one in threading.enumerate() if "beat" in one.name]


SHOWN = """
import os
import sys
from shadowprice.cli._progress import progress_bar
lines = {"tokens": "1,440 of 4,000", "answered": "20 of 50 questions, 3 of them stopped", "right": "x" * 200}
with progress_bar("spending", 10, counts=False) as bar:
    for step in range(1, 11):
        bar.show(step, lines | {"tokens": f"{step} of 10"})
        os.write(1, b"%d\\n" % step)  # which is not redirected
        sys.stdin.readline()
"""


@pytest.mark.parametrize("widths", [(133, 60), (60, 80), (80, 60)])
def test_a_terminal_gets_a_line_per_thing_that_resizing_leaves_whole(widths: tuple[int, int]) -> None:
    master, slave = pty.openpty()

    def resize(width: int) -> None:
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))

    seen: list[bytes] = []

    def read() -> None:
        try:
            while part := os.read(master, 65536):
                seen.append(part)
        except OSError:
            return  # the other end is closed

    resize(widths[0])
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"TERM": "xterm"}
    reader = threading.Thread(target=read, daemon=True)
    with subprocess.Popen(
        [sys.executable, "-c", SHOWN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=slave,
        env=environment,
        text=True,
    ) as process:
        os.close(slave)
        reader.start()
        assert process.stdin is not None
        assert process.stdout is not None
        for step in range(1, 11):
            assert f"{step}\n" == process.stdout.readline()
            if step == 5:
                resize(widths[1])
            process.stdin.write("\n")
            process.stdin.flush()
    reader.join(20)
    os.close(master)
    assert 0 == process.returncode
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(seen).decode())
    lines = [line.rstrip() for line in re.split(r"[\r\n]+", text) if line.strip()]
    # No line is so long that a terminal of 60 columns would break it, before or after.
    assert max(map(len, lines)) <= 60
    assert {"spending", "tokens", "answered", "right"} == {line.split()[0] for line in lines}
    last = lines[-4:]
    assert "100 %" in last[0]
    assert ["tokens    10 of 10", "answered  20 of 50 questions, 3 of them stopped"] == [
        line.strip() for line in last[1:3]
    ]
    assert last[3].endswith("…")
