import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shadowprice import __version__
from shadowprice._tokens import parse_budget
from shadowprice.beliefs import ThresholdPredictor, load_predictor
from shadowprice.cli._options import parse_budgets
from shadowprice.ledger import Ledger
from shadowprice.tasks import read_questions
from shadowprice.traces import read_traces, write_traces

Command = Callable[..., Any]
COMMANDS = ("demo", "questions", "record", "import", "fit", "allocate", "run", "serve", "bench", "replay-traffic")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(shadowprice: Command, command: str) -> None:
    said = shadowprice(command, "--help")
    assert (0, "") == (said.code, said.err)
    assert "Examples:" in said.out
    assert any(line.strip().startswith(f"shadowprice {command}") for line in said.out.splitlines())
    assert max(map(len, said.out.splitlines())) <= 110


@pytest.mark.parametrize("command", ["pull", "list", "path", "serve"])
def test_help_of_the_model_commands_has_examples(shadowprice: Command, command: str) -> None:
    assert f"shadowprice model {command}" in shadowprice("model", command, "--help").out
    assert "Examples:" in shadowprice("model", "--help").out


@pytest.mark.parametrize("command", ["show", "export"])
def test_help_of_the_ledger_commands_has_examples(shadowprice: Command, command: str) -> None:
    assert f"shadowprice ledger {command}" in shadowprice("ledger", command, "--help").out
    assert "Examples:" in shadowprice("ledger", "--help").out


def test_help_names_all_commands(shadowprice: Command) -> None:
    said = shadowprice("--help")
    assert 0 == said.code
    assert all(f"  {command} " in said.out for command in (*COMMANDS, "model", "ledger"))
    assert 2 == shadowprice().code


def test_the_version(shadowprice: Command) -> None:
    assert shadowprice("--version").out == __version__ + "\n"


@pytest.mark.parametrize(
    ("text", "tokens"), [("4000", 4000), ("4k", 4000), ("1.5M", 1_500_000), (" 2 G ", 2 * 10**9), ("0", 0)]
)
def test_budgets_in_words(text: str, tokens: int) -> None:
    assert tokens == parse_budget(text)


def test_lists_of_budgets() -> None:
    assert [64, 1000] == parse_budgets("64, 1k,")
    assert [] == parse_budgets(None)


BENCH = ("--budgets", "16,64", "--streams", "balanced,u-shaped", "--seeds", "2")


def test_bench_prints_json(shadowprice: Command, sums_file: Path) -> None:
    said = shadowprice("bench", sums_file, *BENCH, "--json", "-")
    assert 0 == said.code
    data = json.loads(said.out)
    assert (data["schema_version"], data["traces"], data["accounting"]) == (2, str(sums_file), "allocated")
    assert 2 * 2 * 7 == len(data["rows"])


def test_bench_writes_json_and_a_report_and_prints_the_table(
    shadowprice: Command, sums_file: Path, tmp_path: Path
) -> None:
    table, report = tmp_path / "t.json", tmp_path / "r.html"
    said = shadowprice("bench", sums_file, *BENCH, "--json", table, "--report", report)
    assert 0 == said.code
    assert "clear-lambert" in said.out
    assert f"Report written to {report}." == said.err.splitlines()[0]
    assert f"Result written to {table}." == said.err.splitlines()[-1]
    printed = shadowprice("bench", sums_file, *BENCH, "--json", "-").out
    assert json.loads(table.read_text(encoding="utf-8")) == json.loads(printed)
    assert f"shadowprice bench {sums_file} --budgets 16,64" in report.read_text(encoding="utf-8")


def test_bench_with_both_accountings_is_two_results(shadowprice: Command, sums_file: Path) -> None:
    few = ("--policies", "clear-lambert,index,oracle")
    said = shadowprice("bench", sums_file, *BENCH, *few, "--accounting", "both", "--json", "-")
    assert ["allocated", "generated"] == [data["accounting"] for data in json.loads(said.out)]


