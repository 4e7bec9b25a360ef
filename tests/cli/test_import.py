"""`shadowprice import`: logs in, traces out, and a word on what was left out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shadowprice.traces import read_sweeps, read_traces

Command = Callable[..., Any]

DATA = Path(__file__).parents[1] / "traces" / "data"
EVAL = DATA / "inspect-sums.eval"
(SAMPLES,) = DATA.glob("samples_*.jsonl")


def test_help_has_examples(shadowprice: Command) -> None:
    said = shadowprice("import", "--help")
    assert (0, "") == (said.code, said.err)
    assert "Examples:" in said.out
    assert "shadowprice import logs/*.eval -o traces.parquet" in " ".join(said.out.split())
    assert max(map(len, said.out.splitlines())) <= 110
    assert "  import " in shadowprice("--help").out


def test_the_summary_as_json(shadowprice: Command, tmp_path: Path) -> None:
    target = tmp_path / "t.parquet"
    said = shadowprice("import", EVAL, SAMPLES, "--model", "smollm2", "-o", target, "--json")
    assert (0, "") == (said.code, said.err)
    summary = json.loads(said.out)
    traces = read_traces(target)
    assert (summary["kind"], summary["output"]) == ("traces", str(target))
    assert (6, 9, 1) == (summary["questions"], summary["replies"], summary["right"])
    assert summary["tokens"] == traces.completion_tokens.sum()
    assert 3 == summary["tokens_estimated"]
    first, second = summary["logs"]
    assert (str(EVAL), "inspect", 6, {}) == tuple(first[name] for name in ("path", "format", "imported", "skipped"))
    assert ("lm-eval", 3) == (second["format"], second["imported"])
    assert [3] == list(second["skipped"].values())


def test_the_table_says_what_was_left_out(
    shadowprice: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    said = shadowprice("import", SAMPLES, "-o", tmp_path / "t.parquet")
    assert (0, "") == (said.code, said.out)
    head, _, first, second, last, alike = said.err.splitlines()
    assert alike.startswith("No reply is right")
    assert ["log", "format", "imported", "skipped"] == head.split()[:4]
    assert [SAMPLES.name, "lm-eval", "3", "3"] == first.split()[:4]
    assert "the same reply under the filter 'flexible-extract' (--filter takes it instead)" in first
    assert "token counts of 3 replies are estimates, see --chars-per-token" == second.strip()
    assert f"3 replies to 3 questions, 0% right, written to {tmp_path / 't.parquet'}." == last


def test_a_log_of_which_nothing_is_left_out(shadowprice: Command, sums_file: Path, tmp_path: Path) -> None:
    said = shadowprice("import", sums_file, "-o", tmp_path / "t.parquet")
    assert [sums_file.name, "traces", "180", "0"] == said.err.splitlines()[2].split()


def test_names_from_a_log_are_no_markup(shadowprice: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "samples_a.jsonl"
    path.write_text(SAMPLES.read_text(encoding="utf-8").replace("flexible-extract", "[/red]"), encoding="utf-8")
    said = shadowprice("import", path, "-o", tmp_path / "t.parquet")
    assert (0, "") == (said.code, said.out)
    assert "under the filter '[/red]'" in said.err


def test_a_sweep_stays_a_sweep(shadowprice: Command, tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("query_id,budget,correct,samples\na,64,1,4\na,128,3,4\n")
    summary = json.loads(shadowprice("import", path, "-o", tmp_path / "s.parquet", "--json").out)
    assert ("sweep", 1, 2, 8, 4) == tuple(summary[key] for key in ("kind", "questions", "budgets", "replies", "right"))
    assert [1, 3] == read_sweeps(tmp_path / "s.parquet").right.tolist()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("none.eval",), "error: none.eval: no such file; check the path."),
        ((EVAL, EVAL), f"error: {EVAL} is given twice; give every log once."),
        ((EVAL, "--grader", "x"), "error: There is no grader 'x'"),
        ((EVAL, "--metric", "x"), f"error: {EVAL}: there is no score 'x'; choose --metric from match."),
        ((EVAL, "--chars-per-token", "0"), "error: A token of 0 characters cannot be"),
        ((EVAL, "--format", "lm-eval"), f"error: {EVAL}, line 1: not UTF-8 text"),
        ((EVAL, SAMPLES), f"error: {SAMPLES}, line 1: the model is "),
    ],
)
def test_nothing_is_written_of_what_cannot_be_read(
    shadowprice: Command, tmp_path: Path, arguments: tuple[Any, ...], complaint: str
) -> None:
    if SAMPLES in arguments:  # beside it lies what names its model
        assert (DATA / SAMPLES.name.replace("samples_sums_local", "results").replace("jsonl", "json")).is_file()
    said = shadowprice("import", *arguments, "-o", tmp_path / "t.parquet")
    assert (2, "") == (said.code, said.out)
    (line,) = said.err.splitlines()
    assert line.startswith(complaint)
    assert [] == list(tmp_path.iterdir())


def test_a_log_is_not_overwritten(shadowprice: Command, tmp_path: Path) -> None:
    path = tmp_path / "a.eval"
    path.write_bytes(EVAL.read_bytes())
    said = shadowprice("import", path, "-o", path)
    assert (2, f"error: --output and LOGS (1 of 1) name the same file, {path}; give --output another one.\n") == (
        said.code,
        said.err,
    )
    assert path.read_bytes() == EVAL.read_bytes()


@pytest.mark.model
@pytest.mark.usefixtures("smollm2")
def test_what_run_wrote_is_imported_with_its_questions(shadowprice: Command, tmp_path: Path) -> None:
    asked, answers, target = tmp_path / "q.jsonl", tmp_path / "a.jsonl", tmp_path / "t.parquet"
    lines = [
        {"query_id": f"{n}+1", "question": f"What is {n} + 1?", "gold": str(n + 1), "tier": "easy"} for n in (1, 7)
    ]
    asked.write_text("".join(json.dumps(line) + "\n" for line in lines))
    said = shadowprice("run", asked, "--policy", "uniform", "--budget", "60", "-o", answers, "--json")
    assert 0 == said.code, said.err
    summary = json.loads(said.out)
    said = shadowprice("import", answers, "--questions", asked, "-o", target, "--json")
    assert 0 == said.code, said.err
    imported = json.loads(said.out)
    assert (summary["spent"], summary["right"]) == (imported["tokens"], imported["right"])
    traces = read_traces(target)
    assert ["What is 1 + 1?", "What is 7 + 1?"] == sorted(traces.questions)
    assert ["easy", "easy"] == traces.tiers


def test_columns_of_a_table_are_named(shadowprice: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "a.csv").write_text("q,said,ok\n1 + 1?,Answer: 2,yes\n")
    out = tmp_path / "t.parquet"
    done = shadowprice(
        "import", str(tmp_path / "a.csv"), "-o", str(out), "--columns", "question=q, reply=said,correct=ok"
    )
    assert done.code == 0
    assert "columns taken: question=q, reply=said, correct=ok" in done.err
    done = shadowprice("import", str(tmp_path / "a.csv"), "-o", str(out), "--columns", "said")
    assert done.code == 2
    assert "--columns: 'said' names no column; write question=NAME" in done.err


def test_verdicts_that_are_all_alike_are_said(shadowprice: Command, tmp_path: Path) -> None:
    log = tmp_path / "a.csv"
    for reply, sentence in (
        ("3", "No reply is right, so there is nothing to learn"),
        ("2", "All replies are right, so"),
    ):
        log.write_text(f"question,reply,gold\n1 + 1?,Answer: {reply},2\n")
        said = shadowprice("import", log, "-o", tmp_path / "t.parquet")
        assert said.code == 0
        assert said.err.splitlines()[-1].startswith(sentence)


def test_estimated_tokens_are_named_wherever_they_are_spent(shadowprice: Command, tmp_path: Path) -> None:
    log, traces, report = (tmp_path / name for name in ("a.jsonl", "t.parquet", "r.html"))
    rows = [
        {"question": f"{n} + 1?", "reply": "We add. " * (n % 7) + f"It is {n + n % 3}.", "gold": n} for n in range(12)
    ]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert shadowprice("import", log, "-o", traces, "--chars-per-token", "3").code == 0
    assert read_traces(traces).token_unit == "3 characters, estimated"
    said = shadowprice("bench", traces, "--policies", "uniform,oracle", "--seeds", "1", "--report", report)
    assert said.code == 0
    assert f"{traces} counts tokens of 3 characters, estimated, and so do all budgets." in said.err.replace("\n", " ")
    assert "Tokens of 3 characters, estimated." in report.read_text(encoding="utf-8")
    log.write_text("".join(json.dumps(row | {"tokens": 9}) + "\n" for row in rows))
    assert shadowprice("import", log, "-o", traces).code == 0
    assert read_traces(traces).token_unit == ""
