"""The commands, each imported when it is called: asking for the version or a list of them should cost nothing."""

import inspect
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup


class Place(NamedTuple):
    """Where a command is."""

    module: str
    """In this package."""
    name: str
    """A function, or a `typer.Typer` with commands of its own."""
    line: str
    """The first line of its help, which a list of all commands shows."""


COMMANDS: Final = {
    "demo": Place(
        "_demo", "demo", "Spend the same budgets in several ways on recorded replies of a small model, and compare."
    ),
    "questions": Place("_questions", "questions", "Make graded questions from reasoning-gym task families."),
    "record": Place("_record", "record", "Run a model over questions and keep graded traces."),
    "import": Place("_import", "import_", "Make traces from logs that you already have."),
    "embed": Place("_embed", "embed", "Let a model read questions, and keep vectors of them for --features."),
    "fit": Place("_fit", "fit", "Learn from traces what to believe of questions."),
    "allocate": Place("_allocate", "allocate", "Plan the tokens of every question before any is asked, and say why."),
    "run": Place("_run", "run", "Answer questions inside a shared token budget."),
    "serve": Place("_serve", "serve", "Serve OpenAI's API in front of your servers, inside a token budget."),
    "grade": Place("_grade", "grade", "Judge replies again, without asking for new ones."),
    "bench": Place("_bench", "bench", "Replay recorded replies through every policy."),
    "replay-traffic": Place(
        "_replay_traffic", "replay_traffic", "Let the market of live traffic spend a day's budgets on recorded replies."
    ),
    "model": Place("_model", "app", "Fetch and find the models that this package knows."),
    "engine": Place("_engine", "app", "Look at the servers that generate tokens."),
    "ledger": Place("_ledger", "app", "See what has been reserved and spent."),
}
"""In the order of the help."""


class Commands(TyperGroup):
    """A group whose commands are imported when they are called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        # Enough for lists and for what was misspelt.
        for name, place in COMMANDS.items():
            self.add_command(TyperCommand(name, help=place.line), name)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported; None if there is none of that name."""
        place = COMMANDS.get(cmd_name)
        return None if place is None else _loaded(cmd_name, place)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.line) for name, place in COMMANDS.items()])


def _loaded(name: str, place: Place) -> Any:
    found = getattr(import_module(f"shadowprice.cli.{place.module}"), place.name)
    around = typer.Typer(add_completion=False, rich_markup_mode=None)
    around.callback()(_nothing)  # so that it stays a group of one
    if isinstance(found, typer.Typer):
        around.add_typer(found, name=name)
    else:
        around.command(name, help=_help(found))(found)
    group: Any = typer.main.get_command(around)
    return group.commands[name]


def _nothing() -> None:
    pass


def _help(command: Callable[..., None]) -> str:
    """A command's docstring; the mark keeps each example on a line of its own."""
    # What is a list stays one.
    return re.sub(r"^(?=(?:Days|Examples):\n)", "\b\n", inspect.getdoc(command) or "", flags=re.MULTILINE)
