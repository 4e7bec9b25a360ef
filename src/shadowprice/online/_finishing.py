"""Where nothing is graded, a whole reply is worth something: how long replies are, learnt from traffic."""

import math
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from shadowprice._errors import InputError
from shadowprice._types import FloatArray
from shadowprice.beliefs import Outcomes, given_running
from shadowprice.online._forecaster import AbstractForecaster, Asked
from shadowprice.online._kernels import count_reply, ended_by
from shadowprice.online._pooled import checked_grid
from shadowprice.online._seam import Hopes

_USUAL: Final = 250.0
"""Median tokens of a reply before any is seen."""
_STEEPNESS: Final = 1.3
"""Of the usual distribution: one reply in ten is five times as long as the median, or a fifth of it."""
_USUAL_COUNTS: Final = 4.0
"""Replies that it counts."""
_ALL_COUNT: Final = 12.0
"""Replies of a kind that all traffic together counts."""
_ENOUGH: Final = 2000.0
"""Replies of a kind after which the older ones count half, so that a change is followed."""
_MOST_KINDS: Final = 1000
"""Kinds that are kept apart; whoever makes up names of models must not fill the memory."""
_NO_LENGTHS: Final = "The snapshot holds no lengths of replies on this grid; delete it, and they are learnt anew."


class Finishing(AbstractForecaster):
    """A reply is worth something if it comes to its end, or to the cap that its client set: P(right) is P(ended).

    How long replies are is estimated from those that were settled, by kind (`Asked.key`), on the cells of the grid
    (Kaplan and Meier 1958, the actuarial form): a reply that was cut says only that it would have been longer. A kind
    of which little is known is taken to be like all traffic, and that to be like the usual.

    Args:
        grid: ``(K,)`` token counts, rising, above 0.

    Raises:
        InputError: The grid is none.
    """

    def __init__(self, grid: ArrayLike) -> None:
        self.grid = checked_grid(grid)
        self._points = self.grid.astype(np.float64)
        by = 1.0 / (1.0 + (_USUAL / self._points) ** _STEEPNESS)
        before = np.append(0.0, by[:-1])
        self._usual = (by - before) / (1.0 - before)
        self._all: FloatArray = np.zeros((2, len(self.grid)))
        """Replies at risk in each cell, and those that ended in it."""
        self._none = np.zeros_like(self._all)
        self._kinds: dict[str, FloatArray] = {}
        self._hopes: dict[str, Hopes] = {}
        """What is believed of each kind, until something is learnt."""
        self._followed: dict[int, tuple[Outcomes, float]] = {}
        self._places = 0

    def before(self, asked: Asked) -> Hopes:
        """How likely a reply of that kind has ended by then."""
        found = self._hopes.get(asked.key)
        if found is None:
            kind = self._kinds.get(asked.key, self._none)
            done = ended_by(self._all, self._usual, _USUAL_COUNTS, kind, _ALL_COUNT)
            found = Hopes(done, done)
            if len(self._hopes) < _MOST_KINDS:
                self._hopes[asked.key] = found
        return replace(found, at_cap=1.0) if asked.own_cap else found

    def follow(self, asked: Asked, before: Hopes) -> int:
        """Remember what was believed of it."""
        self._places += 1
        known = Outcomes(self._points, before.right[np.newaxis], before.finished[np.newaxis])
        self._followed[self._places] = known, before.at_cap
        return self._places

    def running(self, place: int, generated: int, text_since: str) -> Hopes:
        """The same, given that it has come so far."""
        before, at_cap = self._followed[place]
        now = given_running(before, np.array([float(generated)]))
        return Hopes(now.right[0], now.finished[0], at_cap)

    def forget(self, place: int) -> None:
        """Its place is free."""
        self._followed.pop(place, None)

    def learn(self, asked: Asked, generated: int, finished: bool) -> None:
        """Count a reply."""
        if generated < 1:
            return
        if asked.key not in self._kinds:
            if len(self._kinds) >= _MOST_KINDS:
                del self._kinds[next(iter(self._kinds))]
            self._kinds[asked.key] = np.zeros_like(self._all)
        for counts in (self._all, self._kinds[asked.key]):
            count_reply(self._points, counts, generated, finished, _ENOUGH)
        self._hopes.clear()

    def snapshot(self) -> dict[str, Any]:
        """What was counted."""
        kinds = {key: _rounded(counts) for key, counts in self._kinds.items()}
        return {"grid": self.grid.tolist(), "all": _rounded(self._all), "kinds": kinds}

    def restore(self, state: Any) -> None:
        """Go on counting."""
        try:
            same, everything = state["grid"] == self.grid.tolist(), self._counts(state["all"])
            kinds = {str(key): self._counts(counts) for key, counts in list(state["kinds"].items())[-_MOST_KINDS:]}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(_NO_LENGTHS) from error
        if not same:
            raise InputError(_NO_LENGTHS)
        self._all, self._kinds = everything, kinds
        self._hopes.clear()

    def _counts(self, rows: Any) -> FloatArray:
        counts = np.asarray(rows, dtype=np.float64)
        if counts.shape != self._all.shape or not ((counts >= 0.0) & (counts < math.inf)).all():
            raise ValueError("counts are out of range")
        if (counts[1] > counts[0]).any():
            raise ValueError("more have ended than there were")
        return counts


def _rounded(counts: FloatArray) -> list[list[float]]:
    rows: list[list[float]] = counts.round(3).tolist()
    return rows
