"""A market that believes a predictor, worked out by hand."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from shadowprice._errors import InputError
from shadowprice.beliefs import Beliefs, Outcomes
from shadowprice.bench import price_beliefs, tier_curves
from shadowprice.traces import Traces, read_traces, write_traces


@pytest.fixture
def traces(trace_table: Callable[..., pa.Table], tmp_path_factory: pytest.TempPathFactory) -> Traces:
    """Two replies to `a` (right at 10, wrong), one to `b` (wrong); `a` is easy, `b` is hard."""
    path = tmp_path_factory.mktemp("t") / "t.parquet"
    write_traces(trace_table(tier=["easy", "hard", "easy"]), path)
    return read_traces(path)


def beliefs(right: list[list[float]]) -> Beliefs:
    table, ones = np.array(right), np.ones(len(right))
    return Beliefs(ones, ones, ones, Outcomes(np.array([10.0, 20.0]), table, table))


def test_the_market_buys_what_it_believes_in(traces: Traces) -> None:
    believing_in_a, believing_in_b = beliefs([[0.8, 0.8], [0.0, 0.0]]), beliefs([[0.0, 0.0], [0.6, 0.6]])
    (row,) = price_beliefs(traces, believing_in_a, [5])
    assert pytest.approx((5, 40.0, 25.0)) == (row.budget, row.predicted, row.measured)
    assert (0.0, 50.0) == (row.low, row.high)
    assert 0.0 == row.uniform
    (row,) = price_beliefs(traces, believing_in_b, [5])
    assert pytest.approx((30.0, 0.0)) == (row.predicted, row.measured)


def test_tokens_that_nobody_wants_are_spread(traces: Traces) -> None:
    few, plenty = price_beliefs(traces, beliefs([[0.0, 0.0], [0.6, 0.6]]), [100, 5])
    assert (5, 100) == (few.budget, plenty.budget)
    assert 25.0 == plenty.measured == plenty.uniform


def test_a_surge_is_priced_where_there_are_no_outcomes(traces: Traces) -> None:
    surge = Beliefs(np.array([8.0, 400.0]), np.full(2, 0.5 * np.e), np.full(2, 0.5))
    (row,) = price_beliefs(traces, surge, [5])
    assert pytest.approx(50.0, abs=1.0) == row.predicted  # the peak of the first question, shared by two
    assert 25.0 == row.measured


def test_budgets_are_whole_tokens(traces: Traces) -> None:
    with pytest.raises(InputError, match="A budget of 0 tokens per query buys nothing"):
        price_beliefs(traces, beliefs([[0.1, 0.1]] * 2), [5, 0])


def test_tiers_are_predicted_and_measured(traces: Traces, sums: Traces) -> None:
    easy, hard = tier_curves(traces, beliefs([[0.4, 0.8], [0.0, 0.1]]), np.array([5.0, 10.0, 40.0]))
    assert (("easy", 1), ("hard", 1)) == ((easy.tier, easy.questions), (hard.tier, hard.questions))
    assert pytest.approx([0.2, 0.4, 0.8]) == easy.predicted.tolist()
    assert pytest.approx([0.0, 0.5, 0.5]) == easy.measured.tolist()
    assert [0.0, 0.0, 0.0] == hard.measured.tolist()
    assert ["easy", "medium", "hard"] == [
        curve.tier for curve in tier_curves(sums, Beliefs.certain(np.ones(90)), np.array([9.0]))
    ]
