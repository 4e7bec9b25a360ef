"""What each policy may believe of recorded questions, from predictors that were fitted without them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.beliefs import (
    AbstractOutlook,
    Beliefs,
    Evidence,
    OutcomePredictor,
    Outcomes,
    Outlook,
    RunningPredictor,
    ThresholdPredictor,
    question_folds,
)
from shadowprice.beliefs.encoders import get_encoder
from shadowprice.policies import Knowledge
from shadowprice.traces import RecordedOutlook, Replies, Traces


@dataclass(frozen=True, eq=False)
class Forecasts:
    """Beliefs about all questions and replies of some traces."""

    thresholds: Beliefs | None = None
    """n rows, for policies that price thresholds."""
    outcomes: Beliefs | None = None
    """n rows with outcomes."""
    outlook: RecordedOutlook | None = None
    """A row for each of the m replies; without it, policies that look see only how far a query has come."""

    def of(self, knowledge: Knowledge, replies: Replies) -> tuple[Beliefs, AbstractOutlook | None]:
        """What a policy with that knowledge is opened with.

        Raises:
            InputError: These forecasts were made without it.
        """
        if knowledge is Knowledge.ANSWERS:
            return Beliefs.certain(replies.threshold), None
        if knowledge is Knowledge.NOTHING:
            return Beliefs.certain(np.ones(len(replies.queries))), None
        beliefs = self.thresholds if knowledge is Knowledge.THRESHOLDS else self.outcomes
        if beliefs is None:
            raise InputError(f"There are no forecasts of {knowledge}; make them with `forecast`.")
        mine = beliefs.take(replies.queries)
        if knowledge is Knowledge.THRESHOLDS or mine.outcomes is None:
            return mine, None
        return mine, Outlook(mine.outcomes) if self.outlook is None else self.outlook.take(replies.rows)


class Recipe(NamedTuple):
    """How forecasts are made; equal recipes on equal traces give equal forecasts."""

    knowledge: tuple[Knowledge, ...] = (Knowledge.THRESHOLDS, Knowledge.OUTCOMES)
    """Which beliefs are asked for."""
    reads: bool = True
    """Whether the texts that queries write are read."""
    folds: int = 2
    """Folds of the questions: each is held out once."""
    seed: int = 0
    """Seed of the folds, and of what is left out or blurred."""
    size: int | None = None
    """Questions to learn from, at most."""
    noise: float = 0.0
    """σ of log-normal noise on the token counts that are believed."""
    encoder: str | None = None
    """Name of another model that reads the questions, of `beliefs.encoders.ENCODERS`."""

    @property
    def steps(self) -> int:
        """Predictors that are fitted for it, which is how often `forecast` advances."""
        outcomes = Knowledge.OUTCOMES in self.knowledge
        return self.folds * ((Knowledge.THRESHOLDS in self.knowledge) + outcomes + (outcomes and self.reads))


def forecast(
    traces: Traces,
    recipe: Recipe = Recipe(),  # noqa: B008  # immutable
    *,
    source: Traces | None = None,
    others: Sequence[Traces] = (),
    advance: Callable[[], None] = lambda: None,
) -> Forecasts:
    """Cross-fit all predictors on traces.

    Args:
        traces: What is to be forecast: no question by a predictor that has seen it.
        recipe: How.
        source: Traces of another model to learn from, for transfer; the same traces by default.
        others: Traces of other models to learn from beside these (`Evidence.beside`).
        advance: Called after each predictor of each fold, `Recipe.steps` times.

    Raises:
        InputError: There are too few questions, or nothing to learn from.
    """
    evidence = (traces if source is None else source).evidence.beside([other.evidence for other in others])
    fold = question_folds(traces.questions, folds=recipe.folds, seed=recipe.seed)
    parts = []
    for number in range(recipe.folds):
        held_out = {traces.questions[i] for i in np.flatnonzero(fold == number)}
        parts.append(_fold(traces, _some(evidence.without(held_out), recipe), fold == number, recipe, advance))
    rows = np.argsort(np.concatenate([np.flatnonzero(fold == number) for number in range(recipe.folds)]))
    replies = np.argsort(np.concatenate([np.flatnonzero((fold == u)[traces.query]) for u in range(recipe.folds)]))
    outlooks = [part.outlook for part in parts if part.outlook is not None]
    return Forecasts(
        _joined([part.thresholds for part in parts], rows),
        _joined([part.outcomes for part in parts], rows),
        RecordedOutlook.concatenate(outlooks).take(replies) if outlooks else None,
    )


def blurred(beliefs: Beliefs, sigma: float, seed: int) -> Beliefs:
    """Beliefs whose token counts are off by a factor exp(σz), z standard normal, for each query on its own.

    Thresholds are multiplied by it, and outcomes are stretched: P'(right by t) = P(right by t/factor).
    """
    if sigma == 0.0:
        return beliefs
    factor = np.exp(sigma * np.random.default_rng(seed).standard_normal(len(beliefs)))
    outcomes = beliefs.outcomes
    if outcomes is not None:
        outcomes = Outcomes(
            outcomes.tokens,
            _stretched(outcomes.tokens, outcomes.right, factor),
            _stretched(outcomes.tokens, outcomes.finished, factor),
        )
    return Beliefs(beliefs.threshold * factor, beliefs.alpha, beliefs.beta, outcomes)


def _fold(
    traces: Traces, known: Evidence, held_out: BoolArray, recipe: Recipe, advance: Callable[[], None]
) -> Forecasts:
    """Forecasts of the questions of one fold, in order, and of their replies."""
    unseen = np.flatnonzero(held_out)
    encoder = None if recipe.encoder is None else get_encoder(recipe.encoder)
    thresholds = outcomes = outlook = None
    if Knowledge.THRESHOLDS in recipe.knowledge:
        believed = ThresholdPredictor(encoder=encoder).fit(known).predict(traces.questions)
        thresholds = blurred(believed, recipe.noise, recipe.seed).take(unseen)
        advance()
    if Knowledge.OUTCOMES in recipe.knowledge:
        predictor = OutcomePredictor(encoder=encoder)
        believed = blurred(predictor.fit(known).predict(traces.questions), recipe.noise, recipe.seed)
        outcomes = believed.take(unseen)
        advance()
        if recipe.reads:
            running = RunningPredictor().fit(known, predictor)
            outlook = RecordedOutlook.of(traces, believed, running, np.flatnonzero(held_out[traces.query]))
            advance()
    return Forecasts(thresholds, outcomes, outlook)


def _some(evidence: Evidence, recipe: Recipe) -> Evidence:
    n = evidence.n_queries
    if recipe.size is None or recipe.size >= n:
        return evidence
    few = np.zeros(n, dtype=np.bool_)
    few[np.random.default_rng(recipe.seed).permutation(n)[: recipe.size]] = True
    return evidence.of_questions(few)


def _joined(parts: Iterable[Beliefs | None], order: IntArray) -> Beliefs | None:
    there = [part for part in parts if part is not None]
    return Beliefs.concatenate(there).take(order) if there else None


def _stretched(tokens: FloatArray, chance: FloatArray, factor: FloatArray) -> FloatArray:
    grid = np.append(0.0, tokens)
    return np.array(
        [np.interp(tokens / stretch, grid, np.append(0.0, row)) for row, stretch in zip(chance, factor, strict=True)]
    )
