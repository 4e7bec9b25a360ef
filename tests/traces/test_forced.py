"""Budget sweeps in the place of traces: what is measured at the largest budget that the tokens pay for."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowprice._errors import InputError
from shadowprice.beliefs import Beliefs, Outcomes
from shadowprice.bench import Recipe, default_budgets, forecast, price_beliefs, run_bench
from shadowprice.policies import Oracle, get_policy
from shadowprice.traces import (
    Accounting,
    SweepTraces,
    draw_replies,
    import_logs,
    is_traces,
    read_recorded,
    read_traces,
    replay,
    write_sweeps,
)
from shadowprice.traces.importers import AskedQuestion, ImportSettings

CSV = """query_id,budget,correct,samples,question,tier,model
a,16,1,4,What is 1?,easy,m
a,64,3,4,,,
a,32,2,4,,,
b,32,4,4,What is 2?,hard,m
b,64,1,4,,,
"""


@pytest.fixture
def sweep(tmp_path: Path) -> SweepTraces:
    (tmp_path / "s.csv").write_text(CSV, encoding="utf-8")
    found = read_recorded(tmp_path / "s.csv")
    assert isinstance(found, SweepTraces)
    return found


def test_what_tokens_get_right_was_measured_at_the_largest_budget_up_to_them(sweep: SweepTraces) -> None:
    assert [16, 32, 64] == sweep.budgets.tolist()
    assert [[0.25, 0.5, 0.75], [0.0, 1.0, 0.25]] == sweep.shares.tolist()
    for tokens, right in (
        ((0, 31), (0.0, 0.0)),
        ((15, 32), (0.0, 1.0)),
        ((63, 64), (0.5, 0.25)),
        ((999, 63), (0.75, 1.0)),
    ):
        assert list(right) == sweep.right_within(np.array(tokens)).tolist()
    assert ([64, 64], [0.75, 0.25]) == (sweep.last.tolist(), sweep.pass_rate.tolist())
    assert (["a", "b"], ["easy", "hard"]) == (sweep.query_ids, sweep.tiers)
    assert repr(sweep).startswith("SweepTraces(2 questions, 3 budgets, from ")


def test_a_sweep_written_by_import_is_the_same(sweep: SweepTraces, tmp_path: Path) -> None:
    path = tmp_path / "s.parquet"
    write_sweeps(import_logs([tmp_path / "s.csv"]).table, path)
    found = read_recorded(path)
    assert isinstance(found, SweepTraces)
    assert (sweep.shares == found.shares).all()
    assert is_traces(path)
    assert is_traces(tmp_path / "s.csv")
    assert sweep.table.equals(found.table)


def test_texts_may_stand_in_the_file_of_questions(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("query_id,budget,correct\na,16,1\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"s\.csv has no text for the question 'a' and 0 others, which beliefs"):
        read_recorded(path)
    table = import_logs([path], ImportSettings(questions={"a": AskedQuestion("What is 1?")})).table
    assert ["What is 1?"] == table["question"].to_pylist()


def test_what_a_sweep_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("query_id,budget,correct,question\na,0,1,A?\n", encoding="utf-8")
    with pytest.raises(InputError, match="holds the question 'a' to a budget of 0 tokens"):
        read_recorded(path)
    with pytest.raises(InputError, match="not a readable Parquet file"):
        read_traces(path)
    assert not is_traces(tmp_path / "none.csv")


def test_questions_are_left_out_of_a_sweep(sweep: SweepTraces) -> None:
    rest = sweep.without({"What is 1?"})
    assert (["b"], [[1.0, 0.25]]) == (rest.query_ids, rest.shares.tolist())
    assert [64] == np.unique(rest.evidence.completion_tokens[rest.evidence.censored]).tolist()
    with pytest.raises(InputError, match="nothing is left"):
        sweep.without(set(sweep.questions))


def test_who_runs_pays_until_it_is_stopped_and_gets_the_expectation(sweep: SweepTraces) -> None:
    replies = draw_replies(sweep, np.array([0, 1, 0]), np.random.default_rng(0))
    outcome = replay(get_policy("uniform").open(Beliefs.certain(np.ones(3)), 120), replies, Accounting.GENERATED)
    assert (2.0, 120, 120) == (outcome.right, outcome.allocated, outcome.generated)
    outcome = replay(get_policy("uniform").open(Beliefs.certain(np.ones(3)), 300), replies, Accounting.GENERATED)
    assert (1.75, 192) == (outcome.right, outcome.generated)  # worse with more; beyond the last budget nothing runs


def test_that_a_forced_reply_still_runs_says_nothing_of_it(sweep: SweepTraces) -> None:
    replies = draw_replies(sweep, np.array([0, 1]), np.random.default_rng(0))
    grid, right = np.array([16.0, 32.0, 64.0]), np.array([[0.2, 0.4, 0.9]] * 2)
    seen = replies.seen(Beliefs(grid[:2], grid[:2], grid[:2], Outcomes(grid, right, right))).outcomes
    assert seen is not None
    assert [[0.0, 0.0, 1.0]] * 2 == seen.finished.tolist()
    assert (right == seen.right).all()


CURVES = st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=1, max_size=4)


@settings(max_examples=60)
@given(CURVES, st.integers(0, 40))
def test_the_oracle_of_curves_is_within_a_step_of_the_best(curves: list[list[int]], budget: int) -> None:
    grid = np.array([2.0, 5.0, 9.0])
    best = np.maximum.accumulate(np.array(curves) / 4.0, axis=1)
    ones = np.ones(len(curves))
    plan = Oracle().plan(Beliefs(ones, ones, ones, Outcomes(grid, best, np.zeros_like(best))), budget)
    assert plan.tokens.sum() <= budget
    assert set(plan.tokens.tolist()) <= {0, 2, 5, 9}
    table = np.hstack([np.zeros((len(curves), 1)), best])
    cost = [0, 2, 5, 9]
    worth = [
        sum(table[row, place] for row, place in enumerate(places))
        for places in product(range(4), repeat=len(curves))
        if sum(cost[place] for place in places) <= budget
    ]
    got = sum(table[row, cost.index(int(tokens))] for row, tokens in enumerate(plan.tokens))
    assert max(worth) - 1.0 - 1e-9 <= got <= max(worth) + 1e-9


def made_up(n: int = 120) -> str:
    """Short sums are right from 16 tokens on, long ones from 64, and half of all never."""
    lines = ["query_id,budget,correct,samples,question"]
    for number in range(n):
        long, hopeless = number % 2, number % 4 > 1
        text = f"{'Spell' if hopeless else 'Add'} {' and '.join(str(number + i) for i in range(2 + 9 * long))}."
        for budget in (8, 16, 32, 64, 128):
            right = 0 if hopeless or budget < (64 if long else 16) else 4
            lines.append(f'q{number},{budget},{right},4,"{text}"')
    return "\n".join(lines)


@pytest.mark.parametrize("accounting", list(Accounting))
def test_a_bench_of_a_sweep_closes_what_beliefs_can_tell(tmp_path: Path, accounting: Accounting) -> None:
    path = tmp_path / "s.csv"
    path.write_text(made_up(), encoding="utf-8")
    traces = read_recorded(path)
    forecasts = forecast(traces, Recipe(reads=False))
    names = ("uniform", "clear-lambert", "expected", "index", "oracle")
    result = run_bench(traces, forecasts, budgets=(8, 16), policies=names, seeds=2, accounting=accounting)
    closed = result.closed("expected")
    assert closed is not None
    assert closed > 0.5
    for budget in (8, 16):
        cells = {name: result.cell(name, "as-recorded", budget).accuracy for name in result.measured}
        assert cells["uniform"] < cells["expected"] <= cells["oracle"] + 1e-9
    if accounting is Accounting.GENERATED:
        assert abs(cells["index"] - cells["expected"]) < 6.0  # it sees nothing more while a reply runs
    assert default_budgets(traces)[-1] in (64, 128)
    assert forecasts.outcomes is not None
    (row,) = price_beliefs(traces, forecasts.outcomes, [16])
    assert row.measured > row.uniform
