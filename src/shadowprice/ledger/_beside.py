"""What lies beside a ledger, and may be no file of anybody else's."""

from pathlib import Path

from shadowprice._places import Place


def ledger_files(option: str, ledger: Path) -> dict[str, Place]:
    """A ledger and what SQLite keeps beside it, by the option that names it, for `check_places`."""
    real = ledger.resolve()
    files: dict[str, Place] = {option: ledger}
    for end in ("-wal", "-shm", "-journal"):
        files[f"the file {end} of {option}"] = real.with_name(real.name + end)
    return files
