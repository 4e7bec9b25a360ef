"""`shadowprice fit`: learn beliefs from traces, and say how good they are on unseen questions."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from shadowprice import __version__
from shadowprice.beliefs import (
    PredictorCard,
    ThresholdPredictor,
    cross_fit,
    save_predictor,
    score_thresholds,
)
from shadowprice.cli._options import out, print_json, say
from shadowprice.tasks import read_questions
from shadowprice.traces import Traces, read_traces


def fit(
    traces: Annotated[str, typer.Argument(help="Parquet file of traces, or `bundled`.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Predictor file to write.")] = None,
    exclude: Annotated[
        Path | None, typer.Option(help="Questions file; traces of questions in it are left out, so it can be scored.")
    ] = None,
    folds: Annotated[int, typer.Option(help="Folds of the cross-fitted evaluation.")] = 2,
    seed: Annotated[int, typer.Option(help="Seed of the folds and of the fit.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the evaluation as JSON.")] = False,
) -> None:
    """Learn emergence thresholds from traces.

    The evaluation is cross-fitted: every question is scored by a predictor that never saw it. The saved predictor is
    then fitted on all questions.

    Examples:
      shadowprice fit bundled -o smollm2.shadow
      shadowprice fit traces.parquet -o p.shadow --json
      shadowprice fit bundled --exclude questions.jsonl -o p.shadow
    """
    recorded = read_traces(traces)
    if exclude is not None:
        recorded = recorded.without({question.question for question in read_questions(exclude)})
    predictor = ThresholdPredictor(random_state=seed)
    unseen = cross_fit(predictor, recorded.evidence, folds=folds, seed=seed)
    scores = score_thresholds(unseen, recorded.evidence)
    predictor.fit(recorded.evidence)
    if output is not None:
        save_predictor(predictor, _card(recorded), output)
        say(f"Predictor written to {output}.")
    if as_json:
        print_json({"traces": recorded.name, "folds": folds, **asdict(scores), "surge": asdict(predictor.surge_)})
        return
    surge = predictor.surge_
    table = Table(
        title=f"Emergence thresholds on unseen questions, {folds}-fold: {recorded.name}", title_justify="left"
    )
    table.add_column("measure")
    table.add_column("value", justify="right")
    table.add_column("reads")
    table.add_row("Spearman ρ", f"{scores.spearman:.3f}", "rank correlation of τ̂ with the right answer's position")
    table.add_row("Kendall τ", f"{scores.kendall:.3f}", "the same, by pairs")
    table.add_row("R² of log τ", f"{scores.r2_log:.3f}", "share of its spread that τ̂ explains")
    table.add_row("AUC", f"{scores.auc:.3f}", "'will be solved', if the lowest τ̂ is the best bet")
    table.add_row("1/β", f"{1 / surge.beta:.1f}", "tokens from threshold to peak")
    table.add_row("α/(βe)", f"{surge.alpha / surge.beta / 2.718281828459045:.3f}", "pass rate at the peak")
    table.add_row("questions", str(scores.queries), f"{scores.right} of {scores.replies} replies right")
    out().print(table)


def _card(traces: Traces) -> PredictorCard:
    models = traces.table["model"].unique().to_pylist() if "model" in traces.table.column_names else []
    return PredictorCard(
        traces=Path(traces.name).name,
        model=", ".join(str(model) for model in models),
        queries=traces.n_queries,
        replies=len(traces.query),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
    )
