"""The tables of `shadowprice fit`."""

from pathlib import Path

from rich import box
from rich.table import Table

from shadowprice.beliefs import MEASURES, AbstractPredictor, Drift, PredictorCard, ThresholdScores, verdict
from shadowprice.bench import FitResult, format_estimate, format_figure
from shadowprice.cli._options import out, say


def print_fit(result: FitResult, thresholds: ThresholdScores, traces: str, predictor: AbstractPredictor) -> None:
    """Print how good a fit is: a verdict, figures, what a market makes of them, and the surge if all share one."""
    scores, console = result.scores, out()
    console.print(verdict(scores), soft_wrap=True)
    beside = f", beside {', '.join(result.card.beside)}" if result.card.beside else ""
    table = _table(f"{result.card.kind} predictor on unseen questions, {result.folds}-fold: {traces}{beside}")
    table.add_column("measure")
    table.add_column("value (95 %)", justify="right")
    table.add_column("reads")
    for name, (label, reads) in MEASURES.items():
        table.add_row(label, format_estimate(getattr(scores, name)), reads)
    table.add_row("Spearman ρ", f"{thresholds.spearman:.3f}", "rank correlation of τ̂ with the right answer's position")
    table.add_row("R² of log τ", f"{thresholds.r2_log:.3f}", "share of its spread that τ̂ explains")
    if (surge := getattr(predictor, "surge_", None)) is not None:
        table.add_row("1/β", f"{1 / surge.beta:.1f}", "tokens from threshold to peak")
        table.add_row("α/(βe)", f"{surge.alpha / surge.beta / 2.718281828459045:.3f}", "pass rate at the peak")
    table.add_row("horizon", f"{scores.horizon:.0f}", "tokens; the last right answer that can be scored")
    told = f"{scores.right} of {scores.replies} replies right, {scores.censored} cut off"
    table.add_row("questions", str(scores.questions), told)
    console.print(table)
    table = _table("right answers in %, one market over all questions, allocated tokens")
    for column in ("tokens per query", "expected", "measured (95 %)", "same cap for all"):
        table.add_column(column, justify="right")
    for row in result.budgets:
        measured = f"{row.measured:.1f} ({row.low:.1f} to {row.high:.1f})"
        table.add_row(str(row.budget), f"{row.predicted:.1f}", measured, f"{row.uniform:.1f}")
    console.print(table)


def print_drift(drift: Drift, card: PredictorCard, path: Path, traces: str) -> None:
    """Print what a check found, its verdict and what to do next."""
    console = out()
    table = _table(
        f"{path}, fitted on {card.traces} ({card.queries} questions), checked on {drift.questions} of {traces}"
    )
    for column in ("what", "at fit time", "now (95 %)", "drifted", "reads"):
        table.add_column(column, justify="left" if column in ("what", "reads") else "right")
    for found in drift.findings:
        figures = format_figure(found.then), format_estimate(found.now)
        table.add_row(found.name, *figures, "yes" if found.drifted else "no", found.reads)
    console.print(table)
    if drift.flattered:
        say(f"It was fitted on {drift.seen} of these questions, which flatters it: check it on others.")
    elif drift.seen:
        say(f"{drift.seen} questions that it was fitted on are left out.")
    console.print(drift.verdict, soft_wrap=True)
    console.print(drift.advice, soft_wrap=True)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="", box=box.SIMPLE_HEAD, show_edge=False)
