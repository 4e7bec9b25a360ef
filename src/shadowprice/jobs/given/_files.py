"""The files of a run and of a recording: which they are, and that they are different ones."""

import os
from pathlib import Path
from typing import overload

from shadowprice._places import Place, beside, check_places
from shadowprice.ledger import ledger_files

GivenPath = str | os.PathLike[str]


@overload
def path_of(path: GivenPath) -> Path: ...
@overload
def path_of(path: GivenPath | None) -> Path | None: ...
def path_of(path: GivenPath | None) -> Path | None:
    """A path as somebody has it; none of none."""
    return None if path is None else Path(path)


def ledger_place(ledger: Path | None, output: Path) -> Path:
    """The ledger of a run: where the user says, or beside its output.

    Raises:
        InputError: There is no place for it beside the output.
    """
    return ledger or beside(output, "{}.ledger", what="The ledger", advice="say where it shall be with --ledger")


def check_run_files(output: Path | None, ledger: Path | None, report: Path | None = None, **read: Place) -> None:
    """Refuse a run that would write over what it reads, its ledger, or one output with another.

    Args:
        output: Where the answers go; None if nowhere.
        ledger: What the user says of the ledger; None leaves it beside the output.
        report: Where the report goes, if one is asked for.
        read: Files that are read, by the names of the command's parameters.

    Raises:
        InputError: It would, or there is no place for the ledger.
    """
    place = ledger if output is None else ledger_place(ledger, output)
    books = {} if place is None else ledger_files("--ledger", place)
    written = {"--output": output, **books, "--report": report}
    check_places(written, {_option(name): path for name, path in read.items()})


def _option(parameter: str) -> str:
    if parameter.startswith("--"):
        return parameter
    return "QUESTIONS" if parameter == "questions" else f"--{parameter.replace('_', '-')}"
