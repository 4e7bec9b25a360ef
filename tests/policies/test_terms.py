import numpy as np
import pytest

from shadowprice._errors import InputError
from shadowprice._types import IntArray
from shadowprice.beliefs import Beliefs, Outcomes
from shadowprice.policies import POLICIES, Terms, get_policy

N = 12
GRID = np.array([4.0, 8.0, 16.0, 32.0, 64.0, 128.0])


def beliefs() -> Beliefs:
    """Queries that are right from 10, 20, … 120 tokens on, more or less."""
    threshold = np.arange(1, N + 1) * 10.0
    share = np.clip((GRID - 0.5 * threshold[:, np.newaxis]) / threshold[:, np.newaxis], 0.0, 1.0)
    return Beliefs(threshold, np.full(N, 0.2), np.full(N, 0.1), Outcomes(GRID, 0.8 * share, 0.9 * share))


def reached(name: str, budget: int, terms: Terms) -> IntArray:
    """The tokens of queries that never end, each asked about until it gets no more."""
    market = get_policy(name).open(beliefs(), budget, terms=terms)
    now = np.zeros(N, dtype=np.int64)
    while True:
        limit = market.grant(np.arange(N), now)
        if np.array_equal(np.maximum(limit, now), now):
            assert budget - now.sum() == market.unreserved
            return now
        now = np.maximum(limit, now)


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("budget", [300, 340, 1000])
def test_no_query_gets_less_than_its_floor(name: str, budget: int) -> None:
    floor = np.array([50, 0, 0, 100, 0, 0, 0, 0, 70, 0, 0, 80])
    tokens = reached(name, budget, Terms(N, floor=floor))
    assert [] == np.flatnonzero(tokens < floor).tolist()
    assert tokens.sum() <= budget


@pytest.mark.parametrize("name", POLICIES)
def test_nobody_is_abandoned_where_there_is_a_minimum(name: str) -> None:
    tokens = reached(name, 200, Terms(N, minimum=7))
    assert tokens.min() >= 7
    assert tokens.sum() <= 200


@pytest.mark.parametrize("name", POLICIES)
def test_a_budget_below_the_guarantees_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="60 tokens are guaranteed to 12 queries, but the budget is 59; raise"):
        get_policy(name).open(beliefs(), 59, terms=Terms(N, minimum=5))


@pytest.mark.parametrize("name", ["clear-auction", "clear-lambert", "expected", "index", "index-resume", "oracle"])
def test_who_is_worth_more_is_funded_first(name: str) -> None:
    weight = np.ones(N)
    weight[-1] = 50.0
    plain, weighted = reached(name, 150, Terms(N)), reached(name, 150, Terms(N, weight=weight))
    assert 0 == plain[-1] < weighted[-1]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"weight": 0.0}, "weight must be finite and above 0, but is 0 for query 0"),
        ({"weight": [1.0, np.nan, 1.0]}, "weight must be finite and above 0, but is nan for query 1"),
        ({"weight": [1.0, 2.0]}, r"weight must have one entry for each of 3 queries, but its shape is \(2,\)"),
        ({"weight": "dear"}, "weight must be numbers, not 'dear'"),
        ({"floor": [0, -1, 0]}, "floor must be at least 0 tokens, but is -1 for query 1"),
        ({"floor": np.inf}, "floor must be at least 0 tokens, but is inf for query 0"),
        ({"minimum": -3}, "The minimum is -3 tokens; it must be 0 or more"),
    ],
)
def test_terms_that_cannot_be_are_refused(options: dict[str, object], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        Terms(3, **options)  # type: ignore[arg-type]


def test_a_floor_and_a_minimum_are_the_larger_of_both() -> None:
    terms = Terms(3, floor=[0, 4.2, 30], minimum=10)
    assert [10, 10, 30] == terms.floor.tolist()
    assert [30, 10] == terms.take([2, 0]).floor.tolist()
