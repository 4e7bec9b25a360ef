"""`shadowprice questions`: questions with graders, to record or to run."""

from pathlib import Path
from typing import Annotated

import typer

from shadowprice._places import check_places
from shadowprice.cli._options import MOST_SEED, require_writable, say, split_list


def questions(
    families: Annotated[
        str | None,
        typer.Argument(help="Families or tiers, separated by commas; all if left out.", metavar="[NAMES]"),
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="JSONL file to write.")] = Path("questions.jsonl"),
    count: Annotated[int, typer.Option("-n", "--count", max=1_000_000, help="Questions per family.")] = 5,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Seed of the questions.")] = 0,
) -> None:
    """Make graded questions from reasoning-gym task families.

    Examples:
      shadowprice questions -n 5 -o questions.jsonl
      shadowprice questions easy,gcd -n 20 --seed 7 -o easy.jsonl
    """
    from shadowprice.tasks import make_questions, write_questions

    check_places({"--output": output}, {})
    require_writable(output)
    made = make_questions(split_list(families) or None, count, seed)
    write_questions(output, made)
    say(f"{len(made)} questions written to {output}.")
