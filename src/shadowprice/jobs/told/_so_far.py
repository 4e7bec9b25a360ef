"""How far a run is, in figures that mean something before its end."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from shadowprice.beliefs import Beliefs
from shadowprice.jobs._step import Steps
from shadowprice.policies import AbstractMarket
from shadowprice.runner import Reason, Result


class SoFar:
    """Tokens spent, and in lines: answered, right, the right answers to expect in all, and the price.

    What is to be expected is what is known to be right, what the beliefs say of replies that nobody can grade, and
    what the tokens that are left buy at the present price, which is the least that they should.
    """

    def __init__(self, work: Steps, budget: int, questions: int) -> None:
        self._work = work
        self._budget = budget
        self._questions = questions
        self._seen: Counter[Reason] = Counter()
        self._spent = 0
        self._right = 0.0
        self._graded = False
        self._market: AbstractMarket | None = None
        self._beliefs: Beliefs | None = None
        self._place: dict[str, int] = {}

    def watch(self, market: AbstractMarket, beliefs: Beliefs, names: Sequence[str]) -> None:
        """Take prices from a market, and chances from what is believed of its n rows."""
        self._market, self._beliefs = market, beliefs
        self._place = {name: row for row, name in enumerate(names)}

    def add(self, result: Result) -> None:
        """Count a result, and say it."""
        self._seen[result.reason] += 1
        self._spent += result.spent
        self._right += self._chance(result)
        self._graded |= result.correct is not None
        self._work.show(self._spent, self._lines())

    def _chance(self, result: Result) -> float:
        if result.correct is not None or not result.reason.replied:
            return float(bool(result.correct))
        row = self._place.get(result.question.query_id)
        if self._beliefs is None or row is None:
            return 0.0
        one = self._beliefs.take([row])
        curve = one.curve if one.outcomes is None else one.outcomes.curve
        return float(curve.value(np.array([result.generated]))[0])

    def _lines(self) -> dict[str, str]:
        answered = sum(count for reason, count in self._seen.items() if reason.replied)
        stopped = f", {self._seen[Reason.STOPPED]:,} of them stopped" if self._seen[Reason.STOPPED] else ""
        lines = {
            "tokens": f"{self._spent:,} of {self._budget:,}",
            "answered": f"{answered:,} of {self._questions:,} questions{stopped}",
        }
        right = [f"{self._right:,.0f}"] if self._graded else []
        if self._market is not None and not math.isnan(self._market.price):
            expected = self._right + self._market.price * max(0, self._market.unreserved)
            right.append(f"at least {expected:,.0f} expected in the end")
        if right:
            lines["right"] = ", ".join(right)
        if self._market is not None and not math.isnan(self._market.price):
            lines["price"] = f"{self._market.price:.2g} right answers a token"
        return lines
