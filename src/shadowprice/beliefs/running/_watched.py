"""What is believed of queries by what they have written so far."""

from collections.abc import Sequence

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import IntArray
from shadowprice.beliefs._beliefs import Outcomes
from shadowprice.beliefs._confidence import SUMMARY, ConfidenceSoFar
from shadowprice.beliefs._outlook import AbstractOutlook
from shadowprice.beliefs.running._progress import Progress
from shadowprice.beliefs.running._running import RunningPredictor

_PLACES = 64
"""Texts that can be followed at first; there are more when more are needed."""


class WatchedOutlook(AbstractOutlook):
    """What the texts tell that the queries have written so far.

    Args:
        before: n rows, from the static predictor that `running` was fitted to.
        running: Reads texts so far.
    """

    def __init__(self, before: Outcomes, running: RunningPredictor) -> None:
        self.before = before
        self._running = running
        self._progress = Progress(min(_PLACES, max(1, len(before))), running.words_)
        self._confidence = ConfidenceSoFar(len(self._progress))
        self._place = np.full(len(before), -1, dtype=np.int64)
        self._free = list(range(len(self._progress)))
        if len(before):
            self._warm_up()

    def _warm_up(self) -> None:
        """Load compiled code now, which takes seconds, and not while replies are being written."""
        one = np.array([0])
        for tokens in (1, 10**6):  # how a reply opens is judged by another model than how it goes on
            self.read(one, ["It is 1. "])
            self.hear(0, tokens, [(-0.1, 0.5), (-0.2, 0.5)])
            self.outcomes(one, np.array([tokens]))
        self.forget(one)

    def read(self, ids: IntArray, texts: Sequence[str]) -> None:
        """Take in what some queries have written since the last call.

        Raises:
            InputError: There is not one text for each row, or a row comes twice.
        """
        if len(ids) != len(texts) or len(set(ids.tolist())) != len(ids):
            raise InputError(f"There are {len(ids)} rows but {len(texts)} texts; give each row once, with one text.")
        self._follow(ids)
        self._progress.update(self._place[ids], texts)

    def hear(self, row: int, tokens: int, told: Sequence[tuple[float, float]]) -> None:
        """Take in how sure the model was of a query's latest tokens, where that is told.

        Args:
            row: The query.
            tokens: Tokens that it has come to with them.
            told: Log-probability of each and entropy of its choice, nats, in order.
        """
        if told:
            self._follow(np.array([row]))
            self._confidence.update(int(self._place[row]), tokens, np.asarray(told, dtype=np.float64))

    @property
    def hears(self) -> bool:
        """Whether it is of any use to be told how sure the model is."""
        return self._running.knows_confidence

    def _follow(self, ids: IntArray) -> None:
        """Give places to those that have none."""
        new = ids[self._place[ids] < 0]
        while len(self._free) < len(new):
            size = len(self._progress)
            self._progress.grow(2 * size)
            self._confidence.grow(2 * size)
            self._free.extend(range(size, 2 * size))
        for row in new:
            self._place[row] = self._free.pop()
        self._progress.restart(self._place[new])
        self._confidence.restart(self._place[new])

    def forget(self, ids: IntArray) -> None:
        """Drop the texts of queries that have ended, so that others can be followed in their place."""
        known = ids[self._place[ids] >= 0]
        self._free.extend(self._place[known].tolist())
        self._place[known] = -1

    def outcomes(self, ids: IntArray, generated: IntArray) -> Outcomes:
        """As the running predictor sees them; a query without text by its token count alone.

        How sure the model was counts where it was told, and a query of which it was not is believed as without it.
        """
        said = np.zeros((len(ids), self._progress.n_features))
        read = np.flatnonzero(self._place[ids] >= 0)
        places, tokens = self._place[ids[read]], np.asarray(generated, dtype=np.float64)
        said[read] = self._progress.features(places)
        sure = np.full((len(ids), len(SUMMARY)), np.nan)
        if self.hears:
            sure[read] = self._confidence.at(places, tokens[read])
        return self._running.predict(self.before.take(ids), tokens, said, sure)
