"""On the traces inside the package."""

from importlib import resources

import pytest

from shadowprice.bench import Recipe, default_budgets, forecast, run_bench
from shadowprice.policies import Knowledge
from shadowprice.traces import BUNDLED, TIERS, Traces, read_traces


@pytest.fixture(scope="module")
def bundled() -> Traces:
    return read_traces(BUNDLED)


def test_the_bundled_traces_are_many_and_small(bundled: Traces) -> None:
    assert bundled.n_queries >= 1500
    assert bundled.samples.tolist() == [4] * bundled.n_queries
    assert len(set(bundled.datasets)) >= 8
    assert set(bundled.tiers) == set(TIERS)
    assert b"PAR1" == (resources.files("shadowprice.data") / "smollm2-135m.parquet").read_bytes()[:4]
    with resources.as_file(resources.files("shadowprice.data") / "smollm2-135m.parquet") as path:
        assert path.stat().st_size < 3_000_000


def test_clear_beats_uniform_on_the_bundled_traces(bundled: Traces) -> None:
    forecasts = forecast(bundled, Recipe((Knowledge.THRESHOLDS,)))
    scarce = default_budgets(bundled)[:2]
    result = run_bench(bundled, forecasts, budgets=scarce, policies=["uniform", "clear-lambert"])
    apart = 0
    for stream in result.streams:
        for budget in scarce:
            clear, uniform = (result.cell(policy, stream, budget) for policy in ("clear-lambert", "uniform"))
            assert clear.accuracy > uniform.accuracy, (stream, budget)
            apart += clear.ci_low > uniform.ci_high
    assert apart >= 6
