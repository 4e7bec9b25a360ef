"""The command line: one file per command, thin."""

import os
import sys

import typer

from shadowprice import __version__
from shadowprice._errors import ShadowpriceError
from shadowprice._text import shown
from shadowprice.cli._commands import Commands
from shadowprice.cli._misspelt import told
from shadowprice.cli._signals import terminating_is_interrupting

__all__ = ["app", "main"]

app = typer.Typer(
    name="shadowprice",
    cls=Commands,
    help="Spend a shared token budget where it buys the most correct answers.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


@app.callback(invoke_without_command=False)
def _root(
    version: bool = typer.Option(
        False,
        "--version",
        help="Print the version and stop.",
        is_eager=True,
        callback=lambda on: _version(on),
    ),
) -> None:
    del version


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


# Newer typers carry a copy of click, older ones use the package: ask typer for the class that it raises.
_UsageError: type[Exception] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


def main() -> None:
    """Run the command line: errors become one line on stderr and an exit code."""
    try:
        with terminating_is_interrupting():
            sys.exit(app(prog_name="shadowprice", standalone_mode=False) or 0)
    except ShadowpriceError as error:
        _fail(str(error), error.exit_code)
    except _UsageError as error:
        message = told(error)
        if type(error).__name__ != "NoArgsIsHelpError":
            _fail(message, 2)
        typer.echo(message, err=True)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        _fail("interrupted.", 130)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        # What the system says against a file, where no command has better words for it.
        if error.filename is None:
            raise
        _fail(f"{os.fsdecode(error.filename)}: {error.strerror}; check the path.", 2)


def _fail(message: str, code: int) -> None:
    line = shown(" ".join(message.split()))
    typer.echo(f"error: {line}{'' if line.endswith(('.', '?')) else '.'}", err=True)
    sys.exit(code)
