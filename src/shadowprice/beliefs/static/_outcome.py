"""Our predictor: right, wrong or still running at every token count."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from shadowprice._errors import InputError
from shadowprice._types import FloatArray
from shadowprice.beliefs._beliefs import Beliefs, Outcomes
from shadowprice.beliefs._evidence import Evidence
from shadowprice.beliefs._predictor import AbstractPredictor, check_texts
from shadowprice.beliefs.encoders import AbstractEncoder
from shadowprice.beliefs.past import Past, PastModel, Scores
from shadowprice.beliefs.reading import GROUPS, Heard, Target, TextRegression, pooled
from shadowprice.beliefs.static._calibration import LocationCalibration, LogitCalibration
from shadowprice.beliefs.static._hazards import TOKEN_GRID, Counts, Hazards, cells_of, count_ends, mixture_ends
from shadowprice.beliefs.static._prior import BETWEEN, WITHIN, prior_scores
from shadowprice.beliefs.static._replies import Replies, past_model, replies_of, shares
from shadowprice.beliefs.surges import steady_surge

_AT_ONCE = 32_768
"""Questions that are predicted at a time."""
_MOST = 20_000
"""Questions that hazards are fitted on at most: they have three scores and some forty coefficients."""
_USUAL = 4.0
"""Replies that the usual spread of answers' positions is worth."""
_SEEN_ENOUGH = 50
"""Replies from which on the longest says how far a model goes."""


