"""`shadowprice fit`: what it prints and writes, and whether a check finds drift where there is some."""

import contextlib
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shadowprice import __version__
from shadowprice.beliefs import (
    MEASURES,
    OutcomePredictor,
    RunningPredictor,
    ThresholdPredictor,
    load_predictor,
    read_predictor,
)
from shadowprice.cli import main
from shadowprice.traces import read_traces, write_traces

Command = Callable[..., Any]


def run(*arguments: object) -> tuple[int, str, str]:
    """The command line in this process, for fixtures that outlive a test."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr(sys, "argv", ["shadowprice", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
    return int(end.value.code or 0), out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fit")


@pytest.fixture(scope="module")
def half(sums_file: Path, folder: Path) -> dict[str, Path]:
    """The traces in two halves of 45 questions each, with a model's name and a token unit."""
    table = pq.read_table(sums_file)
    table = table.append_column("model", pa.array(["m-1"] * table.num_rows))
    table = table.replace_schema_metadata({"token_unit": "o200k"})
    number = np.array([int(name.split("/")[1]) for name in table["query_id"].to_pylist()])
    paths = {}
    for name, rows in (("even", number % 2 == 0), ("odd", number % 2 == 1)):
        paths[name] = folder / f"{name}.parquet"
        write_traces(table.filter(pa.array(rows)), paths[name])
    return paths


@pytest.fixture(scope="module")
def fitted(half: dict[str, Path], folder: Path) -> tuple[dict[str, Any], Path, str, str]:
    """JSON, predictor file, report and stderr of one fit."""
    path, report = folder / "p.shadow", folder / "fit.html"
    code, out, err = run("fit", half["even"], "-o", path, "--report", report, "--budgets", "16,64", "--json")
    assert 0 == code
    return json.loads(out), path, report.read_text(encoding="utf-8"), err


Fitted = tuple[dict[str, Any], Path, str, str]


def test_the_json_says_how_good_it_is(fitted: Fitted, half: dict[str, Path]) -> None:
    data, path, _, err = fitted
    assert (data["traces"], data["predictor"], data["folds"], data["seed"]) == (str(half["even"]), "outcome", 2, 0)
    assert (data["queries"], data["replies"]) == (45, 90)
    assert set(MEASURES) <= set(data["scores"])
    assert data["scores"]["auc"]["low"] < data["scores"]["auc"]["value"] < data["scores"]["auc"]["high"]
    assert data["scores"]["auc"]["value"] == pytest.approx(data["auc"], abs=0.2)  # by outcome, and by threshold
    assert [16, 64] == [row["budget"] for row in data["budgets"]]
    for row in data["budgets"]:
        assert 0 <= row["low"] <= row["measured"] <= row["high"] <= 100
    assert err.splitlines()[0] == f"Predictor written to {path}."


def test_the_file_says_what_it_was_fitted_on(fitted: Fitted) -> None:
    data, path, _, _ = fitted
    predictor, card = load_predictor(path)
    assert isinstance(predictor, OutcomePredictor)
    assert (card.traces, card.model, card.queries, card.replies) == ("even.parquet", "m-1", 45, 90)
    assert (card.version, card.kind, card.token_unit) == (__version__, "outcome", "o200k")
    outcomes = predictor.predict(["x"]).outcomes
    assert outcomes is not None
    assert card.grid == tuple(outcomes.tokens)
    assert card.horizon == data["scores"]["horizon"]
    assert card.scores["brier"] == tuple(data["scores"]["brier"][name] for name in ("value", "low", "high"))
    reference = read_predictor(path).reference
    assert reference is not None
    assert 45 == len(reference.questions)


def test_the_report_is_one_file_for_any_screen(fitted: Fitted, half: dict[str, Path]) -> None:
    report = fitted[2]
    assert 4 == report.count("<svg")
    assert "https://" not in report
    assert 0 == len(re.findall(r'(?:src|href)="(?!#)', report))
    assert "<script" not in report
    assert "prefers-color-scheme: dark" in report
    assert 'name="viewport"' in report
    assert f"shadowprice fit {half['even']} -o" in report
    assert f"shadowprice {__version__}" in report
    for label, _ in MEASURES.values():
        assert f"<td>{label}</td>" in report


