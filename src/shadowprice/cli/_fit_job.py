"""What `shadowprice fit` does: learns and measures, or checks what was learnt before."""

import math
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import typer

from shadowprice import __version__
from shadowprice._errors import InputError, no_such
from shadowprice.beliefs import (
    AbstractPredictor,
    Beliefs,
    Drift,
    OutcomePredictor,
    PredictorCard,
    Reference,
    RunningPredictor,
    ThresholdPredictor,
    bets,
    check_drift,
    check_folds,
    cross_fit,
    read_predictor,
    save_predictor,
    score_beliefs,
    score_thresholds,
    scoring_grid,
    verdict,
)
from shadowprice.bench import (
    FitResult,
    default_budgets,
    price_beliefs,
    tier_curves,
    write_drift_report,
    write_fit_report,
)
from shadowprice.cli._encoders import questions_of
from shadowprice.cli._fit_tables import print_drift, print_fit
from shadowprice.cli._graders import read_asked
from shadowprice.cli._options import command_line, print_json, say
from shadowprice.cli._progress import Bar, progress_bar
from shadowprice.traces import Traces, read_traces

_SCORING: Final = 0.2
_RUNNING: Final = 0.8
"""Time that scoring, and learning from replies that run, take beside one fit on everything, for the bar."""
_DRIFTED = 1
"""Exit code of a check that found drift; errors are 2 and more."""


def kinds() -> dict[str, type[OutcomePredictor] | type[ThresholdPredictor]]:
    """Predictors by name, the default first."""
    return {"outcome": OutcomePredictor, "threshold": ThresholdPredictor}


def kind_of(name: str | None) -> str:
    """The name of a predictor, or of the usual one.

    Raises:
        InputError: There is none of that name.
    """
    if name is not None and name not in kinds():
        raise no_such("predictor", name, kinds())
    return name or next(iter(kinds()))


def asked_texts(exclude: Path | None, columns: str | None) -> set[str]:
    """The texts of the questions that nothing may be learnt from."""
    return set() if exclude is None else {one.question for one in read_asked(exclude, columns, tell=say).questions}


def read_without(traces: str, excluded: set[str]) -> Traces:
    """Traces without the questions of these texts."""
    recorded = read_traces(traces)
    return recorded.without(excluded) if excluded else recorded


