"""`shadowprice allocate`: a plan of tokens, with a reason for every question."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shadowprice._errors import BudgetTooSmallError, InputError
from shadowprice._places import Place, check_places
from shadowprice.cli._options import out, parse_budgets, print_json, require_writable, say
from shadowprice.cli._parameters import (
    Bare,
    Budget,
    Columns,
    Floor,
    Minimum,
    PricePerMillion,
    Questions,
    System,
    Template,
    Weights,
)

if TYPE_CHECKING:
    from shadowprice.policies import AbstractPlanner, WhatIf


def allocate(
    questions: Questions,
    budget: Budget,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", help="Plan to write: .parquet, .jsonl or .csv; - or none prints only."),
    ] = None,
    price_per_million: PricePerMillion = None,
    predictor: Annotated[Path | None, typer.Option(help="Predictor file from `shadowprice fit`.")] = None,
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
    from shadowprice.cli._allocate_tables import print_summary, summarise
    from shadowprice.cli._asking import read_asking, system_file
    from shadowprice.cli._budget import read_budget
    from shadowprice.cli._graders import read_asked, say_all
    from shadowprice.cli._policies import believe, get_planner, nothing_known, read_terms
    from shadowprice.cli._progress import progress_bar
    from shadowprice.policies import budgets_around, explain, what_if, write_plan
    from shadowprice.tasks import settle_graders

    wish, others = read_budget(budget, price_per_million), parse_budgets(budgets)
    wanted = None if policy is None else get_planner(policy, "allocate")
    target = None if output in (None, "-") else Path(str(output))
    read: dict[str, Place] = {"QUESTIONS": questions, "--predictor": predictor, "--template": template}
    _check_files(read | {"--system": system_file(system)}, target, plot)
    asking = read_asking(system, template, bare=bare)
    compared = compare or plot is not None or budgets is not None
    if compared and predictor is None:
        raise InputError("--what-if needs beliefs about the questions: give --predictor FILE (from `shadowprice fit`).")
    if budgets is not None and not others:
        raise InputError(f"--budgets is '{budgets}', which names no budget; write for example 50k,100k,200k.")
    remarks: list[str] = []
    with progress_bar("reading", None):
        found = read_asked(questions, columns, weights=weights, tell=remarks.append)
        # How a question is asked depends on its grader; that nothing is graded here need not be told.
        asked = settle_graders(found, None, lambda remark: None)
        terms = read_terms(questions, len(asked), floor, weights, minimum)
    known = believe(asked, predictor, wanted, asking)
    tokens = wish.tokens(len(asked), known)
    for guaranteed in (tokens, *others):
        terms.check(guaranteed)
    beliefs = nothing_known(len(asked)) if known is None else known
    chosen = wanted or _default(has_outcomes=beliefs.outcomes is not None)
    with progress_bar("planning", None):
        plan = chosen.plan(beliefs, tokens, terms)
        explained = explain(plan, None if known is None else chosen.curve(beliefs), terms)
    result: WhatIf | None = None
    if compared:
        candidates = sorted({*others, tokens}) if others else budgets_around(tokens, terms)
        with progress_bar("comparing budgets", len(candidates)) as bar:
            result = what_if(chosen, beliefs, candidates, terms, advance=bar.advance)
    say_all(remarks)
    say(wish.said(tokens, len(asked), known))
    if target is not None:
        write_plan(target, [question.query_id for question in asked], explained)
    if plot is not None and result is not None:
        from shadowprice.bench import write_what_if_plot

        write_what_if_plot(result, tokens, plot)
    summary = summarise(explained, asked, terms, chosen.name, tokens, result)
    summary = {"output": None if target is None else str(target), **summary}
    if as_json:
        print_json(summary)
    else:
        print_summary(summary, explained, out())
    for what, path in (("Plan", target), ("Plot", plot)):
        if path is not None:
            say(f"{what} written to {path}.")
    if not explained.tokens.any():
        raise BudgetTooSmallError(f"{tokens} tokens buy nothing for these {len(asked)} questions; raise the budget.")


def _default(*, has_outcomes: bool) -> "AbstractPlanner":
    from shadowprice.policies import AbstractPlanner, ClearLambert, Expected, get_policy

    policy = get_policy(Expected.name if has_outcomes else ClearLambert.name)
    assert isinstance(policy, AbstractPlanner)
    return policy


def _check_files(read: dict[str, Place], target: Path | None, plot: Path | None) -> None:
    """Complain now about what could not be written later, or would replace what is read."""
    if target is not None:
        from shadowprice.policies import check_plan_name

        check_plan_name(target)
    if plot is not None:
        from shadowprice.bench import check_plot_name  # matplotlib takes a while to import

        check_plot_name(plot)
    check_places({"--output": target, "--plot": plot}, read)
    for path in (target, plot):
        require_writable(path)
