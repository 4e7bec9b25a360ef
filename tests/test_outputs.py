"""What is written: whole, where it was asked for, and never over what is read."""

import json
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shadowprice._atomic import check_writable, write_whole
from shadowprice._errors import InputError
from shadowprice._places import beside, check_places, is_same_file
from shadowprice.ledger import Ledger

Command = Callable[..., Any]


def _write(path: Path, text: str) -> None:
    with write_whole(path) as partial:
        partial.write_text(text)


def _read_in_background(path: Path) -> tuple[threading.Thread, list[bytes]]:
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(path.read_bytes()), daemon=True)
    reader.start()
    return reader, found


def test_a_fifo_is_written_into(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    check_writable(path)
    reader, found = _read_in_background(path)
    _write(path, "whole\n" * 50_000)
    reader.join(20)
    assert [b"whole\n" * 50_000] == found
    assert stat.S_ISFIFO(path.lstat().st_mode)
    assert ["fifo"] == [file.name for file in tmp_path.iterdir()]


def test_a_fifo_gets_nothing_of_what_went_wrong(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    with pytest.raises(ZeroDivisionError), write_whole(path) as partial:
        partial.write_text("half")
        raise ZeroDivisionError
    assert stat.S_ISFIFO(path.lstat().st_mode)


def test_a_device_stays_a_device(tmp_path: Path) -> None:
    path = tmp_path / "null"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        path.open("wb").close()
    except OSError:
        pytest.skip("needs the right to make devices")
    _write(path, "gone")
    assert stat.S_ISCHR(path.lstat().st_mode)


def test_stdout_goes_on_where_it_is(tmp_path: Path) -> None:
    code = (
        "from shadowprice._atomic import write_whole\n"
        "print('before')\n"
        "with write_whole('/dev/stdout') as partial:\n    partial.write_text('whole\\n')\n"
        "print('after')"
    )
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", code], stdout=out, check=True)
    assert "before\nwhole\nafter\n" == (tmp_path / "out").read_text()
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    assert b"before\nwhole\nafter\n" == done.stdout


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_is_written_through(tmp_path: Path, exists: bool) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    target, middle, link = folder / "target", folder / "middle", tmp_path / "link"
    middle.symlink_to("target")
    link.symlink_to(Path("folder") / "middle")
    if exists:
        target.write_text("old")
        target.chmod(0o640)
    check_writable(link)
    assert exists == target.exists()
    _write(link, "new")
    assert link.is_symlink()
    assert middle.is_symlink()
    assert "new" == target.read_text()
    assert not exists or 0o640 == stat.S_IMODE(target.stat().st_mode)
    assert {"folder", "link"} == {file.name for file in tmp_path.iterdir()}


def test_what_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    loop, lost, sock = tmp_path / "loop", tmp_path / "lost", tmp_path / "s"
    loop.symlink_to(loop)
    lost.symlink_to(tmp_path / "none" / "file")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(sock))
        for path, named in (
            (loop, "in a circle"),
            (lost, "No such file"),
            (sock, "it is a socket"),
            (tmp_path, "it is a folder"),
            (tmp_path / ("n" * 256), "File name too long"),
            (Path("/dev/null/x"), "Not a directory"),
            (Path("/dev/no-such-device"), "No such file"),
        ):
            with pytest.raises(InputError, match=named):
                check_writable(path)
            with pytest.raises(InputError, match=named):
                _write(path, "")
    assert {"loop", "lost", "s"} == {file.name for file in tmp_path.iterdir()}


def test_permissions_stay_and_other_names_keep_the_old_content(tmp_path: Path) -> None:
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_text("secret")
    path.chmod(0o600)
    other.hardlink_to(path)
    _write(path, "new")
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert ("new", "secret") == (path.read_text(), other.read_text())


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127, "🙂" * 63])
def test_the_longest_names_can_be_written(tmp_path: Path, name: str) -> None:
    _write(tmp_path / name, "x")
    assert [name] == [file.name for file in tmp_path.iterdir()]