def fit_traces(
    recorded: Traces,
    others: list[Traces],
    kind: str,
    predictor: AbstractPredictor,
    output: Path | None,
    prices: list[int],
    folds: int,
    seed: int,
    running: bool | None,
    as_json: bool,
    report: Path | None,
) -> None:
    """Fit a predictor to traces, score it on questions that it has not seen, and write and print what is wanted.

    Raises:
        InputError: There is too little to learn from, or what is wanted does not go together.
    """
    evidence = recorded.evidence.beside([other.evidence for other in others])
    # What cannot be learnt or scored should not wait for the fit.
    scoring_grid(evidence)
    if kind == "threshold":
        check_folds(evidence, folds=folds, seed=seed)
    if running and evidence.completions is None:
        raise InputError(f"{recorded.name} keeps no texts of replies (column `completion`); leave out --running.")
    if running and kind != "outcome":
        raise InputError(f"--running goes with --predictor outcome, not {kind}; leave one of them out.")
    learns = running is not False and kind == "outcome" and evidence.completions is not None
    part = 1.0 - 1.0 / folds
    steps = part * folds + 1.0 + _SCORING + _RUNNING * learns
    with progress_bar("fitting", steps, note="on parts, for the evaluation", counts=False) as bar:
        unseen = cross_fit(predictor, evidence, folds=folds, seed=seed, advance=lambda: bar.advance(part))
        bar.advance(0, note="scoring")
        scores = score_beliefs(unseen, evidence, recorded.datasets, seed=seed)
        market = price_beliefs(recorded, unseen, prices or default_budgets(recorded))
        tiers = tier_curves(recorded, unseen, scoring_grid(evidence))
        bar.advance(_SCORING, note="on everything")
        predictor.fit(evidence)
        bar.advance()
        going = _fit_running(recorded, unseen, seed, bar) if learns else None
    outcomes = predictor.predict(recorded.questions[:1]).outcomes
    card = PredictorCard(
        traces=Path(recorded.name).name,
        model=", ".join(_models(recorded)),
        queries=recorded.n_queries,
        replies=len(evidence),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
        kind=kind,
        token_unit=recorded.token_unit,
        schema_version=_schema_version(recorded),
        grid=() if outcomes is None else tuple(float(token) for token in outcomes.tokens),
        horizon=scores.horizon,
        scores=PredictorCard.figures(scores),
        beside=tuple(Path(other.name).name for other in others),
        asked=dict(Counter(way for way in recorded.protocols if way)),
        temperature=_temperature(recorded),
    )
    if output is not None:
        reference = Reference.of(recorded.questions, bets(unseen, scores.horizon), seed, questions_of(others))
        save_predictor(predictor, card, output, reference=reference, running=going)
        say(f"Predictor written to {output}.")
    result = FitResult(card, folds, unseen, evidence, scores, market, tiers)
    if report is not None:
        write_fit_report(result, command_line(), report)
        say(f"Report written to {report}.")
    thresholds = score_thresholds(unseen, evidence)
    if as_json:
        print_json(
            {
                "traces": recorded.name,
                "predictor": kind,
                "folds": folds,
                "seed": seed,
                "verdict": verdict(scores),
                **asdict(thresholds),
                "scores": asdict(scores),
                "budgets": [asdict(row) for row in market],
                **({"surge": asdict(predictor.surge_)} if hasattr(predictor, "surge_") else {}),
                "running": going is not None,
            }
        )
        return
    print_fit(result, thresholds, recorded.name, predictor)


def _fit_running(recorded: Traces, unseen: Beliefs, seed: int, bar: Bar) -> RunningPredictor:
    """The predictor for queries that run."""
    bar.advance(0, note="on replies that run")
    going = RunningPredictor(random_state=seed).fit(recorded.evidence, unseen)
    bar.advance(_RUNNING)
    return going


def check_saved(recorded: Traces, path: Path, seed: int, as_json: bool, report: Path | None) -> None:
    """Say whether a saved predictor still holds on traces; ends the program with 1 if not."""
    saved = read_predictor(path)
    models = _models(recorded)
    with progress_bar("checking", None):
        drift = check_drift(
            saved, recorded.evidence, model=", ".join(models), token_unit=recorded.token_unit, seed=seed
        )
    if report is not None:
        write_drift_report(drift, saved.card, recorded.name, command_line(), report)
        say(f"Report written to {report}.")
    if as_json:
        print_json(_drift_json(drift, saved.card, path, recorded.name))
    else:
        print_drift(drift, saved.card, path, recorded.name)
    if drift.drifted:
        raise typer.Exit(_DRIFTED)


def _drift_json(drift: Drift, card: PredictorCard, path: Path, traces: str) -> dict[str, Any]:
    found = {"drifted": drift.drifted, "verdict": drift.verdict, "advice": drift.advice}
    return {"traces": traces, "predictor": str(path), **found, **asdict(drift), "card": asdict(card)}


def _distinct(traces: Traces, column: str) -> list[Any]:
    """What stands in a column of the traces, each once; nothing where there is no such column."""
    return traces.table[column].unique().to_pylist() if column in traces.table.column_names else []


def _models(traces: Traces) -> list[str]:
    return sorted(str(model) for model in _distinct(traces, "model") if model)


def _temperature(traces: Traces) -> float | None:
    known = _distinct(traces, "temperature")
    return float(known[0]) if len(known) == 1 and known[0] is not None and math.isfinite(known[0]) else None


def _schema_version(traces: Traces) -> int:
    return max((version or 0 for version in _distinct(traces, "schema_version")), default=0)
