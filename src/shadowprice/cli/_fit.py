"""`shadowprice fit`: learn beliefs from traces, say how good they are on unseen questions, and check them later."""

from pathlib import Path
from typing import Annotated

import typer

from shadowprice._errors import InputError
from shadowprice.cli._options import MOST_SEED, command_line, print_json, say, split_list
from shadowprice.cli._parameters import BesideOption, EncoderOption, FeaturesOption, PastOption

_DRIFTED = 1
"""Exit code of a check that found drift; errors are 2 and more."""


def fit(
    traces: Annotated[str, typer.Argument(help="Parquet file of traces, a budget sweep, or `bundled`.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Predictor file to write.")] = None,
    predictor: Annotated[
        str | None,
        typer.Option(help="outcome (right, wrong or neither by then; the default) or threshold (the paper's)."),
    ] = None,
    encoder: EncoderOption = None,
    features: FeaturesOption = None,
    past: PastOption = None,
    beside: BesideOption = None,
    running: Annotated[
        bool | None,
        typer.Option(
            help="Learn also from what replies say on the way; if left out, where the traces keep their texts."
        ),
    ] = None,
    exclude: Annotated[
        Path | None, typer.Option(help="Questions file; traces of questions in it are left out, so it can be scored.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Columns of that questions file, as question=prompt; told from their names.")
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(help="Fit nothing: check this predictor file on the traces. Ends with 1 if it has drifted."),
    ] = None,
    budgets: Annotated[
        str | None, typer.Option(help="Mean tokens per query to price, separated by commas; four that fit if left out.")
    ] = None,
    folds: Annotated[int, typer.Option(help="Folds of the cross-fitted evaluation.")] = 2,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Seed of the folds, the fit and the intervals.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the evaluation as JSON.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report.")] = None,
) -> None:
    """Learn from traces what to believe of questions.

    The evaluation is cross-fitted: every question is scored by a predictor that never saw it. The saved predictor is
    then fitted on all questions. Ends with 0 when done and with 2 on an error; with --check, with 1 if the predictor
    has drifted: the questions are others, or its beliefs no longer hold.

    Examples:
      shadowprice fit bundled -o smollm2.shadow
      shadowprice fit traces.parquet -o p.shadow --report fit.html
      shadowprice fit traces.parquet --predictor threshold --folds 5 --json
      shadowprice fit bundled --exclude questions.jsonl -o p.shadow
      shadowprice fit few.parquet --beside llama.parquet --beside qwen.parquet -o p.shadow
      shadowprice fit traces.parquet --features vectors.npz -o p.shadow
      shadowprice fit mine.parquet --past llama.parquet --past qwen.parquet -o p.shadow
      shadowprice fit new-traces.parquet --check p.shadow
    """
    from shadowprice.cli._fit_tables import print_drift, print_fit
    from shadowprice.cli._progress import bars
    from shadowprice.jobs import FitSettings, QuestionOptions, check_fit
    from shadowprice.jobs import check as check_job
    from shadowprice.jobs import fit as fit_job

    reading, others, priced = QuestionOptions(columns), beside or (), split_list(budgets)
    check_fit(
        traces,
        output,
        report,
        beside=others,
        features=features,
        past=past or (),
        exclude=exclude,
        reading=reading,
        budgets=priced,
        check=check,
    )
    if check is not None:
        if output is not None or predictor is not None or running is not None:
            raise InputError("--check fits nothing; leave out --output, --predictor and --running, or --check.")
        checked = check_job(
            traces,
            check,
            features=features,
            exclude=exclude,
            reading=reading,
            seed=seed,
            report=report,
            tell=say,
            progress=bars(),
            command=command_line(),
        )
        if as_json:
            print_json(checked.summary)
        else:
            print_drift(checked)
        if checked.drift.drifted:
            raise typer.Exit(_DRIFTED)
        return
    fitted = fit_job(
        traces,
        output=output,
        settings=FitSettings(predictor or "outcome", encoder, running, folds, seed),
        beside=others,
        features=features,
        past=past or (),
        exclude=exclude,
        reading=reading,
        budgets=priced,
        report=report,
        tell=say,
        progress=bars(),
        command=command_line(),
    )
    if as_json:
        print_json(fitted.summary)
    else:
        print_fit(fitted)
