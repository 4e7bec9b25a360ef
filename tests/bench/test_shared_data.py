"""On public traces that the repository does not carry."""

from pathlib import Path

import numpy as np
import pytest

from shadowprice.bench import BenchResult, Forecasts, forecast, run_bench
from shadowprice.traces import Accounting, Traces, read_traces

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "zeroeval"
MODELS = ("Meta-Llama-3.1-8B-Instruct", "Phi-3.5-mini-instruct", "Qwen2-7B-Instruct")
BUDGETS = (64, 128, 256, 512)

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the public traces are not in {FOLDER}"),
]

Known = list[tuple[Traces, Forecasts]]


@pytest.fixture(scope="module")
def known() -> Known:
    traces = [read_traces(FOLDER / f"{model}.parquet") for model in MODELS]
    return [(each, forecast(each)) for each in traces]


@pytest.fixture(scope="module")
def allocated(known: Known) -> list[BenchResult]:
    return [run_bench(traces, forecasts, budgets=BUDGETS, jobs=2) for traces, forecasts in known]


@pytest.fixture(scope="module")
def generated(known: Known) -> list[BenchResult]:
    policies = ["clear-lambert", "expected", "index", "index-resume", "oracle"]
    return [
        run_bench(
            traces,
            forecasts,
            budgets=BUDGETS,
            policies=policies,
            accounting=Accounting.GENERATED,
            seeds=10,
            jobs=2,
        )
        for traces, forecasts in known
    ]


def lead(tables: list[BenchResult], stream: str, budget: int, policy: str, other: str) -> float:
    """How many points a policy is above another, averaged over the models."""
    return float(
        np.mean(
            [
                table.cell(policy, stream, budget).accuracy - table.cell(other, stream, budget).accuracy
                for table in tables
            ]
        )
    )


@pytest.mark.parametrize(
    ("stream", "points"), [("balanced", 12.0), ("mostly-easy", 16.0), ("mostly-hard", 6.0), ("u-shaped", 13.0)]
)
def test_clear_is_far_ahead_of_uniform_when_tokens_are_scarce(
    allocated: list[BenchResult], stream: str, points: float
) -> None:
    for budget in (64, 128):
        assert lead(allocated, stream, budget, "clear-lambert", "uniform") >= points, budget


def test_clear_is_nowhere_far_behind_uniform(allocated: list[BenchResult]) -> None:
    behind = {
        (stream, budget): lead([table], stream, budget, "clear-lambert", "uniform")
        for table in allocated
        for stream in table.streams
        for budget in BUDGETS
        if lead([table], stream, budget, "clear-lambert", "uniform") < -2.0
    }
    assert {} == behind


def test_expected_is_never_behind_clear_and_well_ahead_where_tokens_are_scarce(allocated: list[BenchResult]) -> None:
    leads = {
        (stream, budget): lead(allocated, stream, budget, "expected", "clear-lambert")
        for stream in allocated[0].streams
        for budget in BUDGETS
    }
    assert min(leads.values()) >= -0.5, leads
    assert np.mean([points for (_, budget), points in leads.items() if budget <= 128]) >= 1.5


def test_indices_close_half_of_the_distance_to_the_oracle(generated: list[BenchResult]) -> None:
    closed = {
        policy: float(np.mean([table.closed(policy) or 0.0 for table in generated]))
        for policy in ("expected", "index", "index-resume")
    }
    assert closed["index"] >= 0.52, closed
    assert closed["index-resume"] >= 0.54, closed
    assert closed["expected"] <= closed["index"] - 0.2, closed


def test_the_oracle_is_the_ceiling(allocated: list[BenchResult], generated: list[BenchResult]) -> None:
    for table in allocated + generated:
        for row in table.rows:
            assert row.accuracy <= table.cell("oracle", row.stream, row.budget).accuracy
