"""Beliefs about queries while their replies are being written."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator
from sklearn.decomposition import TruncatedSVD
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from shadowprice._errors import InputError
from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.beliefs._beliefs import Beliefs, Outcomes, given_running
from shadowprice.beliefs._confidence import SUMMARY, known_confidence, sureness
from shadowprice.beliefs._cross_fit import cross_fit
from shadowprice.beliefs._evidence import Evidence
from shadowprice.beliefs._predictor import AbstractPredictor
from shadowprice.beliefs.running._future import FutureModel
from shadowprice.beliefs.running._landmarks import (
    TIME_FEATURES,
    Landmarks,
    characters_at,
    moments,
    openings,
    time_features,
)
from shadowprice.beliefs.running._progress import Progress, WordDirections, read_prefixes
from shadowprice.beliefs.running._state import BUCKETS
from shadowprice.beliefs.running._words import PROGRESS_FEATURES, PROGRESS_GROUPS, columns_of

_FEWEST = 8
"""With fewer different questions than this nothing is learnt, and static beliefs are conditioned on the token count."""
_HALF_TRUSTED = 100.0
"""Questions from which on what was learnt counts more than the static beliefs; it is worse than they are with 50."""


class RunningPredictor(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Updates static outcomes by how far a reply has come and by what it says so far.

    Learnt by landmarking (van Houwelingen 2007, *Dynamic prediction by landmarking in event history analysis*): at a
    dozen token counts, the recorded replies that are still running are described by their static outcomes, their
    token count and their text so far, and two models are fitted to what became of them: of the chance that a right
    answer is yet to come, and of the tokens that are left (see `FutureModel`). How replies begin, before even short
    ones end, is learnt apart, at a few token counts of its own: the first words tell a terse reply from a long one,
    but little of what they tell still counts later on. A query without text is believed by its token count alone.

    Args:
        n_landmarks: Token counts to look at replies at.
        n_components: Directions of word counts.
        n_trees: Trees per model.
        groups: Groups of progress features to use, of `PROGRESS_GROUPS`.
        confidence: Learn from how sure the model was, too, where that is known. It is learnt apart, by models of their
            own, so that a reply of which it is not known is believed as if it had never been.
        folds: Folds of questions, where a static predictor is given and has to be cross-fitted.
        random_state: Seed of everything random.
    """

    __module__ = "shadowprice.beliefs"  # predictor files name it so: modules may move

    confidence: bool = True
    by_sure_text_: FutureModel | None = None
    by_sure_opening_: FutureModel | None = None
    """What older files do not have: models that know how sure the model was, and whether to learn them."""

    def __init__(
        self,
        n_landmarks: int = 16,
        n_components: int = 20,
        n_trees: int = 100,
        groups: Sequence[str] = PROGRESS_GROUPS,
        confidence: bool = True,
        folds: int = 4,
        random_state: int = 0,
    ) -> None:
        self.n_landmarks = n_landmarks
        self.n_components = n_components
        self.n_trees = n_trees
        self.groups = groups
        self.confidence = confidence
        self.folds = folds
        self.random_state = random_state

    def fit(self, evidence: Evidence, beliefs: Beliefs | AbstractPredictor) -> Self:
        """Learn from replies, with their texts where they were kept.

        Args:
            evidence: m replies to n questions.
            beliefs: About the n questions, with outcomes, from a predictor that was fitted without them
                (`cross_fit`); or a static predictor, which is then cross-fitted here.

        Raises:
            InputError: The beliefs have no outcomes, or are about other questions, or a group is not known.
        """
        if isinstance(beliefs, AbstractPredictor):
            different = len(set(evidence.questions))
            if different < 2:
                raise InputError(
                    "Beliefs about running queries need replies to 2 different questions or more; record some."
                )
            beliefs = cross_fit(beliefs, evidence, folds=min(self.folds, different), seed=self.random_state)
        outcomes = beliefs.outcomes
        if outcomes is None:
            raise InputError("The beliefs have no outcomes to update; make them with OutcomePredictor.")
        if len(outcomes) != evidence.n_queries:
            raise InputError(f"There are beliefs about {len(outcomes)} questions, but {evidence.n_queries} questions.")
        columns_of(self.groups, 0)
        later = moments(evidence, self.n_landmarks)
        marks = Landmarks.of(evidence, outcomes, later, self.random_state)
        begun = Landmarks.of(evidence, outcomes, openings(later), self.random_state)
        self.opening_ = float(later[0]) if len(later) else 1.0
        self.trusted_at_, self.trust_ = _trust(begun, marks, evidence)
        self.by_time_: FutureModel | None = None
        self.by_opening_: FutureModel | None = None
        self.by_text_: FutureModel | None = None
        self.rarity_, self.directions_ = WordDirections.none()
        if self.trust_.any():
            # A few thousand rows gain nothing from threads, and their spinning stalls when the cores are shared.
            with threadpool_limits(1):
                self._fit(evidence, outcomes, begun, marks)
        return self

    def _fit(self, evidence: Evidence, outcomes: Outcomes, begun: Landmarks, marks: Landmarks) -> None:
        time = time_features(outcomes.take(marks.query), marks.tokens)
        self.by_time_ = FutureModel(self.n_trees, self.random_state).fit(time, marks)
        if evidence.completions is None:
            return
        bags = _bags(evidence, marks)
        self.rarity_ = _rarity(bags)
        later, opening = (
            _directions(part, self.rarity_, self.n_components, self.random_state)
            for part in (bags, _bags(evidence, begun))
        )
        self.directions_ = np.hstack([later, opening])
        width = self.directions_.shape[1]
        # Each model has directions of its own.
        self.columns_ = columns_of(self.groups, width, range(later.shape[1]))
        self.opening_columns_ = columns_of(self.groups, width, range(later.shape[1], width))
        self.by_text_, self.by_sure_text_ = self._learn(evidence, marks, time, self.columns_)
        time = time_features(outcomes.take(begun.query), begun.tokens)
        self.by_opening_, self.by_sure_opening_ = self._learn(evidence, begun, time, self.opening_columns_)

    def _learn(
        self, evidence: Evidence, marks: Landmarks, time: FloatArray, columns: IntArray
    ) -> tuple[FutureModel, FutureModel | None]:
        """A model of texts, and one that knows how sure the model was too, where that is known of enough questions."""
        features = np.hstack([time, self.read(evidence, marks.reply, marks.tokens)[:, columns]])
        model = FutureModel(self.n_trees, self.random_state).fit(features, marks)
        known = known_confidence(evidence, marks.reply, marks.tokens)
        if not self.confidence or known is None:
            return model, None
        rows = _is_known(known)
        if len(np.unique(marks.group[rows])) < _FEWEST:
            return model, None
        features = np.hstack([features[rows], sureness(known[rows])])
        return model, FutureModel(self.n_trees, self.random_state).fit(features, marks.take(rows), len(SUMMARY))

    @property
    def knows_confidence(self) -> bool:
        """Whether how sure the model is changes what is believed."""
        return self.by_sure_text_ is not None or self.by_sure_opening_ is not None

    @property
    def words_(self) -> WordDirections:
        """Directions of word counts that `Progress` needs to describe texts for this predictor."""
        check_is_fitted(self)
        return WordDirections(self.rarity_, self.directions_)

    def predict(
        self,
        outcomes: Outcomes,
        tokens: FloatArray,
        progress: FloatArray | None = None,
        confidence: FloatArray | None = None,
    ) -> Outcomes:
        """What may become of n running queries from here on.

        Args:
            outcomes: What was believed of them before they ran, on K token counts.
            tokens: ``(n,)`` tokens generated so far; none has ended by then.
            progress: ``(n, F)`` features of their texts so far, from `Progress` with `words_`; rows of zeros, or None,
                where there is no text.
            confidence: ``(n, 4)`` how sure the model has been, columns as in `SUMMARY`; NaN, or None, where that is
                not known.

        Returns:
            On the same grid, P(right by e_j | running now) and P(finished by e_j | running now): 0 up to now and
            never falling. For a query that has not begun, the static outcomes.

        Raises:
            InputError: Shapes do not fit.
        """
        check_is_fitted(self)
        now = np.asarray(tokens, dtype=np.float64)
        self._check(outcomes, now, progress, confidence)
        before = given_running(outcomes, now)
        right, finished = before.right.copy(), before.finished.copy()
        begun = now > 0.0
        # Text without a single unit gives zeros everywhere.
        speaks = begun & progress.any(axis=1) if progress is not None and self.by_text_ is not None else begun & False
        # Where replies of usual length are under way, how they began no longer counts.
        later = np.clip(np.log2(np.maximum(now, 1.0) / self.opening_), 0.0, 1.0)
        trust = np.interp(now, self.trusted_at_, self.trust_)
        told = np.full((len(now), len(SUMMARY)), np.nan) if confidence is None else confidence
        known = _is_known(told)
        young, old = speaks & (later < 1.0), speaks & (later > 0.0)
        sure_young, sure_old = (
            rows & known & (model is not None)
            for rows, model in ((young, self.by_sure_opening_), (old, self.by_sure_text_))
        )
        parts = (
            (self.by_opening_, "opening_columns_", False, young & ~sure_young, trust * (1.0 - later)),
            (self.by_sure_opening_, "opening_columns_", True, sure_young, trust * (1.0 - later)),
            (self.by_text_, "columns_", False, old & ~sure_old, trust * later),
            (self.by_sure_text_, "columns_", True, sure_old, trust * later),
            (self.by_time_, "", False, begun & ~speaks, trust),
        )
        for model, columns, sure, rows, weight in parts:
            if model is None or not rows.any():
                continue
            features = time_features(outcomes.take(rows), now[rows])
            if columns and progress is not None:
                features = np.hstack([features, progress[rows][:, getattr(self, columns)]])
            if sure:
                features = np.hstack([features, sureness(told[rows])])
            learnt = model.predict(features, now[rows], outcomes.tokens)
            share = weight[rows, np.newaxis]
            right[rows] += share * (learnt.right - before.right[rows])
            finished[rows] += share * (learnt.finished - before.finished[rows])
        return Outcomes(outcomes.tokens, right, finished)

    def read(self, evidence: Evidence, reply: IntArray, tokens: FloatArray) -> FloatArray:
        """Features ``(p, F)`` of recorded replies after `tokens` tokens, for `predict`; for replay and evaluation.

        Recordings keep no token boundaries: the first t of T tokens are taken to be t/T of the characters.

        Args:
            evidence: The recorded replies.
            reply: ``(p,)`` rows of the evidence, in any order.
            tokens: ``(p,)`` tokens.
        """
        words = self.words_
        if evidence.completions is None:
            return np.zeros((len(reply), len(PROGRESS_FEATURES) + 2 * words.matrix.shape[1]))
        order = np.lexsort((tokens, reply))
        cuts = characters_at(evidence, reply, tokens)
        found = read_prefixes(evidence.completions, reply[order], cuts[order], words).features
        found[order] = found.copy()
        return found

    def check_sound(self) -> None:
        """Raise ValueError if fitted arrays do not fit together, as compiled code would not notice."""
        try:
            described = Progress(0, self.words_).n_features
        except InputError as error:
            raise ValueError("the word directions are not a table of hashed words") from error
        if self.by_text_ is None:
            return
        models = (
            (self.by_text_, self.columns_, 0),
            (self.by_opening_, self.opening_columns_, 0),
            (self.by_sure_text_, self.columns_, len(SUMMARY)),
            (self.by_sure_opening_, self.opening_columns_, len(SUMMARY)),
        )
        for model, columns, more in models:
            inside = (columns >= 0) & (columns < described)
            if model is None and more:
                continue
            if model is None or not inside.all() or len(model.centre) != len(TIME_FEATURES) + len(columns) + more:
                raise ValueError("the features are not those that the model was fitted on")

    def _check(
        self, outcomes: Outcomes, tokens: FloatArray, progress: FloatArray | None, confidence: FloatArray | None
    ) -> None:
        n = len(outcomes)
        if tokens.shape != (n,):
            raise InputError(f"There are {n} queries; tokens must have one entry for each, not shape {tokens.shape}.")
        if not (np.isfinite(tokens) & (tokens >= 0.0)).all():
            raise InputError("tokens must be finite and at least 0.")
        expected = (n, len(PROGRESS_FEATURES) + 2 * self.directions_.shape[1])
        if progress is not None and progress.shape != expected:
            raise InputError(
                f"progress must have shape {expected}, but has {progress.shape}; make it with Progress(n, words_)."
            )
        if confidence is not None and confidence.shape != (n, len(SUMMARY)):
            raise InputError(f"confidence must have shape {(n, len(SUMMARY))}, but has {confidence.shape}.")


