"""On public traces that the repository does not carry."""

from pathlib import Path

import numpy as np
import pytest

from shadowprice.bench import BenchResult, forecast, run_bench
from shadowprice.traces import read_traces

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "zeroeval"
MODELS = ("Meta-Llama-3.1-8B-Instruct", "Phi-3.5-mini-instruct", "Qwen2-7B-Instruct")
BUDGETS = (64, 128, 256, 512)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the public traces are not in {FOLDER}"),
]


@pytest.fixture(scope="module")
def tables() -> list[BenchResult]:
    results = []
    for model in MODELS:
        traces = read_traces(FOLDER / f"{model}.parquet")
        forecasts = forecast(traces)
        results.append(run_bench(traces, forecasts, budgets=BUDGETS))
    return results


def lead(tables: list[BenchResult], stream: str, budget: int) -> float:
    """How many points clear-lambert is above uniform, averaged over the models."""
    return float(
        np.mean(
            [
                table.cell("clear-lambert", stream, budget).accuracy - table.cell("uniform", stream, budget).accuracy
                for table in tables
            ]
        )
    )


@pytest.mark.parametrize(
    ("stream", "points"), [("balanced", 12.0), ("mostly-easy", 16.0), ("mostly-hard", 6.0), ("u-shaped", 13.0)]
)
def test_clear_is_far_ahead_of_uniform_when_tokens_are_scarce(
    tables: list[BenchResult], stream: str, points: float
) -> None:
    for budget in (64, 128):
        assert lead(tables, stream, budget) >= points, budget


def test_clear_is_nowhere_far_behind_uniform(tables: list[BenchResult]) -> None:
    behind = {
        (stream, budget): lead([table], stream, budget)
        for table in tables
        for stream in table.streams
        for budget in BUDGETS
        if lead([table], stream, budget) < -2.0
    }
    assert {} == behind


def test_the_oracle_is_the_ceiling(tables: list[BenchResult]) -> None:
    for table in tables:
        for row in table.rows:
            assert row.accuracy <= table.cell("oracle", row.stream, row.budget).accuracy