def test_the_table_and_the_papers_predictor(shadowprice: Command, sums_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.shadow"
    said = shadowprice("fit", sums_file, "--predictor", "threshold", "-o", path, "--folds", "3")
    assert (0, f"Predictor written to {path}.\n") == (said.code, said.err)
    assert "threshold predictor on unseen questions, 3-fold" in said.out
    assert all(label in said.out for label, _ in MEASURES.values())
    assert "Spearman" in said.out
    assert "same cap for all" in said.out
    predictor, card = load_predictor(path)
    assert isinstance(predictor, ThresholdPredictor)
    assert ("threshold", (), "", "") == (card.kind, card.grid, card.model, card.token_unit)


def check(*arguments: object) -> tuple[int, dict[str, Any]]:
    code, out, _ = run(*arguments, "--json")
    return code, json.loads(out)


def test_other_questions_of_the_same_kind_are_no_drift(fitted: Fitted, half: dict[str, Path], tmp_path: Path) -> None:
    report = tmp_path / "check.html"
    code, out, err = run("fit", half["odd"], "--check", fitted[1], "--report", report)
    assert (0, f"Report written to {report}.\n") == (code, err)
    assert "Not drifted: the questions are like those it was fitted on, and its beliefs hold." in out
    assert "Nothing to do; check again when" in out
    page = report.read_text(encoding="utf-8")
    assert "<h1>Not drifted" in page
    assert "https://" not in page


def test_the_questions_of_the_fit_flatter(fitted: Fitted, half: dict[str, Path], sums_file: Path) -> None:
    code, data = check("fit", half["even"], "--check", fitted[1])
    assert (0, 45, True) == (code, data["seen"], data["flattered"])
    # With enough others, they are left out.
    code, data = check("fit", sums_file, "--check", fitted[1])
    assert (0, 45, 45, False) == (code, data["seen"], data["questions"], data["flattered"])
    assert "which flatters it: check it on others." in run("fit", half["even"], "--check", fitted[1])[2]


def test_names_are_printed_as_they_are(fitted: Fitted, half: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "[bold] & [red].parquet"
    write_traces(read_traces(half["odd"]).table, path)
    code, out, _ = run("fit", path, "--check", fitted[1], "--report", tmp_path / "r.html")
    assert 0 == code
    assert "[bold] & [red].parquet" in " ".join(out.split())
    assert "[bold] &amp; [red].parquet" in (tmp_path / "r.html").read_text(encoding="utf-8")


def changed(source: Path, target: Path, **columns: Any) -> Path:
    """A copy of traces with some columns made by functions of the old ones."""
    table = read_traces(source).table
    for name, make in columns.items():
        place = table.column_names.index(name)
        values = pa.array(make(table[name].to_pylist()), table.schema.field(name).type)
        table = table.set_column(place, table.schema.field(name), values)
    write_traces(table, target)
    return target


def drifted(data: dict[str, Any]) -> set[str]:
    return {finding["name"] for finding in data["findings"] if finding["drifted"]}


def test_other_questions_are_drift(fitted: Fitted, half: dict[str, Path], tmp_path: Path) -> None:
    def translate(questions: list[str]) -> list[str]:
        return [question.replace("What is", "Bitte berechne nun").replace("plus", "und") for question in questions]

    path = changed(half["odd"], tmp_path / "t.parquet", question=translate)
    code, data = check("fit", path, "--check", fitted[1])
    assert (1, True) == (code, data["drifted"])
    assert "unknown words" in drifted(data)
    assert data["verdict"].startswith("Drifted: ")


def test_a_model_that_has_become_worse_is_drift(fitted: Fitted, half: dict[str, Path], tmp_path: Path) -> None:
    path = changed(half["odd"], tmp_path / "t.parquet", correct=lambda right: [False] * len(right))
    code, data = check("fit", path, "--check", fitted[1])
    assert (1, {"calibration"}) == (code, drifted(data))
    assert "Fit it again with these traces" in data["advice"]


def test_a_model_that_is_right_on_other_questions_is_drift(
    fitted: Fitted, half: dict[str, Path], tmp_path: Path
) -> None:
    path = changed(half["odd"], tmp_path / "t.parquet", correct=lambda right: [not one for one in right])
    code, data = check("fit", path, "--check", fitted[1])
    assert 1 == code
    assert "AUC" in drifted(data)


def test_another_model_is_drift_and_another_token_is_an_error(
    fitted: Fitted, half: dict[str, Path], tmp_path: Path
) -> None:
    path = changed(half["odd"], tmp_path / "t.parquet", model=lambda names: ["m-2"] * len(names))
    code, data = check("fit", path, "--check", fitted[1])
    assert (1, {"model"}) == (code, drifted(data))
    table = pq.read_table(half["odd"]).replace_schema_metadata({"token_unit": "llama"})
    write_traces(table, tmp_path / "u.parquet")
    code, out, err = run("fit", tmp_path / "u.parquet", "--check", fitted[1])
    assert (2, "") == (code, out)
    assert err == "error: The predictor counts tokens of o200k, the traces those of llama; fit one on them.\n"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--check", "none.shadow"), "none.shadow: no such file; make a predictor with"),
        (("--check", "p", "-o", "q.shadow"), "--check fits nothing; leave out --output"),
        (("--check", "p", "--predictor", "outcome"), "--check fits nothing; leave out --output"),
        (("--predictor", "crystal-ball"), "There is no predictor 'crystal-ball'; choose from outcome, threshold."),
        (("-o", "none/p.shadow"), "Cannot write none/p.shadow: No such file or directory; choose a folder"),
        (("-o", "."), "Cannot write .: it is a folder; give a file name."),
        (("--report", "none/r.html"), "Cannot write none/r.html: No such file"),
        (("--budgets", "0,5"), "A budget of 0 tokens per query buys nothing"),
        (("--folds", "91"), "Cannot split 90 different questions into 91 folds"),
        (("--running",), "keeps no texts of replies (column `completion`); leave out --running."),
    ],
)
def test_what_is_refused_before_the_fit(
    shadowprice: Command, sums_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: Any, complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    said = shadowprice("fit", sums_file, *options)
    assert (2, "") == (said.code, said.out)
    assert complaint in said.err
    assert 1 == len(said.err.splitlines())
    assert [] == list(tmp_path.iterdir())


def test_traces_without_a_right_reply_are_refused(
    shadowprice: Command, trace_table: Callable[..., pa.Table], tmp_path: Path
) -> None:
    write_traces(trace_table(correct=[False] * 3), tmp_path / "t.parquet")
    said = shadowprice("fit", tmp_path / "t.parquet")
    assert (2, "") == (said.code, said.out)
    assert said.err.startswith("error: No reply in these traces is right, so beliefs cannot be scored")


@pytest.mark.slow
def test_traces_with_texts_also_teach_what_replies_say_on_the_way(
    shadowprice: Command, half: dict[str, Path], tmp_path: Path
) -> None:
    table, path = pq.read_table(half["even"]), tmp_path / "t.parquet"
    texts = [f"Let me see. {'and so ' * tokens} it is." for tokens in table["answer_tokens"].to_pylist()]
    write_traces(table.append_column("completion", pa.array(texts)), path)
    said = shadowprice("fit", path, "-o", tmp_path / "p.shadow", "--json")
    assert json.loads(said.out)["running"] is True
    assert isinstance(read_predictor(tmp_path / "p.shadow").running, RunningPredictor)
    said = shadowprice("fit", path, "-o", tmp_path / "q.shadow", "--json", "--no-running")
    assert json.loads(said.out)["running"] is False
    assert read_predictor(tmp_path / "q.shadow").running is None
    assert "--running goes with --predictor outcome" in (
        shadowprice("fit", path, "--running", "--predictor", "threshold").err
    )


@pytest.mark.slow
def test_other_models_replies_stand_on_the_card_and_count_as_seen(half: dict[str, Path], folder: Path) -> None:
    path, report = folder / "beside.shadow", folder / "beside.html"
    code, out, _ = run("fit", half["even"], "--beside", half["odd"], "--no-running", "-o", path, "--report", report)
    assert 0 == code
    assert "beside odd.parquet" in " ".join(out.split())
    assert "beside odd.parquet: 45 questions" in report.read_text(encoding="utf-8")
    _, card = load_predictor(path)
    assert (("odd.parquet",), 45) == (card.beside, card.queries)
    reference = read_predictor(path).reference
    assert reference is not None
    assert 90 == len(reference.questions)
    code, _, err = run("fit", half["even"], "--beside", "missing.parquet")
    assert 2 == code
    assert "missing.parquet" in err


def test_excluded_questions_are_left_out_of_the_others_too(half: dict[str, Path], folder: Path) -> None:
    questions = read_traces(half["odd"]).questions[:20]
    excluded = folder / "odd.jsonl"
    excluded.write_text(
        "".join(json.dumps({"id": f"q{n}", "question": text, "answer": "1"}) + "\n" for n, text in enumerate(questions))
    )
    path = folder / "excluded.shadow"
    options = ("--beside", half["odd"], "--exclude", excluded, "--predictor", "threshold", "-o", path)
    code, _, err = run("fit", half["even"], *options)
    assert 0 == code, err
    reference = read_predictor(path).reference
    assert reference is not None
    assert 45 + 25 == len(reference.questions)