def test_bench_has_a_second_table_for_live_traffic(
    shadowprice: Command, sums_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shadowprice.cli._bench._DAY", {"days": ["stationary"], "arrivals": 60, "windows": 3})
    few = ("--policies", "uniform,oracle", "--online")
    said = shadowprice("bench", sums_file, *BENCH, *few, "--json", tmp_path / "t.json")
    assert 0 == said.code, said.err
    assert said.out.index("balanced") < said.out.index("stationary, 60 queries in 3 windows") < said.out.index("batch")
    data = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert 2 * 2 * 2 == len(data["bench"]["rows"])
    assert {(row["day"], row["budget"]) for row in data["online"]["rows"]} == {
        ("stationary", share) for share in (0.15, 0.3, 0.6)
    }


def test_bench_learns_beside_other_models_and_with_a_reader(shadowprice: Command, sums_file: Path) -> None:
    few = ("--policies", "uniform,clear-lambert,oracle")
    alone, beside = (
        json.loads(shadowprice("bench", sums_file, *BENCH, *few, *more, "--json", "-").out)["rows"]
        for more in ((), ("--beside", sums_file))
    )
    assert [row["policy"] for row in alone] == [row["policy"] for row in beside]
    assert alone != beside
    said = shadowprice("bench", sums_file, *BENCH, "--encoder", "bert")
    assert (2, "error: There is no encoder 'bert'; leave it out, or choose smollm2 or sentence.") == (
        said.code,
        said.err.strip(),
    )


@pytest.mark.model
def test_bench_reads_each_question_once(
    shadowprice: Command, sums_file: Path, smollm2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert smollm2.is_file()
    monkeypatch.setattr("shadowprice.beliefs.encoders._kept_vectors.vectors_folder", lambda: tmp_path / "kept")
    few = tmp_path / "few.parquet"
    write_traces(read_traces(sums_file).table.slice(0, 2 * 24), few)
    options = ("--streams", "balanced", "--budgets", "16", "--policies", "clear-lambert", "--seeds", "1")
    said = shadowprice("bench", few, *options, "--encoder", "smollm2", "--json", "-")
    assert 0 == said.code, said.err
    with sqlite3.connect(next((tmp_path / "kept").iterdir())) as kept:
        # And the empty one, by which the reader is tried.
        assert [(24 + 1,)] == kept.execute("SELECT COUNT(*) FROM vectors").fetchall()


def test_fit_prints_json_and_writes_a_predictor(shadowprice: Command, sums_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.shadow"
    said = shadowprice("fit", sums_file, "--predictor", "threshold", "-o", path, "--json")
    assert 0 == said.code
    data = json.loads(said.out)
    assert (data["traces"], data["queries"], data["replies"]) == (str(sums_file), 90, 180)
    assert data["spearman"] > 0.8
    assert {"scale", "alpha", "beta"} == set(data["surge"])
    predictor, card = load_predictor(path)
    assert (card.traces, card.queries, card.replies, card.version) == (sums_file.name, 90, 180, __version__)
    assert isinstance(predictor, ThresholdPredictor)
    assert data["surge"]["beta"] == predictor.surge_.beta
    assert f"Predictor written to {path}.\n" == said.err


def test_fit_leaves_excluded_questions_out(shadowprice: Command, sums_file: Path, tmp_path: Path) -> None:
    some = tmp_path / "some.jsonl"
    texts = read_traces(sums_file).questions[:20]
    some.write_text("".join(json.dumps({"question": text}) + "\n" for text in texts), encoding="utf-8")
    said = shadowprice("fit", sums_file, "--predictor", "threshold", "--exclude", some, "--json")
    assert 70 == json.loads(said.out)["queries"]


def test_questions_are_written(shadowprice: Command, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    said = shadowprice("questions", "gcd", "-n", "3", "-o", path)
    assert (0, "", f"3 questions written to {path}.\n") == (said.code, said.out, said.err)
    assert ["gcd/0", "gcd/1", "gcd/2"] == [question.query_id for question in read_questions(path)]


@pytest.mark.model
def test_recording_fitting_and_running_with_the_real_model(shadowprice: Command, smollm2: Path, tmp_path: Path) -> None:
    questions, traces, output = tmp_path / "q.jsonl", tmp_path / "t.parquet", tmp_path / "out.jsonl"
    questions.write_text(
        "".join(f'{{"question": "What is {number} + 1?", "gold": "{number + 1}"}}\n' for number in range(3))
    )
    short = ("--samples", "1", "--max-tokens", "12", "--concurrency", "3", "--json")
    recorded = json.loads(shadowprice("record", questions, "-o", traces, *short).out)
    assert (3, 3) == (recorded["questions"], recorded["replies"])
    assert recorded["tokens"] == int(read_traces(traces).completion_tokens.sum()) <= 36
    said = shadowprice("run", questions, "--policy", "uniform", "--budget", "25", "-o", output, "--json")
    assert 0 == said.code
    summary = json.loads(said.out)
    lines = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert summary["spent"] == sum(line["shadowprice"]["generated"] for line in lines) <= 25
    assert (3, 3, 0) == (summary["questions"], summary["graded"], summary["failed"])
    assert summary["price"] is None


@pytest.mark.model
def test_a_run_is_kept_in_its_ledger_and_made_anew_when_it_is_over(
    shadowprice: Command, smollm2: Path, tmp_path: Path
) -> None:
    questions, output = tmp_path / "q.jsonl", tmp_path / "out.jsonl"
    questions.write_text("".join(f'{{"question": "Say {number}."}}\n' for number in range(3)))
    asked = ("run", questions, "--policy", "uniform", "--budget", "12", "-o", output, "--json")
    summary = json.loads(shadowprice(*asked).out)
    written = output.read_bytes()
    assert summary["spent"] <= 12
    assert summary["spent"] == summary["server_tokens"]

    # Nothing is left to ask: the same answers, from the ledger, at no cost.
    output.unlink()
    again = json.loads(shadowprice(*asked, "--resume").out)
    assert (0, 0) == (again["server_tokens"], again["made_past_stops"])
    assert written == output.read_bytes()
    assert summary["spent"] == again["spent"]

    said = shadowprice(*asked, "--resume", "--seed", "1")
    assert 2 == said.code
    assert "was begun with seed = 0, not 1; use the same options, or name another ledger." in said.err
    # Without --resume, a run that is over makes room for the next one, and stays under another name.
    assert 0 == shadowprice(*asked, "--seed", "1").code
    with Ledger(tmp_path / "out.jsonl.ledger") as ledger:
        ledger.open_run("more", budget=5, settings={"questions": 1}, fingerprint="f")
    assert 0 == shadowprice(*asked).code
    with Ledger(tmp_path / "out.jsonl.ledger", read_only=True) as ledger:
        assert ["more", "run", "run 1", "run 2"] == sorted(run.name.partition(",")[0] for run in ledger.runs())
