"""Bad input: exit code 2, one line on stderr, nothing written."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shadowprice._tokens import parse_budget
from shadowprice.engines import MODELS, model_path

Command = Callable[..., Any]
MakeTable = Callable[..., pa.Table]


@pytest.fixture
def refused(shadowprice: Command, tmp_path: Path) -> Callable[..., str]:
    """Runs a command that must be refused and returns its one line, without `error: `."""

    def check(*arguments: object, code: int = 2) -> str:
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        said = shadowprice(*arguments)
        assert said.code == code
        assert "" == said.out
        (line,) = said.err.splitlines()
        assert line.startswith("error: ")
        assert line.endswith(".")
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
        return str(line.removeprefix("error: "))

    return check


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "q.jsonl"
    lines = [{"question": "What is 1 + 1?", "gold": "2"}, {"question": "Why?", "gold": "So."}]
    path.write_text("".join(json.dumps(line | {"grader": "exact"}) + "\n" for line in lines))
    return path


READERS = pytest.mark.parametrize("command", ["bench", "fit"])


@READERS
def test_an_empty_trace_file(refused: Command, tmp_path: Path, command: str) -> None:
    path = tmp_path / "t.parquet"
    path.touch()
    assert f"{path} is empty; record traces into it with `shadowprice record`." == refused(command, path)


@READERS
def test_a_missing_column(refused: Command, tmp_path: Path, trace_table: MakeTable, command: str) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(trace_table().drop_columns(["correct", "answer_tokens"]), path)
    assert refused(command, path).startswith(f"{path} lacks the columns correct, answer_tokens; traces need query_id")


@READERS
@pytest.mark.parametrize("bad", [math.nan, -3.0, math.inf])
def test_a_threshold_that_cannot_be(
    refused: Command, tmp_path: Path, trace_table: MakeTable, command: str, bad: float
) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(trace_table(answer_tokens=[10.0, bad, 40.0]), path)
    assert refused(command, path).startswith(f"{path}, row 1: answer_tokens is {bad:g}; it must be a whole number")


@READERS
def test_a_truncated_trace_file(refused: Command, sums_file: Path, tmp_path: Path, command: str) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(sums_file.read_bytes()[:-100])
    assert refused(command, path).startswith(f"{path} is not a readable Parquet file (damaged or cut short?)")


@READERS
def test_an_absent_trace_file(refused: Command, command: str) -> None:
    assert refused(command, "none.parquet").startswith("none.parquet: no such file")


def test_traces_without_a_right_reply(refused: Command, tmp_path: Path, trace_table: MakeTable) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(trace_table(correct=[False, False, False]), path)
    assert refused("fit", path).startswith("No reply in these traces is right")


@pytest.mark.parametrize("budget", ["-5", "abc", "", "1e3", "nan", "5kk", "٣٤x"])
def test_a_budget_that_is_none(refused: Command, questions: Path, tmp_path: Path, budget: str) -> None:
    said = refused("run", questions, "--policy", "uniform", "--budget", budget, "-o", tmp_path / "out.jsonl")
    ways = (
        "tokens (4000, 4k, 1.5M), tokens a question (300/question), a share of full cost (30%), or money ('$5', with "
    )
    assert f"The budget '{budget}' is none: write {ways}--price-per-million)." == said


@pytest.mark.parametrize("budgets", ["-5", "64,abc", "0"])
def test_bench_budgets_that_are_none(refused: Command, sums_file: Path, budgets: str) -> None:
    assert "budget" in refused("bench", sums_file, "--budgets", budgets)


def test_a_missing_option(refused: Command, questions: Path) -> None:
    assert "--budget" in refused("run", questions, "-o", "out.jsonl")


@pytest.mark.parametrize(
    "arguments",
    [("bench",), ("nonsense",), ("bench", "t", "--seeds", "many"), ("bench", "t", "--zzzz")],
)
def test_bad_usage(refused: Command, arguments: tuple[str, ...]) -> None:
    assert refused(*arguments)


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        (("--policies", "x"), "There is no policy 'x'; choose from uniform"),
        (("--streams", "x"), "There is no stream 'x'; choose from balanced"),
        (("--accounting", "x"), "There is no accounting 'x'; choose from allocated, generated or both."),
        (("--seeds", "0"), "0 seeds measure nothing"),
        (("--folds", "1"), "Cannot split 90 different questions into 1 folds"),
        (("--budgets", "16", "--seeds", "1", "--json", "/dev/null/t.json"), "Cannot write /dev/null/t.json: "),
        (("--budgets", "16", "--seeds", "1", "--json", "/none/t.json"), "Cannot write /none/t.json: "),
        (("--budgets", "16", "--seeds", "1", "--report", "/none/r.html"), "Cannot write /none/r.html: "),
    ],
)
def test_bench_options(refused: Command, sums_file: Path, option: tuple[str, ...], complaint: str) -> None:
    assert refused("bench", sums_file, *option).startswith(complaint)


def test_fit_into_nowhere(refused: Command, sums_file: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "none" / "p.shadow", sums_file / "p.shadow", tmp_path):
        assert refused("fit", sums_file, "-o", path).startswith(f"Cannot write {path}: ")


def test_run_into_nowhere(refused: Command, questions: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "none" / "out.jsonl", questions / "out.jsonl", tmp_path):
        said = refused("run", questions, "--policy", "uniform", "--budget", "4k", "-o", path)
        assert f"Cannot write {path}: give a file name in a folder that exists." == said


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--policy", "x"), "There is no policy 'x'"),
        (("--policy", "oracle"), "The oracle knows the answers"),
        (("--policy", "index-resume"), "The policy index-resume needs replies that pause"),
        (("--end", "x"), "There is no end 'x'; choose from abandon, answer, fallback."),
        (("--end", "fallback"), "--end fallback and --fallback ENGINE go together"),
        (("--fallback", "llamacpp"), "--end fallback and --fallback ENGINE go together"),
        (("--effort", "huge"), "There is no effort 'huge'; choose from none, minimal, low,"),
        (("--explore", "0.5"), "--explore is 0.5; it must be from 0 to 0.1."),
        (("--retries", "-1"), "retries is -1; it must be 0 or more."),
        (("--thinking", "-1"), "thinking_tokens is -1; it must be 0 or more."),
        (("--max-tokens", "0"), "max_tokens is 0; it must be 1 or more."),
        (("--temperature", "nan"), "The temperature is nan; it must be between 0 and 10."),
        (("--predictor", "none.shadow"), "none.shadow: no such file; make a predictor with `shadowprice fit"),
        (("--policy", "uniform", "--engine", "x"), "There is no engine 'x'; choose from llamacpp"),
        (("--policy", "uniform", "--concurrency", "0"), "--concurrency is 0; it must be 1 or more."),
        (("--policy", "uniform", "--model", "none.gguf"), "'none.gguf' is neither a known model"),
    ],
)
def test_run_options(
    refused: Command, questions: Path, tmp_path: Path, options: tuple[str, ...], complaint: str
) -> None:
    said = refused("run", questions, "--budget", "4k", "-o", tmp_path / "out.jsonl", *options)
    assert said.startswith(complaint)


def test_a_questions_file_that_is_none(refused: Command, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "Why?"}\n{"question": ""}\n')
    said = refused("run", path, "--policy", "uniform", "--budget", "4k", "-o", tmp_path / "out.jsonl")
    assert f"{path}, line 2, field 'question': blank: fill it in." == said
    path.write_text("")
    assert "holds no questions" in refused("run", path, "--policy", "uniform", "--budget", "4k", "-o", "out.jsonl")


def test_a_predictor_that_is_none(refused: Command, questions: Path, sums_file: Path, tmp_path: Path) -> None:
    said = refused("run", questions, "--predictor", sums_file, "--budget", "4k", "-o", tmp_path / "out.jsonl")
    assert said.startswith(f"{sums_file} is not a predictor file, or is damaged")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--samples", "0"), "Asked for 0 samples"),
        (("--max-tokens", "-2"), "Asked for 4 samples of at most -2 tokens"),
        (("--temperature", "nan"), "The temperature is nan"),
        (("--engine", "x"), "There is no engine 'x'"),
    ],
)
def test_record_options(
    refused: Command, questions: Path, tmp_path: Path, options: tuple[str, ...], complaint: str
) -> None:
    assert refused("record", questions, "-o", tmp_path / "t.parquet", *options).startswith(complaint)


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the embedded model would be, in a cache that holds nothing."""
    monkeypatch.setenv("SHADOWPRICE_CACHE", str(tmp_path / "cache"))
    return model_path(MODELS["smollm2"])


