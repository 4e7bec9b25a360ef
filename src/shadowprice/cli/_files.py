"""The files of a run and of a recording: which they are, and that they are different ones."""

from pathlib import Path

from shadowprice._places import Place, beside, check_places


def ledger_place(ledger: Path | None, output: Path) -> Path:
    """The ledger of a run: where the user says, or beside its output.

    Raises:
        InputError: There is no place for it beside the output.
    """
    return ledger or beside(output, "{}.ledger", what="The ledger", advice="say where it shall be with --ledger")


def check_run_files(output: Path, ledger: Path | None, report: Path | None = None, **read: Place) -> None:
    """Refuse a run that would write over what it reads, its ledger, or one output with another.

    Args:
        output: Where the answers go.
        ledger: What the user says of the ledger.
        report: Where the report goes, if one is asked for.
        read: Files that are read, by the names of the command's parameters.

    Raises:
        InputError: It would, or there is no place for the ledger.
    """
    written = {"--output": output, **ledger_files("--ledger", ledger_place(ledger, output)), "--report": report}
    check_places(written, {_option(name): path for name, path in read.items()})


def ledger_files(option: str, ledger: Path) -> dict[str, Place]:
    """A ledger and what SQLite keeps beside it, by the option that names it."""
    real = ledger.resolve()
    files: dict[str, Place] = {option: ledger}
    for end in ("-wal", "-shm", "-journal"):
        files[f"the file {end} of {option}"] = real.with_name(real.name + end)
    return files


def model_file(model: str | None, engine: str | None) -> str | None:
    """What may be the file of a model; a server has a name for it instead."""
    return None if engine is None or "://" in engine else model


def _option(parameter: str) -> str:
    return "QUESTIONS" if parameter == "questions" else f"--{parameter.replace('_', '-')}"
