"""What is wrong with a bench is said before anything is fitted for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from shadowprice.bench import BenchResult, Forecasts, run_bench
from shadowprice.traces import Traces, read_traces, write_traces


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--budgets", "0"), "A budget of 0 tokens per query buys nothing; use whole numbers from 1 up."),
        (("--seeds", "0"), "0 seeds measure nothing; use 20 or more."),
        (("--streams", "odd"), "There is no stream 'odd'; choose from balanced"),
        (("--folds", "1"), "Cannot split 90 different questions into 1 folds; use 2 or more of each."),
        (("--tale", "bundled"), "bundled has no estimates; record it with"),
    ],
)
def test_options_are_checked_first(
    shadowprice: Callable[..., Any],
    sums_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    said: str,
) -> None:
    def fitted(*_: Any, **__: Any) -> Forecasts:
        raise AssertionError("nothing should be fitted")

    monkeypatch.setattr("shadowprice.cli._bench_job.kept_forecast", fitted)
    ended = shadowprice("bench", sums_file, *options)
    assert 2 == ended.code
    assert said in ended.err


def test_traces_with_too_little_that_is_right_are_refused_first(
    shadowprice: Callable[..., Any], sums_file: Path, tmp_path: Path
) -> None:
    table = read_traces(sums_file).table
    one = [number == 4 for number in range(table.num_rows)]
    path = tmp_path / "few.parquet"
    write_traces(table.set_column(table.schema.get_field_index("correct"), "correct", [pa.array(one)]), path)
    ended = shadowprice("bench", path)
    assert (2, True) == (ended.code, "1 of 180 replies are right, and to questions of one fold of 2" in ended.err)
    ended = shadowprice("fit", path, "--predictor", "threshold")
    assert (2, True) == (ended.code, "1 of 180 replies are right, and to questions of one fold of 2" in ended.err)


def test_traces_of_three_questions_are_too_few_to_learn_from_some_of_them(
    shadowprice: Callable[..., Any], sums_file: Path, tmp_path: Path
) -> None:
    table = read_traces(sums_file).table
    chosen = table["question"].unique().to_pylist()[:3]
    table = table.filter(pc.is_in(table["question"], pa.array(chosen)))
    path = tmp_path / "three.parquet"
    all_right = pa.array([True] * table.num_rows)
    write_traces(table.set_column(table.schema.get_field_index("correct"), "correct", [all_right]), path)
    ended = shadowprice("bench", path)
    assert 2 == ended.code
    assert "three.parquet holds 3 different questions, too few to learn from some and bench the others" in ended.err
    assert "give 4 or more, and 200 to tell policies apart." in ended.err


def bench(traces: Traces) -> BenchResult:
    return run_bench(traces, Forecasts(), policies=["uniform", "oracle"], budgets=[16], seeds=2)


def test_few_questions_are_said_to_tell_little(sums: Traces) -> None:
    few = bench(sums)
    assert (90, False) == (few.questions, few.telling)
    assert few.caution.startswith("90 questions tell a share of right answers to within about 10 points")
    many = Traces(pa.concat_tables([sums.table] * 3), pa.array(range(540)).to_numpy() // 2, "thrice")
    assert (270, True, "") == (bench(many).questions, bench(many).telling, bench(many).caution)
