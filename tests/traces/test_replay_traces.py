import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowprice._types import IntArray
from shadowprice.beliefs import Beliefs, Outcomes
from shadowprice.policies import POLICIES, AbstractPlanner, Knowledge, Plan, PlannedMarket, Terms, get_policy
from shadowprice.traces import Accounting, Outcome, Replies, Traces, replay


def replies(correct: list[bool], answer: list[int], completion: list[int]) -> Replies:
    tokens = (np.array(counts, dtype=np.int64) for counts in (answer, completion))
    rows = np.arange(len(correct))
    return Replies(rows, rows, np.array(correct, dtype=np.bool_), *tokens)


THREE = replies([True, True, False], [10, 30, 5], [20, 30, 5])


class Fixed(AbstractPlanner):
    """Grants the tokens it was made with, whatever the budget, and at the price 0.5."""

    name = "fixed"

    def __init__(self, tokens: list[int]) -> None:
        self.tokens = np.array(tokens, dtype=np.int64)

    def divide(self, beliefs: Beliefs, budget: int, terms: Terms) -> Plan:
        return Plan(self.tokens[beliefs.threshold.astype(np.int64)], 0.5)


def fixed(tokens: list[int]) -> PlannedMarket:
    """A market whose queries recognise themselves by their thresholds."""
    return Fixed(tokens).open(Beliefs.certain(np.arange(len(tokens), dtype=np.float64)), sum(tokens))


@pytest.mark.parametrize("accounting", list(Accounting))
@pytest.mark.parametrize(
    ("granted", "expected"),
    [
        ([0, 0, 0], (0, 0, 0, 3, 0.5)),
        ([9, 29, 4], (0, 42, 42, 0, 0.5)),
        ([10, 0, 4], (1, 14, 14, 1, 0.5)),
        ([10, 30, 5], (2, 45, 45, 0, 0.5)),
        ([50, 50, 50], (2, 150, 55, 0, 0.5)),
    ],
)
def test_a_reply_is_right_if_its_grant_reaches_its_answer(
    accounting: Accounting, granted: list[int], expected: tuple[float, int, int, int, float]
) -> None:
    outcome = replay(fixed(granted), THREE, accounting)
    assert expected == (outcome.right, outcome.allocated, outcome.generated, outcome.abandoned, outcome.price)
    assert [tokens > 0 for tokens in granted] == outcome.funded.tolist()


def test_only_generated_accounting_spends_what_comes_back() -> None:
    # Uniform gives 10 each; the wrong reply ends after 2, and what is left of it goes to the others.
    two = replies([True, True], [18, 18], [18, 18])
    late = replies([False, *two.correct], [2, *two.answer_tokens], [2, *two.completion_tokens])

    def outcome(accounting: Accounting) -> Outcome:
        market = get_policy("uniform").open(Beliefs.certain(np.ones(3)), 45)
        return replay(market, late, accounting, FixedOrder())

    assert 0 == outcome(Accounting.ALLOCATED).right
    served = outcome(Accounting.GENERATED)
    assert (2, 38, 15 + 22 + 25) == (served.right, served.generated, served.allocated)


class FixedOrder(np.random.Generator):
    """Serves in the order of the rows."""

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def permutation(self, x: int, axis: int = 0) -> IntArray:  # type: ignore[override]
        return np.arange(x)


def test_abandoned_queries_are_asked_again_when_tokens_come_back() -> None:
    # Oracle believes that the first needs 20 (it ends at 5), so the second is too dear at first.
    market = get_policy("oracle").open(Beliefs.certain(np.array([20.0, 21.0])), 30)
    outcome = replay(market, replies([True, True], [5, 21], [5, 25]), Accounting.GENERATED)
    assert (2, 26, 0) == (outcome.right, outcome.generated, outcome.abandoned)


@pytest.mark.parametrize("accounting", list(Accounting))
def test_nothing_to_replay(accounting: Accounting) -> None:
    market = get_policy("uniform").open(Beliefs.certain(np.zeros(0)), 10)
    assert 0 == replay(market, replies([], [], []), accounting).right


def test_one_of_the_recorded_replies_is_drawn(sums: Traces) -> None:
    questions = np.array([4, 4, 0])
    for seed in range(5):
        drawn = Replies.draw(sums, questions, np.random.default_rng(seed))
        assert [4, 4, 0] == drawn.queries.tolist()
        for query, position in zip(questions, drawn.answer_tokens, strict=True):
            assert position in sums.answer_tokens[sums.query == query]


def test_the_threshold_is_where_a_right_answer_appears() -> None:
    assert THREE.threshold.tolist() == [10.0, 30.0, np.inf]


@st.composite
def batches(draw: st.DrawFn) -> tuple[Replies, Beliefs, int]:
    n = draw(st.integers(1, 30))
    answer = draw(st.lists(st.integers(0, 60), min_size=n, max_size=n))
    more = draw(st.lists(st.integers(0, 40), min_size=n, max_size=n))
    correct = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    believed = draw(st.lists(st.floats(0.0, 100.0), min_size=n, max_size=n))
    beta = draw(st.sampled_from([0.5, 0.05, 0.01]))
    grid = np.array([4.0, 8.0, 16.0, 32.0, 64.0, 128.0])
    share = np.clip((grid - np.array(believed)[:, np.newaxis]) / 50.0, 0.0, 1.0)
    outcomes = Outcomes(grid, 0.6 * share, 0.9 * share)
    beliefs = Beliefs(np.array(believed), np.full(n, np.e * beta / 2), np.full(n, beta), outcomes)
    completion = [a + m for a, m in zip(answer, more, strict=True)]
    return replies(correct, answer, completion), beliefs, draw(st.integers(0, 60 * n))


@settings(deadline=None, max_examples=25)  # each is fifteen replays
@given(batch=batches(), seed=st.integers(0, 3))
def test_no_policy_overspends_and_none_beats_the_oracle(batch: tuple[Replies, Beliefs, int], seed: int) -> None:
    drawn, beliefs, budget = batch
    for accounting in Accounting:
        right = {}
        for name, policy in POLICIES.items():
            if accounting is Accounting.ALLOCATED and not policy.commits:
                continue
            known = Beliefs.certain(drawn.threshold) if policy.knows is Knowledge.ANSWERS else beliefs
            outcome = replay(policy.open(known, budget), drawn, accounting, np.random.default_rng(seed))
            charged = outcome.allocated if accounting is Accounting.ALLOCATED else outcome.generated
            assert charged <= budget, name
            right[name] = outcome.right
        assert max(right.values()) == right["oracle"], right
