"""`shadowprice record`: graded traces from a real model."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shadowprice._errors import InputError
from shadowprice._places import Place, check_places
from shadowprice.cli._options import MOST_SEED, print_json, say, split_list
from shadowprice.cli._parameters import (
    Again,
    AllowCode,
    Bare,
    Columns,
    Engine,
    Grader,
    Model,
    Stall,
    System,
    Temperature,
    Template,
    Timeout,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from shadowprice.tasks import Question

_PER_FAMILY = 130
_UNTOLD = "No confidence is kept: log-probabilities were not seen of this server; `shadowprice engine probe` looks."
_READ = ["query_id", "completion", "answer", "gold", "correct", "finish_reason"]
"""Columns that say whether replies can be read."""


def record(
    tasks: Annotated[str, typer.Argument(help="A questions file, or families or tiers separated by commas, or `all`.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Parquet file of traces to write.")],
    engine: Engine = "llamacpp",
    model: Model = None,
    count: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--count",
            min=1,
            max=1_000_000,
            help="Questions: of a file so many, at random by --seed (all if not given); of each family so many (130).",
            show_default=False,
        ),
    ] = None,
    samples: Annotated[int, typer.Option(help="Replies per question.")] = 4,
    max_tokens: Annotated[int, typer.Option(help="Hard cap on each reply, tokens.")] = 256,
    temperature: Temperature = 0.5,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Seed of questions and samplers.")] = 0,
    concurrency: Annotated[int, typer.Option(max=100_000, help="Replies generated at the same time.")] = 16,
    protocol: Annotated[
        str,
        typer.Option(help="plain, or tale-ep: the model first says how many tokens it needs, and is held to it."),
    ] = "plain",
    confidence: Annotated[
        bool,
        typer.Option("--confidence", help="Also keep how sure the model was of its tokens, where the engine tells."),
    ] = False,
    columns: Columns = None,
    grader: Grader = None,
    allow_code: AllowCode = False,
    system: System = None,
    template: Template = None,
    bare: Bare = False,
    retries: Again = 5,
    timeout: Timeout = 600.0,
    stall: Stall = 120.0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted recording.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Run a model over questions and keep graded traces.

    Ctrl-C loses nothing: run the same command with --resume.

    Examples:
      shadowprice record mine.csv -n 100 -o traces.parquet
      shadowprice record easy,gcd -n 50 -o traces.parquet
      shadowprice record questions.jsonl --samples 8 -o traces.parquet --resume
      shadowprice record questions.jsonl --system @system.txt --template message.jinja -o traces.parquet
      shadowprice record all --protocol tale-ep -o tale.parquet
      shadowprice record all --engine http://localhost:8000 --model my-model -o traces.parquet
    """
    import asyncio

    from shadowprice.cli._asking import read_asking, system_file
    from shadowprice.cli._progress import progress_bar
    from shadowprice.engines import EngineChoice
    from shadowprice.jobs.given import show_asking
    from shadowprice.jobs.told import Watch, count_readable, reading_of_row, told_readable
    from shadowprice.runner import RecordSettings, Retries, journal_place
    from shadowprice.runner import record as record_traces
    from shadowprice.tasks import is_question_file

    settings = RecordSettings(samples, max_tokens, temperature, seed, protocol, confidence)  # type: ignore[arg-type]  # checked there
    patient = Retries(retries)
    choice = EngineChoice(engine, model, timeout, stall)
    read: dict[str, Place] = {
        "TASKS": tasks if is_question_file(tasks) else None,
        "--model": choice.file,
        "--system": system_file(system),
        "--template": template,
    }
    check_places({"--output": output}, read)
    journal = journal_place(output)
    asking = read_asking(system, template, bare=bare)
    remarks: list[str] = []
    asked = _questions(tasks, count, seed, grader, allow_code=allow_code, columns=columns, tell=remarks.append)
    if any(not one.gold and not one.grader.startswith(("python:", "reasoning-gym:")) for one in asked):
        remarks.append("In traces replies that are not judged are not right: leave them out before you fit.")
    replies = len(asked) * samples
    with progress_bar("recording", replies) as bar:
        tokens = 0

        def progress(finished: int, generated: int) -> None:
            nonlocal tokens
            tokens += generated
            bar.advance(finished, note=f"{tokens / max(bar.elapsed, 1e-9):.0f} tokens/s")

        async def work() -> "pa.Table":
            async with choice.open(concurrency) as source:
                if confidence and not source.tells_confidence:
                    remarks.append(_UNTOLD)
                for remark in remarks:
                    say(remark)
                show_asking(asking, asked, say)
                return await record_traces(
                    asked,
                    source,
                    output,
                    settings,
                    asking=asking,
                    concurrency=concurrency,
                    resume=resume,
                    retries=patient,
                    progress=progress,
                    seen=Watch(say, asked).add_row,
                )

        try:
            table = asyncio.run(work())
        except KeyboardInterrupt:
            say(f"Interrupted; what is finished is kept in {journal}. Go on with the same command and --resume.")
            raise
    right = sum(table["correct"].to_pylist())
    questions = {question.query_id: question for question in asked}
    readings = [reading_of_row(row, questions[row["query_id"]]) for row in table.select(_READ).to_pylist()]
    readable, odd = count_readable(readings)
    summary = {
        "output": str(output),
        "questions": len(asked),
        "replies": table.num_rows,
        "right": right,
        "tokens": sum(table["completion_tokens"].to_pylist()),
        **readable,
        "remarks": odd,
    }
    if as_json:
        print_json(summary)
    else:
        share = right / table.num_rows
        for told in (told_readable(readable), *odd):
            if told:
                say(told)
        say(f"{table.num_rows} replies to {len(asked)} questions, {share:.0%} right, written to {output}.")


def _questions(
    tasks: str,
    count: int | None,
    seed: int,
    grader: str | None,
    *,
    allow_code: bool,
    columns: str | None,
    tell: Callable[[str], None],
) -> "list[Question]":
    from shadowprice.grading import load_grader
    from shadowprice.jobs import QuestionOptions
    from shadowprice.jobs.given import read_to_grade
    from shadowprice.tasks import graded_by, is_question_file, make_questions

    if is_question_file(tasks):
        reading = QuestionOptions(columns, grader, allow_code)
        found = read_to_grade(Path(tasks), reading, tell=say, remark=tell)
        if count is None or count == len(found):
            return found
        if count > len(found):
            tell(f"There are only {len(found)} questions in {tasks}, not {count}: all are asked.")
            return found
        tell(f"{count} of {len(found)} questions are asked, drawn by --seed {seed}.")
        return [found[row] for row in sorted(random.Random(seed).sample(range(len(found)), count))]
    if columns is not None:
        raise InputError(f"--columns names columns of a file; '{tasks}' is none.")
    made = make_questions(None if tasks == "all" else split_list(tasks), count or _PER_FAMILY, seed)
    if grader is None:
        return made
    load_grader(grader, code=allow_code)
    return graded_by(grader, made)
