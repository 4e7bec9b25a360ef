"""The files that a run writes: its answers, its ledger, its report."""

from dataclasses import dataclass
from pathlib import Path

from shadowprice._atomic import check_writable
from shadowprice._errors import InputError
from shadowprice._places import Place
from shadowprice.jobs._answered import Answered
from shadowprice.jobs._step import Tell
from shadowprice.jobs.given import check_run_files
from shadowprice.runner import Result, write_results


@dataclass(frozen=True, slots=True)
class RunFiles:
    """Where a run writes, and whether it goes on with what is there."""

    output: Path | None
    """The answers."""
    ledger: Path | None
    """The ledger, if not beside the output."""
    report: Path | None
    resume: bool
    command: str
    """What the report says it was made by."""

    def check(self, **read: Place) -> None:
        """Refuse to write over what is read, or over each other, and to go on with what is not kept.

        Raises:
            InputError: They would.
        """
        check_run_files(self.output, self.ledger, self.report, **read)
        if self.resume and self.output is None and self.ledger is None:
            raise InputError("There is no run to resume without an output or a ledger; give the one that it had.")

    def check_writable(self) -> None:
        """Complain now about what could not be written later.

        Raises:
            InputError: It cannot be.
        """
        if self.output is not None and (self.output.is_dir() or not self.output.parent.is_dir()):
            raise InputError(f"Cannot write {self.output}: give a file name in a folder that exists.")
        for path in (self.output, self.report):
            if path is not None:
                check_writable(path)

    def write(self, results: list[Result], model: str) -> None:
        """Write the answers.

        Raises:
            InputError: They cannot be written.
        """
        if self.output is not None:
            write_results(results, model, self.output)

    def write_report(self, answered: Answered, tell: Tell) -> None:
        """Write the report, if one is asked for.

        Raises:
            InputError: It cannot be written.
        """
        if self.report is not None:
            answered.write_report(self.report, self.command)
            tell(f"Report written to {self.report}.")
