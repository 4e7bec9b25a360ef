"""Evidence with each question once: what became of its replies, and what regressions learn of it."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs._evidence import Evidence
from shadowprice.beliefs.past import MODEL, Cells, Past, PastModel, Scores, Told
from shadowprice.beliefs.reading import Target

_SAME_QUESTION: Final = 0.5
"""Correlation of two replies to one question, for what several of them count."""
_MOST_EARLIER: Final = 8
"""Replies to a question that are looked at as what came before another one, at most."""


class Replies(NamedTuple):
    """Evidence with each text once."""

    texts: Sequence[str]
    """``(n,)`` questions."""
    query: IntArray
    """``(m,)`` question of each reply, like everything below."""
    answer: IntArray
    length: IntArray
    right: Any
    cut: Any
    weight: FloatArray

    @property
    def ends(self) -> IntArray:
        """Tokens up to the end of a right answer, or of a wrong reply."""
        return np.where(self.right, self.answer, self.length)

    @property
    def judged(self) -> FloatArray:
        """Weights for whether a reply is right.

        One that was cut off early says little about whether it would have been: it counts by the share of right answers
        that have appeared by then.
        """
        positions = np.sort(self.answer[self.right])
        known = np.ones(len(self.query))
        if positions.size:
            known[self.cut] = np.searchsorted(positions, self.length[self.cut], side="right") / positions.size
        return np.asarray(self.weight * known)

    @property
    def told(self) -> Told:
        """What a model of the past learns of each."""
        return Told(self.right.astype(np.float64), np.log(self.ends), self.weight, self.judged)

    def one_each(self, rows: IntArray) -> "Replies":
        """Some of the replies, each as a question of its own."""
        return Replies(
            [self.texts[int(number)] for number in self.query[rows]],
            np.arange(len(rows)),
            self.answer[rows],
            self.length[rows],
            self.right[rows],
            self.cut[rows],
            self.weight[rows],
        )

    def earlier(self) -> Cells:
        """The past that each reply's question had by then, by this model itself: its replies before this one.

        Of many replies to a question, the first few.
        """
        order = np.argsort(self.query, kind="stable")
        first = np.searchsorted(self.query[order], self.query[order])
        turn = np.arange(len(order)) - first
        late, early = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for back in range(1, min(_MOST_EARLIER, int(turn.max(initial=0))) + 1):
            some = np.flatnonzero((turn >= back) & (turn < _MOST_EARLIER))
            late.append(order[some])
            early.append(order[some - back])
        row, reply = np.concatenate(late), np.concatenate(early)
        told = self.told
        return Cells.gathered(
            len(self.query),
            row,
            np.full(len(row), MODEL),
            np.zeros(len(row)),
            np.where(told.judged[reply] > 0.0, told.right[reply], np.nan),
            told.log_tokens[reply],
            told.weight[reply],
        )


def replies_of(evidence: Evidence) -> Replies:
    """The replies that count.

    Raises:
        InputError: There is none, or a weight is below 0.
    """
    if (evidence.weight < 0.0).any() or not np.isfinite(evidence.weight).all():
        row = int(np.flatnonzero(~(evidence.weight >= 0.0) | ~np.isfinite(evidence.weight))[0])
        raise InputError(f"weight must be finite and at least 0, but is {evidence.weight[row]} for reply {row}.")
    if not len(evidence) or not evidence.weight.sum() > 0.0:
        raise InputError("There is no reply to learn from; record some, or use PriorPredictor, which needs none.")
    heard = evidence.weight > 0.0
    texts, text = np.unique(np.asarray(evidence.questions, dtype=object), return_inverse=True)
    asked, query = np.unique(text[evidence.query[heard]], return_inverse=True)
    return Replies(
        [str(texts[number]) for number in asked],
        query.astype(np.int64),
        np.maximum(evidence.answer_tokens[heard], 1),
        np.maximum(evidence.completion_tokens[heard], 1),
        evidence.correct[heard],
        evidence.censored[heard],
        evidence.weight[heard],
    )


def past_model(replies: Replies, evidence: Evidence, scores: Scores) -> tuple[PastModel, Replies, Scores] | None:
    """What is learnt from the replies to whose questions there was a past, each for itself.

    Args:
        replies: Those of the evidence.
        evidence: With its past. Several replies to a question are each a past of the next as well.
        scores: What the texts say, by models that have not learnt from them; one row for each text.

    Returns:
        The model, those replies as questions of their own, and their scores with what the past says; None if there is
        no past.
    """
    past = Past((), (), (), (), ()) if evidence.past is None else evidence.past
    sources = [name for name in past.sources if name != evidence.model]
    place = {name: number for number, name in enumerate([evidence.model, *sources])}
    cells = Cells.of(replies.texts, past, place).take(replies.query).beside(replies.earlier())
    rows = np.flatnonzero(cells.any)
    if not len(rows):
        return None
    each, text, cells = replies.one_each(rows), scores.take(replies.query[rows]), cells.take(rows)
    model = PastModel(evidence.model).fit(text, cells, each.told, sources)
    return model, each, model.predict(text, cells)


def shares(replies: Replies) -> tuple[Target, Target, Target]:
    """Per question: share right, mean log position of right answers, mean log length of wrong replies."""
    weight = replies.judged
    log_ends = np.log(replies.ends)
    wrong = ~replies.right
    return (
        _mean_of(replies.query, replies.right.astype(np.float64), weight, weight > 0.0),
        _mean_of(replies.query, log_ends, replies.weight, replies.right),
        _mean_of(replies.query, log_ends, replies.weight, wrong),
    )


def _mean_of(query: IntArray, value: FloatArray, weight: FloatArray, rows: Any) -> Target:
    """Means over the replies to each question; several replies to one question say less than as many to several."""
    used, place = np.unique(query[rows], return_inverse=True)
    total = np.bincount(place, weight[rows], minlength=len(used))
    mean = np.bincount(place, weight[rows] * value[rows], minlength=len(used)) / total
    counts = total / (1.0 + _SAME_QUESTION * np.maximum(total - 1.0, 0.0))
    return Target(used.astype(np.int64), mean, counts)