class OutcomePredictor(AbstractPredictor):
    """Predicts from the text of a question when a reply will be right, or end wrong: competing risks on a token grid.

    Three scores are read from the text (`TextRegression`): the chance that a reply is right, where a right answer
    appears, and how long a wrong reply gets. They are calibrated on questions that they had not seen, starting from the
    beliefs of `PriorPredictor`, and hazards are fitted to them by maximum likelihood, to which the prior contributes
    as much as `pseudo_questions` questions would. So without evidence the prior is what is believed, and with little
    evidence mostly.

    Args:
        pseudo_questions: What the prior counts, in questions.
        max_tokens: Cap that replies are held to, tokens, for the prior; evidence overrules it.
        n_components: Directions of TF-IDF that the trees see.
        n_trees: Trees per score.
        linear_share: Share of the linear part in each score; trees make the rest.
        groups: Groups of text features to use, of `GROUPS`.
        encoder: Another model's reading of the text, from `shadowprice.beliefs.encoders`; none by default.
        random_state: Seed of everything random.
    """

    __module__ = "shadowprice.beliefs"  # predictor files name it so: modules may move
    past_: PastModel | None = None
    past_hazards_: Hazards | None = None

    def __init__(
        self,
        pseudo_questions: float = 40.0,
        max_tokens: int = 4096,
        n_components: int = 32,
        n_trees: int = 200,
        linear_share: float = 0.25,
        groups: Sequence[str] = GROUPS,
        encoder: AbstractEncoder | None = None,
        random_state: int = 0,
    ) -> None:
        self.pseudo_questions = pseudo_questions
        self.max_tokens = max_tokens
        self.n_components = n_components
        self.n_trees = n_trees
        self.linear_share = linear_share
        self.groups = groups
        self.encoder = encoder
        self.random_state = random_state

    def fit(self, evidence: Evidence) -> Self:
        """Learn from replies, one or several per question.

        What other models replied (`Evidence.beside`) says how questions compare; all that is calibrated or fitted to
        the scores is fitted to this model's own replies.

        Raises:
            InputError: There is no reply, or a weight, a length or `pseudo_questions` is below 0.
        """
        replies = replies_of(evidence)
        if not self.pseudo_questions > 0.0:
            raise InputError(f"pseudo_questions must be above 0, but is {self.pseudo_questions}.")
        # Products of tall, narrow tables gain little from threads, and their spinning stalls when the cores are shared.
        with threadpool_limits(1):
            self._fit(replies, evidence)
        return self

    def _fit(self, replies: Replies, evidence: Evidence) -> None:
        share = shares(replies)
        self.text_ = TextRegression(
            self.n_components, self.n_trees, self.linear_share, self.groups, self.encoder, self.random_state
        )
        others = [replies_of(other) for other in evidence.others if other.weight.any()]
        theirs = [Heard(part.texts, shares(part)) for part in others]
        heard = pooled(Heard(replies.texts, share), theirs)
        raw = self.text_.fit_unseen(heard.texts, heard.targets)[: len(replies.texts)]
        prior = prior_scores(replies.texts, self.max_tokens, None)
        chance, right, wrong = share
        self.chance_ = LogitCalibration().fit(
            raw[chance.rows, 0], prior.logit[chance.rows], chance.value, chance.weight
        )
        self.right_ = _located(raw[:, 1], prior.right, right)
        self.wrong_ = _located(raw[:, 2], prior.wrong, wrong)
        scores = self._scores(replies.texts, raw)
        self.hazards_ = self._hazards(replies, scores)
        self._fit_past(replies, evidence, scores)
        self._fit_lag(replies)
        self._fit_surge(replies, scores)

    def predict(self, questions: Sequence[str], past: Past | None = None) -> Beliefs:
        """Beliefs about n questions, with outcomes on the same grid whatever the evidence.

        A question without a past is believed as if there were none at all.
        """
        check_texts(questions)
        check_is_fitted(self)
        n = len(questions)
        by, done, threshold = np.empty((n, len(TOKEN_GRID))), np.empty((n, len(TOKEN_GRID))), np.empty(n)
        # A part at a time: what it takes on the way is several times as large as what comes of it.
        for start in range(0, n, _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            scores = self._scores(questions[part], self.text_.predict(questions[part]))
            by[part], done[part] = self._by_then(self.hazards_, scores)
            if self.past_ is not None and self.past_hazards_ is not None and past is not None:
                scores = self._informed(questions[part], past, scores, by[part], done[part])
            threshold[part] = self.scale_ * np.exp(scores.right)
        beta = np.full(n, self.beta_)
        return Beliefs(threshold, by[:, -1] * np.e * beta, beta, Outcomes(TOKEN_GRID.copy(), by, done))

    def _informed(
        self, questions: Sequence[str], past: Past, scores: Scores, by: FloatArray, done: FloatArray
    ) -> Scores:
        """The scores with what the past says; writes what is believed of questions that have one."""
        assert self.past_ is not None and self.past_hazards_ is not None
        cells = self.past_.cells(questions, past)
        rows = np.flatnonzero(cells.any)
        if not len(rows):
            return scores
        moved = self.past_.predict(scores.take(rows), cells.take(rows))
        by[rows], done[rows] = self._by_then(self.past_hazards_, moved)
        return scores.put(rows, moved)

    def _by_then(self, hazards: Hazards, scores: Scores) -> tuple[FloatArray, FloatArray]:
        """P(right by e_j) and P(finished by e_j), ``(m, K)`` each."""
        right, wrong = hazards.predict(scores)
        done = wrong.cumsum(axis=1)
        for cells, share in enumerate(self.lag_):
            done[:, cells:] += share * right.cumsum(axis=1)[:, : right.shape[1] - cells]
        return np.minimum(right.cumsum(axis=1), 1.0), np.minimum(done, 1.0)

    def _scores(self, questions: Sequence[str], raw: FloatArray) -> Scores:
        prior = prior_scores(questions, self.max_tokens, None)
        return Scores(
            self.chance_.predict(raw[:, 0], prior.logit),
            self.right_.predict(raw[:, 1], prior.right),
            self.wrong_.predict(raw[:, 2], prior.wrong),
        )

    def _fit_past(self, replies: Replies, evidence: Evidence, scores: Scores) -> None:
        """Learn what a past says, from the replies to whose questions there was one, each for itself."""
        self.past_ = self.past_hazards_ = None
        if (found := past_model(replies, evidence, scores)) is not None:
            self.past_, each, moved = found
            self.past_hazards_ = self._hazards(each, moved)

    def _hazards(self, replies: Replies, scores: Scores) -> Hazards:
        """Hazards that go with some scores."""
        _, right_at, wrong_at = shares(replies)
        located = (
            (scores.right[right_at.rows] - right_at.value, right_at.weight),
            (scores.wrong[wrong_at.rows] - wrong_at.value, wrong_at.weight),
        )
        longest = int(replies.length.max())
        if not replies.cut.any() and len(replies.query) < _SEEN_ENOUGH:
            longest = max(longest, self.max_tokens)
        cells = int(cells_of(np.array([longest]))[0]) + 1
        n = len(replies.texts)
        counts = count_ends(
            n,
            replies.query,
            cells_of(np.where(replies.right, replies.answer, replies.length)),
            np.stack([replies.weight, replies.right], axis=1),
            (~replies.right & ~replies.cut).astype(np.float64),
        )
        used = np.arange(n)
        if n > _MOST:
            used = np.sort(np.random.default_rng(self.random_state).choice(n, _MOST, replace=False))
        spread = np.array([_spread(*part) for part in located])
        # What the prior would have seen of these questions, as counts.
        right, wrong = mixture_ends(scores, spread)
        running = 1.0 - np.cumsum(right + wrong, axis=1) + right + wrong
        each = self.pseudo_questions / len(used)
        counts = Counts(
            *(seen + each * believed for seen, believed in zip(counts, (running, right, wrong), strict=True))
        )
        return Hazards().fit(scores.take(used), Counts(*(part[used] for part in counts)), cells, spread)

    def _fit_lag(self, replies: Replies) -> None:
        """How many cells after its right answer a reply ends."""
        right = replies.right
        later = cells_of(np.maximum(replies.length, replies.answer))[right] - cells_of(replies.answer)[right]
        lag = np.bincount(later, replies.weight[right], minlength=1)
        lag[0] += 1.0
        self.lag_ = lag / lag.sum()

    def _fit_surge(self, replies: Replies, scores: Scores) -> None:
        """τ̂ at the median of answer over predicted position, β as `fit_surge` finds it; α is each question's own."""
        self.scale_ = 0.5
        self.beta_ = 2.0 / float(np.exp(scores.right).mean())
        right = replies.right
        if not right.any():
            return
        predicted = np.exp(scores.right)[replies.query]
        self.scale_ = _weighted_median((replies.answer / predicted)[right], replies.weight[right])
        self.beta_ = steady_surge(predicted, replies.answer, right, replies.weight, self.random_state).beta


def _spread(error: FloatArray, weight: FloatArray) -> float:
    """Standard deviation of log tokens around their scores; the prior counts as some replies that are off as usual."""
    total = _USUAL + float(weight.sum())
    level = BETWEEN**2 / (1.0 + float(weight.sum()))
    return float(np.sqrt((_USUAL * (WITHIN**2 + level) + weight @ error**2) / total))


def _weighted_median(value: FloatArray, weight: FloatArray) -> float:
    order = np.argsort(value)
    by = np.cumsum(weight[order])
    return float(value[order][np.searchsorted(by, by[-1] / 2.0)])


def _located(raw: FloatArray, offset: FloatArray, target: Target) -> LocationCalibration:
    return LocationCalibration().fit(raw[target.rows], offset[target.rows], target.value, target.weight)
