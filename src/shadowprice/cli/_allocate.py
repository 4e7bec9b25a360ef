"""`shadowprice allocate`: a plan of tokens, with a reason for every question."""

from pathlib import Path
from typing import Annotated

import typer

from shadowprice._errors import InputError
from shadowprice._places import Place
from shadowprice.cli._options import out, print_json, say, split_list
from shadowprice.cli._parameters import (
    Bare,
    Budget,
    Columns,
    FeaturesOption,
    Floor,
    Minimum,
    PastOption,
    PricePerMillion,
    Questions,
    System,
    Template,
    Weights,
)


def allocate(
    questions: Questions,
    budget: Budget,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", help="Plan to write: .parquet, .jsonl or .csv; - or none prints only."),
    ] = None,
    price_per_million: PricePerMillion = None,
    predictor: Annotated[Path | None, typer.Option(help="Predictor file from `shadowprice fit`.")] = None,
    features: FeaturesOption = None,
    past: PastOption = None,
    policy: Annotated[
        str | None,
        typer.Option(
            help="A policy that commits tokens beforehand; if left out, expected, or clear-lambert if the predictor "
            "is one of thresholds."
        ),
    ] = None,
    columns: Columns = None,
    system: System = None,
    template: Template = None,
    bare: Bare = False,
    floor: Floor = 0,
    weights: Weights = None,
    minimum: Minimum = 0,
    compare: Annotated[bool, typer.Option("--what-if", help="Compare budgets from 1/8 to 8 times this one.")] = False,
    budgets: Annotated[
        str | None, typer.Option(help="Budgets to compare instead, separated by commas; implies --what-if.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the comparison: .svg, .png or .pdf; implies --what-if.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Plan the tokens of every question before any is asked, and say why.

    The plan has one row per question: its tokens, the shadow price, what it is expected to return, and the reason in
    words. The summary counts who was abandoned and why. Ends with 3 if the budget buys nothing.

    Examples:
      shadowprice allocate questions.jsonl --predictor p.shadow --budget 100k -o plan.parquet
      shadowprice allocate questions.csv --predictor p.shadow --budget 100k --weights value --floor 32
      shadowprice allocate questions.jsonl --predictor p.shadow --budget 100k --what-if --plot what-if.svg
      shadowprice allocate questions.jsonl --policy uniform --budget 100k --json
    """
    from shadowprice.cli._allocate_tables import print_summary
    from shadowprice.cli._asking import read_asking, system_file
    from shadowprice.cli._progress import bars
    from shadowprice.jobs import QuestionOptions, TermOptions, check_plan_files
    from shadowprice.jobs import allocate as allocate_job

    target = None if output in (None, "-") else Path(str(output))
    read: dict[str, Place] = {"QUESTIONS": questions, "--predictor": predictor}
    read |= {"--features": features, "--template": template}
    check_plan_files(target, plot, read | {"--system": system_file(system)})
    if budgets is not None and not split_list(budgets):
        raise InputError(f"--budgets is '{budgets}', which names no budget; write for example 50k,100k,200k.")
    allocated = allocate_job(
        questions,
        budget=budget,
        price_per_million=price_per_million,
        predictor=predictor,
        features=features,
        past=past or (),
        policy=policy,
        reading=QuestionOptions(columns),
        asking=read_asking(system, template, bare=bare),
        terms=TermOptions(floor, weights, minimum),
        what_if=compare,
        budgets=split_list(budgets),
        output=target,
        plot=plot,
        tell=say,
        progress=bars(),
        check=False,  # the plan is shown first
    )
    if as_json:
        print_json(allocated.summary)
    else:
        print_summary(allocated.summary, allocated.plan, out())
    for what, path in (("Plan", target), ("Plot", plot)):
        if path is not None:
            say(f"{what} written to {path}.")
    allocated.check()
