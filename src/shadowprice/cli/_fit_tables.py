"""The tables of `shadowprice fit`."""

from shadowprice.beliefs import MEASURES
from shadowprice.bench import format_estimate, format_figure
from shadowprice.cli._options import out, say
from shadowprice.cli._tables import print_table, words
from shadowprice.jobs import Checked, Fitted


def print_fit(fitted: Fitted) -> None:
    """Print how good a fit is: a verdict, figures, what a market makes of them, and the surge if all share one."""
    result, scores, thresholds, console = fitted.result, fitted.scores, fitted.thresholds, out()
    console.print(fitted.verdict)
    beside = f", beside {', '.join(result.card.beside)}" if result.card.beside else ""
    rows = [(label, format_estimate(getattr(scores, name)), reads) for name, (label, reads) in MEASURES.items()]
    ranks = "rank correlation of τ̂ with the right answer's position"
    rows.append(("Spearman ρ", format_figure(thresholds.spearman), ranks))
    rows.append(("R² of log τ", format_figure(thresholds.r2_log), "share of its spread that τ̂ explains"))
    if (surge := getattr(fitted.predictor.predictor, "surge_", None)) is not None:
        rows.append(("1/β", f"{1 / surge.beta:.1f}", "tokens from threshold to peak"))
        rows.append(("α/(βe)", f"{surge.alpha / surge.beta / 2.718281828459045:.3f}", "pass rate at the peak"))
    rows.append(("horizon", f"{scores.horizon:.0f}", "tokens; the last right answer that can be scored"))
    told = f"{scores.right} of {scores.replies} replies right, {scores.censored} cut off"
    rows.append(("questions", str(scores.questions), told))
    title = f"{result.card.kind} predictor on unseen questions, {result.folds}-fold: {fitted.traces}{beside}"
    print_table(console, title, [words("measure"), "value (95 %)", words("reads")], rows)
    console.print()
    print_table(
        console,
        "right answers in %, one market over all questions, allocated tokens",
        ["tokens per query", "expected", "measured (95 %)", "same cap for all"],
        [
            (
                str(row.budget),
                f"{row.predicted:.1f}",
                f"{row.measured:.1f} ({row.low:.1f} to {row.high:.1f})",
                f"{row.uniform:.1f}",
            )
            for row in result.budgets
        ],
    )


def print_drift(checked: Checked) -> None:
    """Print what a check found, its verdict and what to do next."""
    drift, card, console = checked.drift, checked.card, out()
    fitted_on = f"{checked.predictor}, fitted on {card.traces} ({card.queries} questions)"
    print_table(
        console,
        f"{fitted_on}, checked on {drift.questions} of {checked.traces}",
        [words("what"), "at fit time", "now (95 %)", "drifted", words("reads")],
        [
            (
                found.name,
                format_figure(found.then),
                format_estimate(found.now),
                "yes" if found.drifted else "no",
                found.reads,
            )
            for found in drift.findings
        ],
    )
    if drift.flattered:
        say(f"It was fitted on {drift.seen} of these questions, which flatters it: check it on others.")
    elif drift.seen:
        say(f"{drift.seen} questions that it was fitted on are left out.")
    console.print(drift.verdict)
    console.print(drift.advice)
