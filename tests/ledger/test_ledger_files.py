"""Files that are no ledger, or damaged, or cannot be written: one sentence that names the file, and nothing lost."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from shadowprice._errors import InputError, LedgerError, ShadowpriceError
from shadowprice.ledger import Ledger, Run, export_requests


def open_run(ledger: Ledger) -> Run:
    return ledger.open_run(budget=10_000, settings={}, fingerprint="f", resume=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger with a settled request and an open one."""
    path = tmp_path / "run.ledger"
    with Ledger(path) as ledger:
        run = open_run(ledger)
        run.reserve("a", 60)
        run.settle("a", 25, "finished", {"text": "kept"})
        run.reserve("b", 10)
    return path


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def refused(path: Path, *, read_only: bool = False) -> str:
    """Opening must be refused and must not change the file; returns what was said of it."""
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(InputError) as said:
        Ledger(path, read_only=read_only)
    assert before == (path.read_bytes() if path.is_file() else None)
    line = str(said.value)
    assert str(path) in line or repr(str(path)) in line
    assert line.endswith(".")
    assert "\n" not in line
    return line


BOTH = pytest.mark.parametrize("read_only", [False, True])


@BOTH
@pytest.mark.parametrize("content", [b"hello, I am a text", b"x" * 5000, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_file_that_is_not_sqlite(tmp_path: Path, content: bytes, read_only: bool) -> None:
    path = tmp_path / "l"
    path.write_bytes(content)
    assert f"{path} is not a ledger, it is no SQLite file; name the ledger of a run" in refused(
        path, read_only=read_only
    )
    assert [path] == list(tmp_path.iterdir())


@BOTH
def test_a_sqlite_file_of_another_program(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "l"
    change(path, "CREATE TABLE runs (id)", "INSERT INTO runs VALUES (1)")
    assert "is a SQLite file of another program, not a ledger" in refused(path, read_only=read_only)


@BOTH
def test_a_newer_version(path: Path, read_only: bool) -> None:
    change(path, "PRAGMA user_version = 3")
    assert (
        f"{path} has version 3 of the ledger's schema, and this shadowprice knows 2: upgrade shadowprice."
    ) == refused(path, read_only=read_only)
    change(path, "PRAGMA user_version = 1")
    assert "use the version that wrote it" in refused(path)


@BOTH
@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("DROP TABLE outcomes", "the index outcomes_by_reason, the table outcomes"),
        ("ALTER TABLE runs ADD COLUMN more TEXT", "the table runs"),
        ("CREATE TRIGGER t AFTER UPDATE ON runs BEGIN DELETE FROM outcomes; END", "the trigger t"),
    ],
)
def test_altered_tables(path: Path, read_only: bool, statement: str, complaint: str) -> None:
    change(path, statement)
    assert f"{path} was altered: {complaint} should not be as it is" in refused(path, read_only=read_only)


def test_an_index_of_other_hands_does_no_harm(path: Path) -> None:
    change(path, "CREATE INDEX mine ON attempts (state)", "ANALYZE")
    with Ledger(path) as ledger:
        assert 35 == open_run(ledger).totals().spent


def test_places_where_no_ledger_can_be(tmp_path: Path) -> None:
    assert f"{tmp_path} is a folder; name a file for the ledger." == refused(tmp_path)
    assert "there is no folder" in refused(tmp_path / "none" / "l")
    assert "no such file; name the ledger of a run" in refused(tmp_path / "l", read_only=True)
    assert f"{os.devnull} is no regular file; name a file for the ledger." == refused(Path(os.devnull))
    os.mkfifo(tmp_path / "fifo")
    assert "is no regular file" in refused(tmp_path / "fifo")
    (tmp_path / "file").touch()
    assert "Cannot" in refused(tmp_path / "file" / "l")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("x" * 300, "a\0b", "loop"):
        with pytest.raises(InputError, match="Cannot open"):
            Ledger(tmp_path / name)


def test_an_empty_file_becomes_a_ledger_but_is_none(tmp_path: Path) -> None:
    path = tmp_path / "l"
    path.touch()
    assert f"{path} holds no ledger, it is empty" in refused(path, read_only=True)
    with Ledger(path) as ledger:
        assert 0 == open_run(ledger).totals().spent


@pytest.mark.parametrize("name", ["a b?c#d%41.ledger", "ü日本", "-l", "file:x?mode=ro"])
def test_names_with_odd_letters(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Ledger(name) as ledger:
        open_run(ledger).reserve("a", 5)
    with Ledger(name, read_only=True) as ledger:
        assert 5 == ledger.totals().reserved
    assert [name] == [file.name for file in tmp_path.iterdir()]


@pytest.mark.parametrize("garbage", [b"", b"garbage", b"\0" * 40_000])
def test_a_garbage_log_beside_the_file(path: Path, garbage: bytes) -> None:
    path.with_name(f"{path.name}-wal").write_bytes(garbage)
    with Ledger(path) as ledger:
        assert (1, 10) == open_run(ledger).recovered
        assert [] == ledger.check()


def look_at_everything(path: Path, output: Path) -> None:
    with Ledger(path, read_only=True) as ledger:
        ledger.check()
        for info in ledger.runs():
            ledger.totals(info.name)
            list(ledger.outcomes(info.name))
            ledger.newest(info.name)
            ledger.attempts(info.name)
        export_requests(ledger, output)
    with Ledger(path) as ledger:
        run = open_run(ledger)
        run.reserve("b", 10)
        run.settle("b", 5, "finished")


def damage_and_look(path: Path, seed: int) -> None:
    rng = random.Random(seed)
    content = bytearray(path.read_bytes())
    if seed % 4 == 0:
        del content[rng.randrange(1, len(content)) :]
    else:
        for _ in range(rng.choice((1, 10, 200))):
            content[rng.randrange(len(content))] = rng.randrange(256)
    copy = path.with_name(f"copy{seed}")
    copy.write_bytes(content)
    try:
        look_at_everything(copy, path.with_name("rows.jsonl"))
    except ShadowpriceError as error:
        line = str(error)
        assert (True, True, False) == (str(copy) in line, line.endswith("."), "\n" in line), line


@pytest.mark.parametrize("seed", range(0, 100, 5))
def test_damage_anywhere_is_one_sentence(path: Path, seed: int) -> None:
    damage_and_look(path, seed)


@pytest.mark.slow
def test_much_damage_is_one_sentence(path: Path) -> None:
    for seed in range(1000, 1600):
        damage_and_look(path, seed)


def test_sums_that_were_changed_by_hand_are_found(path: Path) -> None:
    with Ledger(path) as ledger:
        assert [] == ledger.check()
    for statement, complaint in {
        "UPDATE runs SET spent = 20": "run run: 20 tokens are spent, 10 reserved, 0 ahead and 0 overrun by its totals, "
        "but not by its attempts",
        "UPDATE outcomes SET generated = 3": "request a: attempt 1 is settled, which does not fit its outcome",
        "DELETE FROM outcomes": "request a: attempt 1 is settled, which does not fit its outcome",
        "DELETE FROM attempts WHERE request = 'a'": "request a: its outcome cost 25 tokens that no attempt was charged",
        "UPDATE attempts SET attempt = 3 WHERE request = 'a'": "request a: it has 1 attempts, the last",
        "INSERT INTO attempts SELECT run, request, 2, holder, state, 5, 0, NULL, '', opened, NULL FROM attempts "
        "WHERE state = 'open'": "request b: 2 attempts are open",
        "UPDATE attempts SET holder = 9": "row None of attempts refers to a row of holders that is not there",
    }.items():
        copy = path.with_name("copy")
        shutil.copy(path, copy)
        change(copy, statement)
        with Ledger(copy, read_only=True) as ledger:
            assert any(complaint in line for line in ledger.check()), ledger.check()


def test_no_hand_can_make_a_run_exceed_its_budget(path: Path) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        change(path, "UPDATE runs SET reserved = 10000")


def test_a_ledger_from_elsewhere_cannot_make_us_delete_files(path: Path) -> None:
    victim = path.with_name(f"{path.name}-holder-x")
    victim.touch()
    (path.parent / "victim").touch()
    change(path, "UPDATE holders SET mark = 'x', closed = NULL", "UPDATE holders SET mark = '/../victim'")
    with Ledger(path) as ledger:
        assert (1, 10) == open_run(ledger).recovered
    assert victim.exists()
    assert (path.parent / "victim").exists()


def test_a_locked_file(path: Path) -> None:
    with Ledger(path, patience=0.05) as ledger:
        run = open_run(ledger)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(LedgerError) as said:
                run.reserve("c", 5)
            assert f"{path} is locked by another process: end the program that holds it, and go on." == str(said.value)
            assert 25 + 10 == run.totals().spent
            other.execute("ROLLBACK")
        assert 5 == run.reserve("c", 5).tokens


def test_a_full_disk_loses_nothing(path: Path) -> None:
    with Ledger(path) as ledger:
        run = open_run(ledger)
        pages = ledger._db.execute("PRAGMA page_count").fetchone()[0]
        ledger._db.execute(f"PRAGMA max_page_count = {pages}")
        run.reserve("c", 50)
        with pytest.raises(LedgerError, match="the disk is full: free some space, and go on; nothing is lost"):
            run.settle("c", 5, "finished", {"text": "x" * 100_000})
        with pytest.raises(LedgerError, match="part of a batch failed"), ledger.batch():
            run.reserve("d", 50)
            with pytest.raises(LedgerError, match="the disk is full"):
                run.settle("c", 5, "finished", {"text": "x" * 100_000})
            with pytest.raises(LedgerError, match="part of a batch failed, so none of it is kept; do it all again"):
                run.settle("d", 5, "finished")
            run.reserve("e", 5)
        assert (35, 50) == (run.totals().spent, run.totals().reserved)
        ledger._db.execute("PRAGMA max_page_count = 100000")
        run.settle("c", 5, "finished", {"text": "x" * 100_000})
        assert [] == ledger.check()
        assert 40 == run.totals().spent


def test_a_write_that_fails_loses_nothing(path: Path) -> None:
    program = """if True:
        import resource, sys
        from shadowprice.ledger import Ledger
        with Ledger(sys.argv[1]) as ledger:
            run = ledger.open_run(budget=10_000, settings={}, fingerprint="f", resume=True)
            resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
            try:
                for number in range(1000):
                    run.reserve(f"n{number}", 10)
                    run.settle(f"n{number}", 5, "finished", {"text": "x" * 3000})
                    print(number, flush=True)
            except Exception as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
        """
    ended = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    assert 0 == ended.returncode
    assert ended.stderr.startswith(f"LedgerError: {path} cannot ")
    assert ended.stderr.endswith("; nothing is lost.\n")
    done = len(ended.stdout.splitlines())
    assert 10 < done < 1000
    with Ledger(path) as ledger:
        run = open_run(ledger)
        assert {f"n{number}" for number in range(done)} <= run.outcomes().keys()
        assert [] == ledger.check()


@contextmanager
def somebody_else(folder: Path) -> Iterator[None]:
    """Acts as a user without rights on what root made; whoever runs the tests as a user has none anyway."""
    root = os.geteuid() == 0
    folder.chmod(0o555)
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter; pytest's own belong to one user."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_read_only_ledger_can_be_looked_at(path: Path, open_folder: Path) -> None:
    copy = open_folder / "l"
    shutil.copyfile(path, copy)
    copy.chmod(0o444)
    with somebody_else(open_folder):
        with Ledger(copy, read_only=True) as ledger:
            assert (25, 10) == (ledger.totals().spent, ledger.totals().reserved)
            assert [] == ledger.check()
        with pytest.raises(InputError, match=f"Cannot write {copy}: it or its folder is read-only; change that"):
            Ledger(copy)
    assert [copy] == list(open_folder.iterdir())


def test_a_folder_that_cannot_be_written(open_folder: Path) -> None:
    with somebody_else(open_folder), pytest.raises(InputError, match="that you can write to"):
        Ledger(open_folder / "l")


def test_a_file_that_cannot_be_read(path: Path, open_folder: Path) -> None:
    copy = open_folder / "l"
    shutil.copyfile(path, copy)
    copy.chmod(0o000)
    with somebody_else(open_folder), pytest.raises(InputError, match=f"Cannot read {copy}: permission denied"):
        Ledger(copy, read_only=True)


def test_a_crashed_ledger_in_a_read_only_folder(open_folder: Path, path: Path) -> None:
    copy = open_folder / "l"
    with Ledger(path) as ledger:
        open_run(ledger).reserve("c", 7)
        for file in path.parent.glob(f"{path.name}*"):
            shutil.copyfile(file, open_folder / file.name.replace(path.name, "l"))
    (open_folder / "l-shm").unlink()
    with somebody_else(open_folder), pytest.raises(InputError) as said:
        Ledger(copy, read_only=True).totals()
    assert str(copy) in str(said.value)
    assert "folder" in str(said.value)
