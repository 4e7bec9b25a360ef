"""`shadowprice run`: answer questions for real, inside a budget."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from shadowprice._errors import BudgetTooSmallError, EngineError, InputError
from shadowprice.cli._engines import open_engine
from shadowprice.cli._options import out, parse_budget, print_json, progress_bar, say
from shadowprice.cli._policies import Floor, Minimum, Weights, get_policy_market, read_terms
from shadowprice.runner import Reason, Result, write_results
from shadowprice.runner import run as run_questions
from shadowprice.tasks import read_questions


def run(
    questions: Annotated[Path, typer.Argument(help="JSONL, CSV or Parquet with a `question` column, or OpenAI Batch.")],
    budget: Annotated[str, typer.Option(help="Tokens for all questions together: 4000, 4k, 1.5M.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="JSONL file to write, OpenAI Batch output.")],
    predictor: Annotated[Path | None, typer.Option(help="Predictor file from `shadowprice fit`.")] = None,
    policy: Annotated[str, typer.Option(help="How to spend: clear-lambert, expected, predictor or uniform.")] = (
        "clear-lambert"
    ),
    floor: Floor = 0,
    weights: Weights = None,
    minimum: Minimum = 0,
    engine: Annotated[str, typer.Option(help="llamacpp, or the URL of an OpenAI-compatible server.")] = "llamacpp",
    model: Annotated[
        str | None,
        typer.Option(help="A pulled model or a GGUF file (smollm2 if not given); the server's name for it with a URL."),
    ] = None,
    temperature: Annotated[float, typer.Option(help="Sampling temperature; 0 is greedy.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of the samplers.")] = 0,
    concurrency: Annotated[int, typer.Option(help="Replies generated at the same time.")] = 16,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Answer questions inside a shared token budget.

    Every question gets what it is worth at one price; those that cost more than they return are abandoned, and the
    output says so with the price. Tokens generated never exceed the budget.

    Examples:
      shadowprice run questions.jsonl --predictor smollm2.shadow --budget 4k -o answers.jsonl
      shadowprice run questions.jsonl --policy uniform --budget 4k -o uniform.jsonl --json
      shadowprice run questions.jsonl --predictor p.shadow --budget 4k --weights value -o a.jsonl
      shadowprice run questions.jsonl --policy uniform --budget 4k -o a.jsonl --engine http://localhost:8000
    """
    tokens = parse_budget(budget)
    asked = read_questions(questions)
    terms = read_terms(questions, len(asked), floor, weights, minimum)
    market = get_policy_market(policy, asked, predictor, tokens, terms)
    if output.is_dir() or not output.parent.is_dir():
        raise InputError(f"Cannot write {output}: give a file name in a folder that exists.")
    with progress_bar("answering", len(asked), note="") as bar:
        spent = right = 0

        def progress(result: Result) -> None:
            nonlocal spent, right
            spent, right = spent + result.generated, right + bool(result.correct)
            bar.advance(note=f"{spent}/{tokens} tokens, {right} right, price {market.price:.3g}")

        async def work() -> list[Result]:
            async with open_engine(engine, model, concurrency) as source:
                results = await run_questions(
                    asked,
                    source,
                    market,
                    temperature=temperature,
                    seed=seed,
                    concurrency=concurrency,
                    progress=progress,
                )
                write_results(results, source.model, output)
                return results

        results = asyncio.run(work())
    summary = _summary(results, tokens, policy, market.price, output)
    if as_json:
        print_json(summary)
    else:
        _print(summary)
    _complain(results, tokens)


def _summary(results: list[Result], budget: int, policy: str, price: float, output: Path) -> dict[str, Any]:
    reasons = Counter(result.reason for result in results)
    graded = [result for result in results if result.question.gold]
    return {
        "output": str(output),
        "policy": policy,
        "budget": budget,
        "spent": sum(result.generated for result in results),
        "price": price,
        "questions": len(results),
        "graded": len(graded),
        "right": sum(bool(result.correct) for result in graded),
        **{reason.name.lower(): reasons[reason] for reason in Reason},
    }


def _print(summary: dict[str, Any]) -> None:
    table = Table(title=f"{summary['policy']}, {summary['spent']} of {summary['budget']} tokens", title_justify="left")
    for name in ("questions", "right", "finished", "cut_off", "abandoned", "failed", "interrupted"):
        table.add_column(name.replace("_", " "), justify="right")
    table.add_column("price", justify="right")
    known = f"{summary['right']} of {summary['graded']}" if summary["graded"] else "not graded"
    table.add_row(
        str(summary["questions"]),
        known,
        *(str(summary[name]) for name in ("finished", "cut_off", "abandoned", "failed", "interrupted")),
        "–" if summary["price"] != summary["price"] else f"{summary['price']:.3g}",
    )
    out().print(table)
    say(f"Answers written to {summary['output']}.")


def _complain(results: list[Result], budget: int) -> None:
    if any(result.reason is Reason.INTERRUPTED for result in results):
        raise KeyboardInterrupt
    failed = [result for result in results if result.reason is Reason.FAILED]
    if failed and len(failed) == sum(result.reason is not Reason.ABANDONED for result in results):
        raise EngineError(f"Every request failed, the first with: {failed[0].failure}")
    if results and all(result.reason is Reason.ABANDONED for result in results):
        raise BudgetTooSmallError(f"{budget} tokens buy nothing for these {len(results)} questions; raise the budget.")
