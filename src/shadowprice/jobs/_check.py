"""Whether what a predictor has learnt still holds."""

from dataclasses import asdict, dataclass
from typing import Any

from shadowprice._json import finite
from shadowprice.beliefs import Drift, PredictorCard, check_drift
from shadowprice.jobs._fit import check_fit
from shadowprice.jobs._step import Follow, Tell, log, steps, unseen
from shadowprice.jobs._traces import GivenTraces, models_of, texts_of, without
from shadowprice.jobs.given import (
    GivenFeatures,
    GivenPath,
    GivenPredictor,
    GivenQuestions,
    QuestionOptions,
    get_predictor,
    path_of,
    predictor_file,
    with_features,
)


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """What checking a predictor on traces has found."""

    drift: Drift
    """Findings, a verdict, and what to do."""
    card: PredictorCard
    """What the predictor was fitted on."""
    predictor: str
    """What the predictor is called, by its file."""
    traces: str
    """What it was checked on."""
    summary: dict[str, Any]
    """All of it, as ``shadowprice fit --check --json`` prints it."""


def check(
    traces: GivenTraces,
    predictor: GivenPredictor,
    *,
    features: GivenFeatures | None = None,
    exclude: GivenQuestions | None = None,
    reading: QuestionOptions | None = None,
    seed: int = 0,
    report: GivenPath | None = None,
    tell: Tell = log,
    progress: Follow = unseen,
    command: str = "shadowprice.jobs.check(…), called from Python",
) -> Checked:
    """Say whether a predictor still holds on traces: what ``shadowprice fit --check`` does, in one call.

    Args:
        traces: A Parquet file of traces, ``"bundled"``, or traces that were read.
        predictor: A file from `fit`, or what it holds.
        features: Vectors of the traces' questions, for a predictor that was fitted with some.
        exclude: Questions; traces of them are left out.
        reading: How those are read: the columns of their file.
        seed: Seed of the intervals.
        report: HTML report to write.
        tell: Told what people should know, a sentence each.
        progress: Told how far the work is.
        command: What the report says it was made by.

    Raises:
        InputError: A file or an argument is not what it should be.
    """
    page, reading = path_of(report), reading or QuestionOptions()
    file = predictor_file(predictor)
    check_fit(traces, None, page, exclude=exclude, reading=reading, check=file)
    recorded = without(traces, texts_of(exclude, reading, tell))
    named = get_predictor(predictor)
    named = with_features(named, features, zip(recorded.query_ids, recorded.questions, strict=True), tell)
    with steps(progress, "checking", None):
        model = ", ".join(models_of(recorded))
        drift = check_drift(named.saved, recorded.evidence, model=model, token_unit=recorded.token_unit, seed=seed)
    card = named.saved.card
    if page is not None:
        from shadowprice.bench import write_drift_report

        write_drift_report(drift, card, recorded.name, command, page)
        tell(f"Report written to {page}.")
    found = {"drifted": drift.drifted, "verdict": drift.verdict, "advice": drift.advice}
    told = {"traces": recorded.name, "predictor": named.name, **found, **asdict(drift), "card": asdict(card)}
    return Checked(drift, card, named.name, recorded.name, finite(told))