def test_a_model_with_a_wrong_checksum(refused: Command, empty_cache: Path, questions: Path, tmp_path: Path) -> None:
    empty_cache.parent.mkdir(parents=True)
    with empty_cache.open("wb") as file:
        file.write(b"GGUF")
        file.truncate(MODELS["smollm2"].size)
    output = tmp_path / "out"
    for arguments in (
        ("run", questions, "--policy", "uniform", "--budget", "4k", "-o", output),
        ("record", questions, "-o", output),
        ("model", "path", "smollm2"),
    ):
        said = refused(*arguments)
        assert said.startswith(f"The model file '{empty_cache}' is damaged (wrong size or checksum): ")
        assert said.endswith(": run `shadowprice model pull smollm2 --force`.")


def test_a_model_that_was_not_pulled(refused: Command, empty_cache: Path, questions: Path, tmp_path: Path) -> None:
    said = refused("run", questions, "--policy", "uniform", "--budget", "4k", "-o", tmp_path / "out")
    assert "The model 'smollm2' is not on this machine: run `shadowprice model pull smollm2`." == said


def test_a_missing_extra_says_what_to_install(
    refused: Command, monkeypatch: pytest.MonkeyPatch, smollm2: Path, questions: Path, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    said = refused("questions", "gcd", "-o", tmp_path / "made.jsonl")
    assert said.endswith("needs the extra 'tasks': install it with `pip install 'shadowprice[tasks]'`.")
    said = refused("run", questions, "--policy", "uniform", "--budget", "4k", "-o", tmp_path / "out")
    assert said.endswith("needs the extra 'local': install it with `pip install 'shadowprice[local]'`.")


def test_a_program_of_its_own_ends_the_same_way(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.touch()
    ended = subprocess.run(
        [sys.executable, "-m", "shadowprice", "bench", str(path), "--json", str(tmp_path / "out.json")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (2, "") == (ended.returncode, ended.stdout)
    assert f"error: {path} is empty; record traces into it with `shadowprice record`.\n" == ended.stderr
    assert ["t.parquet"] == [file.name for file in tmp_path.iterdir()]


def test_nothing_but_abandoned_questions_is_a_budget_too_small(
    shadowprice: Command, smollm2: Path, questions: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    said = shadowprice("run", questions, "--policy", "uniform", "--budget", "0", "-o", output, "--json")
    assert 3 == said.code
    assert "error: 0 tokens buy nothing for these 2 questions; raise the budget." == said.err.splitlines()[-1]
    assert 2 == json.loads(said.out)["abandoned"]
    lines = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert ["abandoned", "abandoned"] == [line["error"]["code"] for line in lines]


HUGE = "9" * 30


@pytest.mark.parametrize("seed", ["-5", HUGE, "9" * 5000, "4294967296"])
@pytest.mark.parametrize("command", ["run", "record", "fit", "questions"])
def test_seeds_that_are_none(
    refused: Command, questions: Path, sums_file: Path, tmp_path: Path, command: str, seed: str
) -> None:
    arguments: dict[str, tuple[object, ...]] = {
        "run": (questions, "--policy", "uniform", "--budget", "4k"),
        "record": (questions,),
        "fit": (sums_file,),
        "questions": ("easy",),
    }
    assert "--seed" in refused(command, *arguments[command], "-o", tmp_path / "o.jsonl", "--seed", seed)


@pytest.mark.parametrize("bad", ["-5", HUGE, "nan"])
@pytest.mark.parametrize(
    "option",
    [
        *("--end-tokens", "--max-tokens", "--thinking", "--concurrency", "--floor", "--minimum"),
        *("--temperature", "--explore", "--budget"),
    ],
)
def test_numbers_out_of_range(refused: Command, questions: Path, tmp_path: Path, option: str, bad: str) -> None:
    budget = () if option == "--budget" else ("--budget", "4k")
    engine = ("--engine", "http://127.0.0.1:9", "--model", "m")
    output = tmp_path / "out.jsonl"
    said = refused("run", questions, "--policy", "uniform", "-o", output, *budget, *engine, option, bad)
    assert said.isprintable()


@pytest.mark.parametrize("end", ["abandon", "answer"])
def test_an_answer_takes_a_token(refused: Command, questions: Path, tmp_path: Path, end: str) -> None:
    output = tmp_path / "out.jsonl"
    said = refused("run", questions, "--budget", "4k", "-o", output, "--end", end, "--end-tokens", "-5")
    assert "end_tokens is -5; it must be 1 or more." == said


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("9007199254740991", 2**53 - 1),
        ("9007199254740992", 2**53),
        ("9007199254740.991k", 2**53 - 1),
        ("1.5M", 1500000),
    ],
)
def test_budgets_are_exact(text: str, tokens: int) -> None:
    assert tokens == parse_budget(text)


@pytest.mark.parametrize("text", ["9007199254740993", "9007199254740.993k", "9007200G", "9" * 5000])
def test_budgets_that_cannot_be_counted(refused: Command, questions: Path, text: str) -> None:
    said = refused("run", questions, "--policy", "uniform", "--budget", text, "-o", "o.jsonl")
    assert said.endswith("is more than 2**53 tokens; write a smaller one.")


@READERS
def test_two_columns_of_one_name(refused: Command, tmp_path: Path, trace_table: MakeTable, command: str) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(trace_table().append_column("question", pa.array(["A?"] * 3)), path)
    assert f"{path}: there are two columns 'question'; rename one of them, or leave it out." == refused(command, path)


def test_two_columns_of_one_name_in_a_sweep(refused: Command, tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("query_id,budget,budget,correct\na,1,2,1\n")
    said = refused("import", path, "-o", tmp_path / "o.parquet")
    assert f"{path}: there are two columns 'budget'; rename one of them, or leave it out." == said


def test_a_file_that_the_system_says_no_to(refused: Command, tmp_path: Path) -> None:
    path = tmp_path / f"{'n' * 300}.parquet"
    assert refused("fit", path) == f"{path}: File name too long; check the path."
