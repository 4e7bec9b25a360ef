import numpy as np

from shadowprice._types import IntArray
from shadowprice.beliefs import Beliefs
from shadowprice.policies import TaleEp
from shadowprice.traces import Accounting, Outcome, Replies, replay


def ask(estimates: list[int], budget: int, *now: int) -> list[int]:
    market = TaleEp().open(Beliefs.certain(np.array(estimates, dtype=np.float64)), budget)
    ids = np.arange(len(estimates))
    limit = market.grant(ids, np.zeros(len(estimates), dtype=np.int64))
    for step in now:
        limit = market.grant(ids, np.minimum(limit, step))
    return [int(tokens) for tokens in limit]


def test_queries_begin_in_order_while_what_they_say_they_need_is_there() -> None:
    assert [8, 8, 0] == ask([20, 30, 40], 60)
    assert [8, 8, 8] == ask([20, 30, 40], 90)
    assert [8, 0, 0] == ask([20, 90, 40], 100)


def test_the_last_tokens_go_to_whoever_is_next_even_if_they_will_not_do() -> None:
    assert [5, 0] == ask([20, 30], 5)


def test_a_reply_may_run_beyond_its_estimate() -> None:
    assert [20] == ask([10], 100, 8, 10, 13, 16)


class InOrder(np.random.Generator):
    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def permutation(self, x: int, axis: int = 0) -> IntArray:  # type: ignore[override]
        return np.arange(x)


def outcome(budget: int) -> Outcome:
    rows = np.arange(3)
    ends = np.array([30, 10, 40])
    replies = Replies(rows, rows, np.array([True, True, True]), ends, ends)
    market = TaleEp().open(Beliefs.certain(np.array([15.0, 15.0, 15.0])), budget)
    return replay(market, replies, Accounting.GENERATED, InOrder())


def test_first_come_first_served_until_the_tokens_are_gone() -> None:
    assert [1, 2, 2, 3] == [outcome(budget).right for budget in (30, 40, 79, 80)]
    for budget in (0, 7, 30, 40, 79, 80, 200):
        assert outcome(budget).generated == min(budget, 80)
