"""Exchanges around the margin: who is funded is a yes or no, and one price does not always get it right.

With the funded set S fixed, the best utility is min over μ of G(μ) = Bμ + Σ_S (ψᵢ − μcᵢtᵢ)(μ), since committed
queries are concave. To second order at the plan's price an exchange of some queries for others therefore gives

  V ≈ G − m²/2H,  m = B − Σ cᵢtᵢ(μ) and H = −dΣcᵢtᵢ/dμ, both after the exchange,

which needs no demand to be computed. All exchanges of at most two of the funded queries nearest to the margin for
at most two of the unfunded ones are ranked so; the best few are worked out.
"""

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np

from shadowprice._types import FloatArray, IntArray
from shadowprice.pricing.clearing import Ladder
from shadowprice.pricing.plans._refill import Plan

WORTH_A_REPAIR = 2e-5
"""Part of the dual bound that the certified gap must exceed; so large batches pay nothing for repairs."""
REACH = 10
"""Queries on either side of the margin that may be exchanged."""
TRIED = 5
MOST_EXCHANGES = 12
STEP = 1e-4
"""By how much of itself the price is lowered to see how demand gives way."""


def repair(
    ladder: Ladder, plan: Plan, budget: float, bound: float, work_out: Callable[[IntArray], Plan | None]
) -> Plan:
    """Exchange queries while that raises utility.

    Args:
        ladder: the queries.
        plan: what is to be improved.
        budget: B, in the budget's unit.
        bound: what no plan can exceed.
        work_out: the plan that funds some positions of the ladder, if there is one.
    """
    for _ in range(MOST_EXCHANGES):
        if bound - plan.utility <= WORTH_A_REPAIR * bound:
            break
        for rows in _exchanges(ladder, plan, budget):
            other = work_out(rows)
            if other is not None and other.utility > plan.utility * (1.0 + 1e-12):
                plan = other
                break
        else:
            break
    return plan


def _exchanges(ladder: Ladder, plan: Plan, budget: float) -> Iterator[IntArray]:
    """The most promising funded sets that differ from the plan's by one exchange, best first."""
    price = plan.price or float(ladder.rungs[-1])
    funded = np.zeros(len(ladder.offer), dtype=np.bool_)
    funded[plan.rows] = True
    outgoing, incoming = np.flatnonzero(funded)[-REACH:], np.flatnonzero(~funded)[:REACH]
    core = np.concatenate([outgoing, incoming])
    surplus, size, give = _response(ladder, core, price)
    kept = _response(ladder, plan.rows, price)
    out, into = _sums(outgoing.size, 0, surplus, size, give), _sums(incoming.size, outgoing.size, surplus, size, give)
    worth = into[0] - out[0][:, np.newaxis]
    room = budget - float(kept[1].sum()) - into[1] + out[1][:, np.newaxis]
    softness = np.maximum(
        float(kept[2].sum()) + into[2] - out[2][:, np.newaxis], max(1e-9 * budget / price, np.finfo(float).tiny)
    )
    # Where more room is left than a price of 0 would fill, what remains is lost.
    with np.errstate(over="ignore"):  # a far cry from the budget is ruled out, however far
        change = np.clip(room / softness, -1e6 * price, price)
    value = price * budget + float(kept[0].sum()) + worth - room * change + 0.5 * softness * change**2
    value[0, 0] = -np.inf
    for place in np.argsort(-value, axis=None, kind="stable")[:TRIED]:
        leaving, joining = np.unravel_index(int(place), value.shape)
        left = outgoing[list(_choices(outgoing.size)[int(leaving)])]
        joined = incoming[list(_choices(incoming.size)[int(joining)])]
        changed = funded.copy()
        changed[left], changed[joined] = False, True
        yield np.flatnonzero(changed)


def _response(ladder: Ladder, rows: IntArray, price: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Surplus, spending, and how much more spending a unit lower price brings, for committed queries."""
    offer, step = ladder.offer.take(rows), STEP
    tokens = offer.committed(price)
    size = np.asarray(offer.spend(tokens), dtype=np.float64)
    lower = offer.spend(offer.committed(price * (1.0 - step)))
    return offer.value(tokens) - price * size, size, (lower - size) / (step * price)


def _choices(count: int) -> list[tuple[int, ...]]:
    return [(), *((one,) for one in range(count)), *combinations(range(count), 2)]


def _sums(count: int, first: int, *columns: FloatArray) -> list[FloatArray]:
    """Each column summed over each choice of at most two of ``count`` entries."""
    one, other = np.triu_indices(count, 1)
    own = [column[first : first + count] for column in columns]
    return [np.concatenate([np.zeros(1), column, column[one] + column[other]]) for column in own]
