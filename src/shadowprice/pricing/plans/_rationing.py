"""A price ceiling: the market may ask no more, so not everybody who would pay can be served."""

import numpy as np

from shadowprice._types import FloatArray, IntArray
from shadowprice.pricing.clearing import Clearing, Ladder
from shadowprice.pricing.plans._refill import Plan, pack, refill
from shadowprice.pricing.plans._whole import whole_plan


def ration(ladder: Ladder, ceiling: float, budget: float, *, integer: bool) -> tuple[Plan, Clearing]:
    """Fund in order of surplus per unit of the budget, each in full at the ceiling if that still fits.

    What is left over goes to the funded: nobody has less than he would buy at the ceiling.

    Args:
        ladder: the queries.
        ceiling: the price that is asked, below the clearing price.
        budget: B, in the budget's unit.
        integer: whether tokens come whole.

    Returns:
        The plan, and a clearing that says what the ceiling does.
    """
    interested = ladder.offer.take(slice(0, ladder.at_least(ceiling)))
    wanted = interested.committed(ceiling)
    if integer:
        wanted = np.floor(wanted)
    spending = interested.spend(wanted)
    value = interested.value(wanted)
    useful = np.flatnonzero(value > 0.0)
    density = (value[useful] - ceiling * spending[useful]) / spending[useful]
    order = useful[np.argsort(-density, kind="stable")]
    rows = np.sort(order[pack(spending[order], budget)])
    tokens: FloatArray | IntArray = wanted[rows].astype(np.int64) if integer else wanted[rows]
    plan = Plan(rows, tokens, ceiling, float(value[rows].sum()), 1)
    lowered = refill(ladder, rows, ceiling, budget) if rows.size else None
    if lowered is not None and integer:
        lowered = whole_plan(ladder, lowered, budget, fill=False)
    kept = lowered is not None and np.array_equal(lowered.rows, rows) and not lowered.fillers
    if lowered is not None and kept and (lowered.tokens >= tokens).all():
        plan = lowered
    return plan, Clearing(ceiling, len(interested), 0.0, 1)
