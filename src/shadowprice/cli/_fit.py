"""`shadowprice fit`: learn beliefs from traces, say how good they are on unseen questions, and check them later."""

from pathlib import Path
from typing import Annotated

import typer

from shadowprice._errors import InputError
from shadowprice._places import Place, check_places
from shadowprice.cli._options import MOST_SEED, parse_budgets, require_writable
from shadowprice.cli._parameters import BesideOption, EncoderOption


def fit(
    traces: Annotated[str, typer.Argument(help="Parquet file of traces, or `bundled`.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Predictor file to write.")] = None,
    predictor: Annotated[
        str | None,
        typer.Option(help="outcome (right, wrong or neither by then; the default) or threshold (the paper's)."),
    ] = None,
    encoder: EncoderOption = None,
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
      shadowprice fit new-traces.parquet --check p.shadow
    """
    from shadowprice.cli._encoders import choose_encoder, questions_of, read_once
    from shadowprice.cli._fit_job import asked_texts, check_saved, fit_traces, kind_of, kinds, read_without

    prices = parse_budgets(budgets)
    if prices and min(prices) < 1:
        raise InputError(f"A budget of {min(prices)} tokens per query buys nothing; use whole numbers from 1 up.")
    read: dict[str, Place] = {f"--beside ({number})": other for number, other in enumerate(beside or (), 1)}
    read |= {"TRACES": traces, "--exclude": exclude, "--check": check}
    check_places({"--output": output, "--report": report}, read)
    for path in (output, report):
        require_writable(path)
    if columns is not None and exclude is None:
        raise InputError("--columns names columns of the file of --exclude; give that too.")
    if check is not None:
        if output is not None or predictor is not None or running is not None:
            raise InputError("--check fits nothing; leave out --output, --predictor and --running, or --check.")
        check_saved(read_without(traces, asked_texts(exclude, columns)), check, seed, as_json, report)
        return
    kind = kind_of(predictor)
    asked = asked_texts(exclude, columns)
    recorded = read_without(traces, asked)
    others = [read_without(other, asked) for other in beside or ()]
    reader = choose_encoder(encoder)
    read_once(reader, questions_of([recorded, *others]))
    made = kinds()[kind](encoder=reader, random_state=seed)
    fit_traces(recorded, others, kind, made, output, prices, folds, seed, running, as_json, report)
