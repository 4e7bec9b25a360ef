"""Hopes of a fitted predictor: whether the reply will be right, by its question and by what it says so far."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from shadowprice._errors import InputError
from shadowprice.beliefs import Outcomes, given_running
from shadowprice.online._forecaster import AbstractForecaster, Asked
from shadowprice.online._seam import Hopes

if TYPE_CHECKING:
    from shadowprice.beliefs import AbstractPredictor, RunningPredictor

_BLOCK: Final = 256
"""Replies that are followed together."""


class Predicted(AbstractForecaster):
    """What a predictor of outcomes says; it learns nothing from traffic, as nobody grades it.

    Args:
        predictor: Fitted; its beliefs have outcomes.
        running: Reads replies while they are written; without it, only how far they have come is known.

    Raises:
        InputError: The predictor knows no outcomes.
    """

    def __init__(self, predictor: "AbstractPredictor", running: "RunningPredictor | None" = None) -> None:
        outcomes = predictor.predict([""]).outcomes
        if outcomes is None:
            raise InputError(
                "The predictor says nothing of outcomes, which a price needs; fit with "
                "`shadowprice fit --predictor outcome`."
            )
        self._predictor, self._running = predictor, running
        self._points = outcomes.tokens
        self.grid = outcomes.tokens.astype(np.int64)
        self._blocks: list[_Block] = []
        self._free: list[int] = []
        if running is not None:
            self._grow()  # loads compiled code, now and not while replies are waiting

    def before(self, asked: Asked) -> Hopes:
        """By its question; where nobody may read that, by what is usual."""
        outcomes = self._predictor.predict([asked.question or ""]).outcomes
        assert outcomes is not None
        return Hopes(outcomes.right[0], outcomes.finished[0])

    def follow(self, asked: Asked, before: Hopes) -> int:
        """A place for its text."""
        if not self._free:
            self._grow()
        place = self._free.pop()
        block, row = self._blocks[place // _BLOCK], place % _BLOCK
        block.before.right[row], block.before.finished[row] = before.right, before.finished
        return place

    def running(self, place: int, generated: int, text_since: str) -> Hopes:
        """By what it says so far."""
        block, row = self._blocks[place // _BLOCK], np.array([place % _BLOCK])
        if block.watched is None:
            now = given_running(block.before.take(row), np.array([float(generated)]))
        else:
            if text_since:
                block.watched.read(row, [text_since])
            now = block.watched.outcomes(row, np.array([generated]))
        return Hopes(now.right[0], now.finished[0])

    def forget(self, place: int) -> None:
        """Its text is dropped."""
        block = self._blocks[place // _BLOCK]
        if block.watched is not None:
            block.watched.forget(np.array([place % _BLOCK]))
        self._free.append(place)

    def learn(self, asked: Asked, generated: int, finished: bool) -> None:
        """Nothing."""

    def snapshot(self) -> dict[str, Any]:
        """Nothing is learnt, so nothing is kept."""
        return {}

    def restore(self, state: Any) -> None:
        """Nothing is learnt, so there is nothing to go on from."""

    def _grow(self) -> None:
        first = len(self._blocks) * _BLOCK
        self._blocks.append(_Block(self._points, self._running))
        self._free.extend(range(first + _BLOCK - 1, first - 1, -1))


class _Block:
    """Some replies that are followed together."""

    def __init__(self, points: Any, running: "RunningPredictor | None") -> None:
        from shadowprice.beliefs import WatchedOutlook  # scikit-learn comes with it

        shape = (_BLOCK, len(points))
        self.before = Outcomes(points, np.zeros(shape), np.zeros(shape))
        self.watched: WatchedOutlook | None = None if running is None else WatchedOutlook(self.before, running)