def _is_known(confidence: FloatArray) -> BoolArray:
    return np.asarray(np.isfinite(confidence).all(axis=1), dtype=np.bool_)


def _trust(begun: Landmarks, marks: Landmarks, evidence: Evidence) -> tuple[FloatArray, FloatArray]:
    """What the learnt models count beside static beliefs: token counts, and weights at them.

    n questions give 1/(1 + (100/n)²). Of moments before the first landmark and after the last one the models know
    little, so the weight falls to 0 on either side: at the first token and at the end of the longest reply.
    """
    known = len(np.unique(marks.group))
    if known < _FEWEST:
        return np.zeros(1), np.zeros(1)
    weight = 1.0 / (1.0 + (_HALF_TRUSTED / known) ** 2)
    first, last = begun.tokens.min(), marks.tokens.max()
    end = max(float(evidence.completion_tokens.max()), last + 1.0)
    return np.array([0.0, first, last, end]), np.array([0.0, weight, weight, 0.0])


def _bags(evidence: Evidence, marks: Landmarks) -> Any:
    """Counts of words and pairs in the texts so far: sparse ``(p, 4096)``."""
    assert evidence.completions is not None
    cuts = characters_at(evidence, marks.reply, marks.tokens)
    columns, counts, starts = read_prefixes(evidence.completions, marks.reply, cuts, count=True).buckets
    return csr_array((counts.astype(np.float64), columns, starts), shape=(len(cuts), BUCKETS))


def _rarity(bags: Any) -> FloatArray:
    """Inverse document frequency ``(4096,)``."""
    texts = np.bincount(bags.indices, minlength=BUCKETS)
    return np.asarray(np.log((1 + bags.shape[0]) / (1 + texts)) + 1.0)


def _directions(bags: Any, rarity: FloatArray, components: int, seed: int) -> FloatArray:
    """Leading directions ``(4096, d)`` of TF-IDF."""
    n = bags.shape[0]
    components = min(components, int((np.bincount(bags.indices, minlength=BUCKETS) > 0).sum()) - 1, n - 1)
    if components < 1:
        return np.zeros((BUCKETS, 0))
    size = np.diff(bags.indptr)
    data = (1.0 + np.log(bags.data)) * rarity[bags.indices]
    lengths = np.sqrt(np.bincount(np.repeat(np.arange(n), size), data**2, minlength=n))
    bags.data = data / np.repeat(np.maximum(lengths, 1e-9), size)
    found = TruncatedSVD(components, random_state=seed).fit(bags)
    return np.ascontiguousarray(found.components_.T)
