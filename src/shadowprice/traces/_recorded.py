"""What would be believed of recorded replies while they run, worked out beforehand for every moment."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs import AbstractOutlook, Beliefs, Outcomes, known_confidence
from shadowprice.traces._traces import Traces

if TYPE_CHECKING:
    from shadowprice.beliefs import RunningPredictor


class RecordedOutlook(AbstractOutlook):
    """Beliefs about n recorded replies at the start and at every grid token that they reach.

    Between two moments, the beliefs of the earlier one hold. Replies share the tables that they are read from, so
    taking some of them is cheap.

    Args:
        before: n rows, what was believed before.
        first: ``(n,)`` row of the tables for each reply's start; its other moments follow.
        count: ``(n,)`` moments of each reply, at least 1.
        right: ``(p, K)`` P(right by e_j | running then).
        finished: ``(p, K)`` P(finished by e_j | running then).
    """

    def __init__(
        self, before: Outcomes, first: IntArray, count: IntArray, right: FloatArray, finished: FloatArray
    ) -> None:
        self.before = before
        self.first = first
        self.count = count
        self.right = right
        self.finished = finished

    @classmethod
    def of(cls, traces: Traces, beliefs: Beliefs, running: "RunningPredictor", rows: IntArray) -> Self:
        """Let a fitted predictor read some recorded replies.

        Args:
            traces: Where the replies are from.
            beliefs: About all questions of the traces, with outcomes, of the static predictor that `running` goes on
                from.
            running: Fitted on other questions.
            rows: ``(n,)`` rows of the traces.

        Raises:
            InputError: The beliefs have no outcomes.
        """
        if beliefs.outcomes is None:
            raise InputError("The beliefs have no outcomes to go on from; make them with OutcomePredictor.")
        before = beliefs.outcomes.take(traces.query[rows])
        moments = np.append(0.0, before.tokens)
        reached = moments < np.maximum(traces.completion_tokens[rows], 1)[:, np.newaxis]
        reply, place = np.nonzero(reached)
        tokens = moments[place]
        said = running.read(traces.evidence, rows[reply], tokens)
        sure = known_confidence(traces.evidence, rows[reply], tokens)
        then = running.predict(before.take(reply), tokens, said, sure)
        count = reached.sum(axis=1).astype(np.int64)
        first = np.cumsum(count) - count
        return cls(before, first, count, then.right.astype(np.float32), then.finished.astype(np.float32))

    @classmethod
    def concatenate(cls, parts: list[Self]) -> Self:
        """Several groups of replies, one after another."""
        shift = np.cumsum([0, *(len(part.right) for part in parts)])
        return cls(
            Outcomes.concatenate([part.before for part in parts]),
            np.concatenate([part.first + offset for part, offset in zip(parts, shift[:-1], strict=True)]),
            np.concatenate([part.count for part in parts]),
            np.concatenate([part.right for part in parts]),
            np.concatenate([part.finished for part in parts]),
        )

    def take(self, rows: Any) -> Self:
        """The beliefs about some of the replies, by NumPy index or mask."""
        return type(self)(self.before.take(rows), self.first[rows], self.count[rows], self.right, self.finished)

    def outcomes(self, ids: IntArray, generated: IntArray) -> Outcomes:
        """What was believed at the last moment that each reply had reached."""
        moment = np.searchsorted(self.before.tokens, generated, side="right")
        place = self.first[ids] + np.minimum(moment, self.count[ids] - 1)
        return Outcomes(self.before.tokens, self.right[place], self.finished[place])