def test_files_are_the_same_by_what_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here, hard, soft, folder = Path("a"), tmp_path / "hard", tmp_path / "soft", tmp_path / "folder"
    here.write_text("")
    hard.hardlink_to(here)
    soft.symlink_to("a")
    folder.symlink_to(".")
    (tmp_path / "dangling").symlink_to("new")
    for one, other in (
        (here, hard),
        (soft, hard),
        (here, folder / "a"),
        (Path("new"), folder / "new"),
        (Path("dangling"), tmp_path / "new"),
        (Path("none/x"), tmp_path / "none" / "x"),
    ):
        assert is_same_file(one, other)
        assert is_same_file(other, one)
    for one, other in ((here, Path("new")), (Path("new"), Path("news")), (Path("/dev/null"), Path("/dev/null"))):
        assert not is_same_file(one, other)


def test_the_sentence_names_both(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with pytest.raises(InputError, match=f"^--report and --output name the same file, {path}; give --report another"):
        check_places({"--output": path, "--none": None, "--report": path}, {"IN": tmp_path / "y"})
    with pytest.raises(InputError, match=r"^--output and IN name the same file"):
        check_places({"--output": path}, {"OTHER": None, "IN": str(path)})


def test_there_is_no_place_beside_a_device_or_a_long_name(tmp_path: Path) -> None:
    for path, named in (
        (Path("/dev/null"), "cannot lie beside /dev/null"),
        (tmp_path / ("n" * 249), "name of 256 bytes"),
    ):
        with pytest.raises(InputError, match=f"The ledger {named}|The ledger beside .*{named}"):
            beside(path, "{}.ledger", what="The ledger", advice="give another")


@pytest.fixture
def files(tmp_path: Path, sums_file: Path) -> dict[str, Path]:
    questions = tmp_path / "q.jsonl"
    questions.write_text('{"question": "Why?"}\n')
    found = {"q": questions, "new": tmp_path / "new", "x": tmp_path / "x.jsonl"}
    for name in ("t", "u"):
        found[name] = tmp_path / f"{name}.parquet"
        found[name].write_bytes(sums_file.read_bytes())
    found["books"] = tmp_path / "l.jsonl"
    with Ledger(found["books"]) as ledger:
        ledger.open_run(budget=5, settings={}, fingerprint="f")
    found["wal"] = tmp_path / "l.jsonl-wal"
    found["wal"].touch()
    found["link"] = tmp_path / "link.jsonl"
    found["link"].symlink_to("q.jsonl")
    found["batch"] = tmp_path / "b.jsonl"
    found["batch"].write_text(json.dumps({"custom_id": "q1", "response": {"body": {"choices": []}}}))
    return found


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("run q --policy uniform --budget 9 -o q", "--output and QUESTIONS"),
        ("run q --policy uniform --budget 9 -o link", "--output and QUESTIONS"),
        ("run q --policy uniform --budget 9 -o x --ledger x", "--ledger and --output"),
        ("run q --policy uniform --budget 9 -o wal --ledger books", "the file -wal of --ledger and --output"),
        ("run q --policy uniform --budget 9 -o x --ledger q", "--ledger and QUESTIONS"),
        ("run q --predictor t --budget 9 -o t", "--output and --predictor"),
        ("run q --policy uniform --budget 9 --model t -o t", "--output and --model"),
        ("run q --policy uniform --budget 9 -o x --report q", "--report and QUESTIONS"),
        ("run q --policy uniform --budget 9 -o x --report x", "--report and --output"),
        ("run q --policy uniform --budget 9 -o x --ledger books --report books", "--report and --ledger"),
        (
            "run q --policy uniform --budget 9 -o x --ledger books --report wal",
            "--report and the file -wal of --ledger",
        ),
        ("run q --predictor t --budget 9 -o x --report t", "--report and --predictor"),
        ("record q -o q", "--output and TASKS"),
        ("record q -o link", "--output and TASKS"),
        ("import t -o t", "--output and LOGS (1 of 1)"),
        ("import batch --questions q -o q", "--output and --questions"),
        ("fit t -o t", "--output and TRACES"),
        ("fit t --beside u --report u", "--report and --beside (1)"),
        ("fit t --exclude q -o q", "--output and --exclude"),
        ("fit t -o x --report x", "--report and --output"),
        ("fit t --check u --report u", "--report and --check"),
        ("bench t --json t", "--json and TRACES"),
        ("bench t --json x --report x", "--report and --json"),
        ("bench t --learn-from u --report u", "--report and --learn-from"),
        ("bench t --tale u --json u", "--json and --tale"),
        ("allocate q --policy uniform --budget 9 -o q", "--output and QUESTIONS"),
        ("ledger export books -o books", "--output and FILE"),
        ("ledger export books -o wal", "--output and the file -wal of FILE"),
    ],
)
def test_no_command_writes_over_what_it_reads(
    shadowprice: Command, files: dict[str, Path], tmp_path: Path, command: str, named: str
) -> None:
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    said = shadowprice(*(files.get(word, word) for word in command.split()))
    assert 2 == said.code
    (line,) = said.err.splitlines()
    assert line.startswith(f"error: {named} name the same file, "), line
    assert before == {file: file.read_bytes() for file in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("run q --policy uniform --budget 9 -o /dev/null", "The ledger cannot lie beside /dev/null"),
        ("record q -o /dev/null --engine http://127.0.0.1:9 --model m", "cannot"),
        ("run q --policy uniform --budget 9 -o LONG", "The ledger beside "),
        ("run q --policy uniform --budget 9 -o x --ledger LONGER", "--ledger: a name of 270 bytes is too long"),
        ("run LONGER --policy uniform --budget 9 -o x", "File name too long"),
        ("record q -o LONG", "The journal beside "),
        ("record q -o LONGER", "--output: a name of 270 bytes"),
        ("allocate q --policy uniform --budget 9 -o LONGER", "--output: a name of 270 bytes"),
        ("questions -o LONGER", "--output: a name of 270 bytes"),
        ("demo --report LONGER", "--report: a name of 270 bytes"),
        ("ledger export books -o LONGER", "--output: a name of 270 bytes"),
        ("bench t --json LONGER", "--json: a name of 270 bytes"),
    ],
)
def test_devices_and_long_names(
    shadowprice: Command, files: dict[str, Path], tmp_path: Path, command: str, named: str
) -> None:
    files |= {"LONG": tmp_path / f"{'n' * 245}.jsonl", "LONGER": tmp_path / f"{'n' * 264}.jsonl"}
    said = shadowprice(*(files.get(word, word) for word in command.split()))
    assert 2 == said.code
    (line,) = said.err.splitlines()
    assert named in line


def test_a_command_writes_into_a_fifo(shadowprice: Command, files: dict[str, Path], tmp_path: Path) -> None:
    fifo = tmp_path / "plan.jsonl"
    os.mkfifo(fifo)
    reader, found = _read_in_background(fifo)
    assert 0 == shadowprice("allocate", files["q"], "--policy", "uniform", "--budget", "9", "-o", fifo).code
    reader.join(20)
    assert 9 == json.loads(found[0])["tokens"]
    assert stat.S_ISFIFO(fifo.lstat().st_mode)


def test_a_descriptor_that_nobody_gave_us_is_not_written_to(tmp_path: Path) -> None:
    # It might be a ledger that this program has opened itself.
    with (tmp_path / "books").open("wb+") as books:
        with pytest.raises(InputError, match="it was not open when this program began"):
            check_writable(f"/dev/fd/{books.fileno()}")
        books.seek(0)
        assert b"" == books.read()
