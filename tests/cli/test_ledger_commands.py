import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from shadowprice.ledger import Ledger

Command = Callable[..., Any]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two settled requests, one reserved, and one that has failed once."""
    path = tmp_path / "run.ledger"
    with Ledger(path) as ledger:
        run = ledger.open_run(budget=1000, settings={"policy": "uniform", "api_key": "hunter2"}, fingerprint="f00d")
        for request in ("a", "b", "c", "d"):
            run.reserve(request, 100)
        run.settle("a", 40, "finished", {"answer": "42", "correct": True, "text": "It is\n[bold]42 \x1b[31m日本"})
        run.settle("b", 130, "cut off", {"answer": None, "correct": False, "text": "x" * 500})
        run.charge("d", 10, "timed out")
    return path


def test_show_prints_totals_reasons_and_rows(shadowprice: Command, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    said = shadowprice("ledger", "show", path)
    assert 0 == said.code
    for number in ("1000", "180", "100", "720", "30"):
        assert number in said.out
    assert "cut off: 1  finished: 1" in said.out
    assert "It is [bold]42" in said.out
    assert "\x1b" not in said.out
    assert f"{path} holds 1 run; consistent.\n" == said.err
    assert "hunter2" not in said.out


def test_each_row_is_one_line(shadowprice: Command, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = shadowprice("ledger", "show", path).out.partition("newest of 2")[2].strip().splitlines()
    assert 4 == len(lines)  # names, a rule, two rows
    assert all(len(line) <= 80 for line in lines)
    assert [" b ", " a "] == [re.findall(r" [ab] ", line)[0] for line in lines[2:]]


def test_show_prints_json(shadowprice: Command, path: Path) -> None:
    said = shadowprice("ledger", "show", path, "--json")
    assert (0, "") == (said.code, said.err)
    data = json.loads(said.out)
    assert (str(path), True, []) == (data["ledger"], data["consistent"], data["errors"])
    (run,) = data["runs"]
    expected = {
        "name": "run", "budget": 1000, "spent": 180, "reserved": 100, "available": 720, "overrun": 30, "lost": 0,
        "settled": 2, "open": 1, "reasons": {"cut off": 1, "finished": 1}, "fingerprint": "f00d",
        "settings": {"policy": "uniform", "api_key": "(not kept)"},
    }  # fmt: skip
    assert expected == {name: run[name] for name in expected}
    assert ["b", "a"] == [row["request"] for row in run["newest"]]


def test_show_says_what_is_not_consistent(shadowprice: Command, path: Path) -> None:
    with Ledger(path) as ledger:
        ledger._db.execute("UPDATE runs SET spent = 1")
    said = shadowprice("ledger", "show", path, "--json")
    assert 5 == said.code
    data = json.loads(said.out)
    assert not data["consistent"]
    assert data["errors"][0].startswith(
        "run run: 1 tokens are spent, 100 reserved, 0 ahead and 30 overrun by its totals"
    )
    assert said.err.startswith(f"error: {path} is not consistent: run run: 1 tokens are spent")
    assert "NOT consistent" in shadowprice("ledger", "show", path).err


def test_show_an_empty_ledger(shadowprice: Command, tmp_path: Path) -> None:
    Ledger(tmp_path / "l").close()
    assert f"{tmp_path / 'l'} holds 0 runs; consistent.\n" == shadowprice("ledger", "show", tmp_path / "l").err


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])
def test_export(shadowprice: Command, path: Path, tmp_path: Path, ending: str) -> None:
    output = tmp_path / f"rows{ending}"
    said = shadowprice("ledger", "export", path, "-o", output)
    assert (0, "", f"4 rows written to {output}.\n") == said
    if ending == ".jsonl":
        rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
        assert "42" == rows[0]["payload"]["answer"]
    elif ending == ".csv":
        with output.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert "42" == json.loads(rows[0]["payload"])["answer"]
    else:
        rows = pq.read_table(output).to_pylist()
        assert "42" == json.loads(rows[0]["payload"])["answer"]
    table = [(row["request"], row["state"], int(row["reserved"]), int(row["charged"])) for row in rows]
    assert [("a", "settled", 0, 40), ("b", "settled", 0, 130), ("c", "open", 100, 0), ("d", "waiting", 0, 10)] == table


def test_export_of_half_a_letter(shadowprice: Command, tmp_path: Path) -> None:
    path, output = tmp_path / "l", tmp_path / "rows.jsonl"
    with Ledger(path) as ledger:
        run = ledger.open_run(budget=1000, settings={}, fingerprint="f")
        run.settle("é", 0, "abandoned", {"text": "\ud83d"})
        run.settle("ü", 0, "abandoned", {"text": "ü"})
    assert 0 == shadowprice("ledger", "export", path, "-o", output).code
    text = output.read_text(encoding="utf-8")
    assert ["\ufffd", "ü"] == [json.loads(line)["payload"]["text"] for line in text.splitlines()]
    assert '"ü"' in text


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("show", "none"), "none: no such file; name the ledger of a run."),
        (("show", "text"), "text is not a ledger, it is no SQLite file"),
        (("export", "run.ledger", "-o", "rows.txt"), "Cannot tell how to write rows.txt; end its name in .jsonl, .csv"),
        (("export", "run.ledger", "-o", "none/rows.csv"), "Cannot write none/rows.csv: "),
        (("export", "run.ledger", "-o", "rows.csv", "--run", "x"), "run.ledger has no run 'x'; it has 'run'."),
        (("export", "run.ledger"), "Missing option '-o'"),
    ],
)
def test_refusals(
    shadowprice: Command, path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], complaint: str
) -> None:
    monkeypatch.chdir(path.parent)
    Path("text").write_text("hello")
    said = shadowprice("ledger", *arguments)
    assert (2, "") == (said.code, said.out)
    (line,) = said.err.splitlines()
    assert line.startswith(f"error: {complaint}")
    assert {"run.ledger", "text"} == {file.name for file in path.parent.iterdir()}
