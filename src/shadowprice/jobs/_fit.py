"""Learning from traces what to believe of questions, and how good that is on questions that were not seen."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from shadowprice import __version__
from shadowprice._atomic import check_writable
from shadowprice._errors import InputError, no_such
from shadowprice._json import finite
from shadowprice._places import Place, check_places
from shadowprice._tokens import parse_budget
from shadowprice.beliefs import (
    AbstractPredictor,
    Beliefs,
    BeliefScores,
    Evidence,
    FeaturePredictor,
    OutcomePredictor,
    Past,
    PredictorCard,
    Reference,
    RunningPredictor,
    SavedPredictor,
    ThresholdPredictor,
    ThresholdScores,
    bets,
    check_folds,
    cross_fit,
    save_predictor,
    score_beliefs,
    score_thresholds,
    scoring_grid,
    verdict,
)
from shadowprice.jobs._step import Follow, Steps, Tell, log, steps, unseen
from shadowprice.jobs._traces import (
    GivenTraces,
    models_of,
    place_of,
    schema_version_of,
    temperature_of,
    texts_of,
    without,
)
from shadowprice.jobs.given import (
    GivenFeatures,
    GivenPast,
    GivenPath,
    GivenQuestions,
    QuestionOptions,
    check_encoder,
    choose_encoder,
    features_place,
    file_of,
    match_features,
    named_questions,
    past_places,
    path_of,
    questions_of,
    read_once,
    read_pasts,
)
from shadowprice.traces import SweepTraces, Traces

if TYPE_CHECKING:
    from shadowprice.bench import FitResult

_SCORING: Final = 0.2
_RUNNING: Final = 0.8
"""Time that scoring, and learning from replies that run, take beside one fit on everything, for the progress."""
_FIRST: Final = "on parts, for the evaluation"
_AS_IT_IS: Final = QuestionOptions()
_KINDS: Final = {"outcome": OutcomePredictor, "threshold": ThresholdPredictor}
"""Predictors by name, the default first."""


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How to learn.

    Raises:
        InputError: There is no such predictor.
    """

    predictor: str = "outcome"
    """``"outcome"`` (right, wrong or neither by then) or ``"threshold"`` (the paper's)."""
    encoder: str | None = None
    """Read questions with a model as well: ``"smollm2"`` or ``"sentence"``."""
    running: bool | None = None
    """Learn also from what replies say on the way; None does so where the traces keep their texts."""
    folds: int = 2
    """Folds of the cross-fitted evaluation."""
    seed: int = 0
    """Seed of the folds, the fit and the intervals."""

    def __post_init__(self) -> None:
        if self.predictor not in _KINDS:
            raise no_such("predictor", self.predictor, _KINDS)

    def check(self, evidence: Evidence, traces: str) -> None:
        """Refuse what cannot be learnt or scored, which should not wait for the fit.

        Raises:
            InputError: There is too little to learn from, or what is wanted does not go together.
        """
        scoring_grid(evidence)
        if self.predictor == "threshold":
            check_folds(evidence, folds=self.folds, seed=self.seed)
        if self.running and evidence.completions is None:
            raise InputError(f"{traces} keeps no texts of replies (column `completion`); leave out --running.")
        if self.running and self.predictor != "outcome":
            raise InputError(f"--running goes with --predictor outcome, not {self.predictor}; leave one of them out.")

    def learns_running(self, evidence: Evidence) -> bool:
        """Whether to learn from what replies say on the way."""
        return self.running is not False and self.predictor == "outcome" and evidence.completions is not None


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A predictor, and how good it is on questions that it has not seen."""

    predictor: SavedPredictor
    """What `allocate` and `run` take, and what was saved."""
    result: "FitResult"
    """Beliefs about unseen questions and all that was measured on them, as `bench.write_fit_report` takes it."""
    thresholds: ThresholdScores
    """How good its thresholds are."""
    traces: str
    """What it has learnt from."""
    summary: dict[str, Any]
    """All figures, as ``shadowprice fit --json`` prints them."""

    def __repr__(self) -> str:
        card = self.predictor.card
        return f"Fitted({card.kind} predictor, {card.queries:,} questions, {card.replies:,} replies: {self.verdict})"

    @property
    def scores(self) -> BeliefScores:
        """How good its beliefs are."""
        return self.result.scores

    @property
    def verdict(self) -> str:
        """Whether that is good enough, in a sentence."""
        return verdict(self.result.scores)

    def save(self, path: GivenPath) -> None:
        """Write the predictor to one file, all of it or nothing.

        Raises:
            InputError: The file cannot be written.
        """
        saved = self.predictor
        save_predictor(saved.predictor, saved.card, path, reference=saved.reference, running=saved.running)

    def write_report(self, path: GivenPath, command: str = "shadowprice.fit(…), called from Python") -> None:
        """Write one HTML page about the fit that needs no network, all of it or nothing.

        Args:
            path: The file to write.
            command: What the page says it was made by.

        Raises:
            InputError: The file cannot be written.
        """
        from shadowprice.bench import write_fit_report

        write_fit_report(self.result, command, path)


def fit(
    traces: GivenTraces,
    *,
    output: GivenPath | None = None,
    settings: FitSettings | None = None,
    beside: Sequence[GivenTraces] = (),
    features: GivenFeatures | None = None,
    past: Sequence[GivenPast] = (),
    exclude: GivenQuestions | None = None,
    reading: QuestionOptions | None = None,
    budgets: Sequence[int | str] = (),
    report: GivenPath | None = None,
    tell: Tell = log,
    progress: Follow = unseen,
    command: str = "shadowprice.fit(…), called from Python",
) -> Fitted:
    """Learn from traces what to believe of questions: what ``shadowprice fit`` does, in one call.

    ::

        fitted = shadowprice.fit("traces.parquet", output="mine.shadow")
        print(fitted.verdict)

    The evaluation is cross-fitted: every question is scored by a predictor that never saw it. The predictor is then
    fitted on all questions. In an async program: ``await asyncio.to_thread(shadowprice.fit, …)``.

    Args:
        traces: A Parquet file of traces, ``"bundled"``, or traces that were read.
        output: Predictor file to write.
        settings: What to learn, how it is scored, and the seed.
        beside: Traces of other models: their replies too say which questions are hard.
        past: Earlier replies to the same questions, by other models or by this one before: traces, or a `Past`.
        features: Vectors of the questions, for example hidden states of the model that answered: an npz or Parquet
            file, or `shadowprice.beliefs.encoders.Vectors`.
        exclude: Questions; traces of them are left out, so that they can be scored.
        reading: How those are read: the columns of their file.
        budgets: Mean tokens per query to price; four that fit if left out.
        report: HTML report to write.
        tell: Told what people should know, a sentence each; by default the logger ``shadowprice`` at INFO.
        progress: Told how far reading and fitting are.
        command: What the report says it was made by.

    Returns:
        The predictor, its scores with intervals, a verdict, and what a market that believes it gets right.

    Raises:
        InputError: A file or an argument is not what it should be, or there is too little to learn from.
        MissingExtraError: The encoder's extra is not installed.
    """
    settings, reading = settings or FitSettings(), reading or QuestionOptions()
    target, page = path_of(output), path_of(report)
    prices = check_fit(
        traces,
        target,
        page,
        beside=beside,
        features=features,
        past=past,
        exclude=exclude,
        reading=reading,
        budgets=budgets,
    )
    check_encoder(settings.encoder, features)
    excluded = texts_of(exclude, reading, tell)
    recorded = without(traces, excluded)
    others = [without(other, excluded) for other in beside]
    encoder = choose_encoder(settings.encoder)
    read_once(encoder, questions_of([recorded, *others]), progress)
    predictor = _with_vectors(
        _KINDS[settings.predictor](encoder=encoder, random_state=settings.seed), [recorded, *others], features, tell
    )
    before = read_pasts(past, zip(recorded.query_ids, recorded.questions, strict=True), tell, scored=recorded)
    fitted = _fitted(recorded, others, before, predictor, settings, prices, progress)
    if target is not None:
        fitted.save(target)
        tell(f"Predictor written to {target}.")
    if page is not None:
        fitted.write_report(page, command)
        tell(f"Report written to {page}.")
    return fitted


def check_fit(
    traces: GivenTraces,
    output: Path | None,
    report: Path | None,
    *,
    beside: Sequence[GivenTraces] = (),
    features: GivenFeatures | None = None,
    past: Sequence[GivenPast] = (),
    exclude: GivenQuestions | None = None,
    reading: QuestionOptions = _AS_IT_IS,
    budgets: Sequence[int | str] = (),
    check: GivenPath | None = None,
) -> list[int]:
    """Refuse what should not wait until something has been learnt.

    Returns:
        The budgets in tokens per query.

    Raises:
        InputError: A budget is none, an output replaces what is read, or cannot be written.
    """
    prices = [parse_budget(str(budget)) for budget in budgets]
    if prices and min(prices) < 1:
        raise InputError(f"A budget of {min(prices)} tokens per query buys nothing; use whole numbers from 1 up.")
    read: dict[str, Place] = {f"--beside ({number})": place_of(other) for number, other in enumerate(beside, 1)}
    excluded = None if exclude is None else file_of(exclude)
    read |= {"TRACES": place_of(traces), "--exclude": excluded, "--check": check}
    read |= {"--features": features_place(features)} | past_places(past)
    check_places({"--output": output, "--report": report}, read)
    for path in (output, report):
        if path is not None:
            check_writable(path)
    if reading.columns is not None and exclude is None:
        raise InputError("--columns names columns of the file of --exclude; give that too.")
    return prices


def _with_vectors(
    predictor: AbstractPredictor, traces: Sequence[Traces], features: GivenFeatures | None, tell: Tell
) -> AbstractPredictor:
    """A predictor that learns from vectors as well, if there are any."""
    if features is None:
        return predictor
    from shadowprice.beliefs.encoders import FeatureEncoder

    return FeaturePredictor(predictor, FeatureEncoder.of(match_features(features, named_questions(traces), tell)))


def _fitted(
    recorded: Traces,
    others: list[Traces],
    past: Past | None,
    predictor: AbstractPredictor,
    settings: FitSettings,
    prices: list[int],
    follow: Follow,
) -> Fitted:
    """Fit a predictor to traces, and score it on questions that it has not seen."""
    from shadowprice.bench import FitResult, default_budgets, price_beliefs, tier_curves  # and matplotlib with it

    evidence = recorded.evidence.beside([other.evidence for other in others]).after(past, recorded.model)
    settings.check(evidence, recorded.name)
    seed, folds, learns = settings.seed, settings.folds, settings.learns_running(evidence)
    part = 1.0 - 1.0 / folds
    with steps(follow, "fitting", part * folds + 1.0 + _SCORING + _RUNNING * learns, _FIRST) as work:
        beliefs = cross_fit(predictor, evidence, folds=folds, seed=seed, advance=lambda: work.advance(part))
        work.advance(0, note="scoring")
        scores = score_beliefs(beliefs, evidence, recorded.datasets, seed=seed)
        if isinstance(recorded, SweepTraces):  # what was measured, and not the rises that stand for it
            sweep = recorded.sweep
            scores = replace(scores, replies=int(sweep.samples.sum()), right=int(sweep.right.sum()), censored=0)
        market = price_beliefs(recorded, beliefs, prices or default_budgets(recorded))
        tiers = tier_curves(recorded, beliefs, scoring_grid(evidence))
        work.advance(_SCORING, note="on everything")
        predictor.fit(evidence)
        work.advance()
        running = _fit_running(recorded, beliefs, seed, work) if learns else None
    outcomes = predictor.predict(recorded.questions[:1]).outcomes
    grid = () if outcomes is None else tuple(float(token) for token in outcomes.tokens)
    replies = scores.replies if isinstance(recorded, SweepTraces) else len(evidence)
    card = _card(recorded, others, replies, settings.predictor, grid, scores)
    if isinstance(predictor, FeaturePredictor):
        card = replace(card, features=predictor.features.width)
    reference = Reference.of(recorded.questions, bets(beliefs, scores.horizon), seed, questions_of(others))
    saved = SavedPredictor(predictor, card, reference, running)
    result = FitResult(card, folds, beliefs, evidence, scores, market, tiers)
    thresholds = score_thresholds(beliefs, evidence)
    return Fitted(saved, result, thresholds, recorded.name, _summary(saved, result, thresholds, recorded.name, seed))


def _fit_running(recorded: Traces, beliefs: Beliefs, seed: int, work: Steps) -> RunningPredictor:
    """The predictor for queries that run."""
    work.advance(0, note="on replies that run")
    running = RunningPredictor(random_state=seed).fit(recorded.evidence, beliefs)
    work.advance(_RUNNING)
    return running


def _card(
    recorded: Traces, others: list[Traces], replies: int, kind: str, grid: tuple[float, ...], scores: BeliefScores
) -> PredictorCard:
    """What a predictor was fitted on."""
    return PredictorCard(
        traces=Path(recorded.name).name,
        model=", ".join(models_of(recorded)),
        queries=recorded.n_queries,
        replies=replies,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
        kind=kind,
        token_unit=recorded.token_unit,
        schema_version=schema_version_of(recorded),
        grid=grid,
        horizon=scores.horizon,
        scores=PredictorCard.figures(scores),
        beside=tuple(Path(other.name).name for other in others),
        asked=dict(Counter(way for way in recorded.protocols if way)),
        temperature=temperature_of(recorded),
    )


def _summary(
    saved: SavedPredictor, result: "FitResult", thresholds: ThresholdScores, traces: str, seed: int
) -> dict[str, Any]:
    surge = getattr(saved.predictor, "surge_", None)
    figures: dict[str, Any] = finite(
        {
            "traces": traces,
            "predictor": saved.card.kind,
            "folds": result.folds,
            "seed": seed,
            "verdict": verdict(result.scores),
            **asdict(thresholds),
            "scores": asdict(result.scores),
            "budgets": [asdict(row) for row in result.budgets],
            **({} if surge is None else {"surge": asdict(surge)}),
            "running": saved.running is not None,
        }
    )
    return figures
