"""Forecasts of recorded questions, from predictors that were fitted without them."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.beliefs import (
    AbstractPredictor,
    Beliefs,
    Evidence,
    FeaturePredictor,
    OutcomePredictor,
    Outcomes,
    Past,
    RunningPredictor,
    ThresholdPredictor,
    question_folds,
)
from shadowprice.beliefs.encoders import FeatureEncoder, Matched, get_encoder
from shadowprice.bench._recipe import Forecasts, Recipe
from shadowprice.policies import Knowledge
from shadowprice.traces import RecordedOutlook, Traces


def forecast(
    traces: Traces,
    recipe: Recipe = Recipe(),  # noqa: B008  # immutable
    *,
    source: Traces | None = None,
    others: Sequence[Traces] = (),
    features: Matched | None = None,
    past: Past | None = None,
    advance: Callable[[], None] = lambda: None,
) -> Forecasts:
    """Cross-fit all predictors on traces.

    Args:
        traces: What is to be forecast: no question by a predictor that has seen it.
        recipe: How.
        source: Traces of another model to learn from, for transfer; the same traces by default.
        others: Traces of other models to learn from beside these (`Evidence.beside`).
        features: Vectors of the questions, to learn from as well.
        past: What was replied to these questions before (`Evidence.after`), also to those that are forecast.
        advance: Called after each predictor of each fold, `Recipe.steps` times.

    Raises:
        InputError: There are too few questions, or nothing to learn from.
    """
    evidence = (traces if source is None else source).evidence.beside([other.evidence for other in others])
    evidence = evidence.after(past, (traces if source is None else source).model)
    fold = question_folds(traces.questions, folds=recipe.folds, seed=recipe.seed)
    seen = None if features is None else FeatureEncoder.of(features)
    parts = []
    for number in range(recipe.folds):
        held_out = {traces.questions[i] for i in np.flatnonzero(fold == number)}
        parts.append(_fold(traces, _some(evidence.without(held_out), recipe), fold == number, recipe, seen, advance))
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
    traces: Traces,
    known: Evidence,
    held_out: BoolArray,
    recipe: Recipe,
    features: FeatureEncoder | None,
    advance: Callable[[], None],
) -> Forecasts:
    """Forecasts of the questions of one fold, in order, and of their replies."""
    unseen = np.flatnonzero(held_out)
    encoder = None if recipe.encoder is None else get_encoder(recipe.encoder)
    thresholds = outcomes = outlook = None

    def made(kind: AbstractPredictor) -> AbstractPredictor:
        return kind if features is None else FeaturePredictor(kind, features)

    if Knowledge.THRESHOLDS in recipe.knowledge:
        believed = made(ThresholdPredictor(encoder=encoder)).fit(known).predict(traces.questions, known.past)
        thresholds = blurred(believed, recipe.noise, recipe.seed).take(unseen)
        advance()
    if Knowledge.OUTCOMES in recipe.knowledge:
        predictor = made(OutcomePredictor(encoder=encoder))
        believed = blurred(predictor.fit(known).predict(traces.questions, known.past), recipe.noise, recipe.seed)
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
