"""The batch market that knows each window's arrivals: what nobody can be who serves live traffic."""

import numpy as np

from shadowprice._types import IntArray
from shadowprice.bench.traffic._days import Traffic
from shadowprice.policies import IndexMarket, Terms
from shadowprice.traces import Accounting, RecordedOutlook, Replies, replay


def batch_right(traffic: Traffic, outlook: RecordedOutlook, budget: int, seed: int = 0) -> IntArray:
    """Right answers ``(w,)`` if each window were a batch of its own: all its queries known, and asked again and again.

    Args:
        traffic: n arrivals.
        outlook: What is believed of each at any moment.
        budget: Tokens of a window.
        seed: Of the order in which each batch is served.
    """
    right = np.zeros(traffic.windows, dtype=np.int64)
    for window in range(traffic.windows):
        mine = np.flatnonzero(traffic.window == window)
        if mine.size:
            market = IndexMarket(outlook.take(mine), budget, Terms(len(mine)))
            replies = Replies(
                np.arange(len(mine)),
                traffic.rows[mine],
                traffic.correct[mine],
                traffic.answer_tokens[mine],
                traffic.completion_tokens[mine],
            )
            right[window] = replay(market, replies, Accounting.GENERATED, np.random.default_rng([seed, window])).right
    return right
