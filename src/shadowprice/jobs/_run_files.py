"""The files that a run writes: its answers, its ledger, its report."""

from dataclasses import dataclass
from pathlib import Path

from shadowprice._atomic import check_writable
from shadowprice._errors import InputError, LedgerError
from shadowprice._places import Place
from shadowprice.jobs._answered import Answered
from shadowprice.jobs._step import Tell
from shadowprice.jobs.given import check_run_files


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
        if self.report is not None:
            check_writable(self.report)

    def write(self, answered: Answered) -> None:
        """Write the answers.

        Raises:
            InputError: They cannot be written.
        """
        if self.output is not None:
            answered.write_answers(self.output)

    def write_report(self, answered: Answered, tell: Tell) -> None:
        """Write the report, if one is asked for.

        Raises:
            InputError: It cannot be written.
        """
        if self.report is not None:
            answered.write_report(self.report, self.command)
            tell(f"Report written to {self.report}.")

    def write_what_there_is(self, answered: Answered, ledger: Path | None, tell: Tell) -> None:
        """Write the answers so far of a run that failed; why it failed is more than that they cannot be written."""
        if not answered.begun:
            return  # nothing was bought, and what stands there may have been
        try:
            self.write(answered)
            self.write_report(answered, tell)
        except (InputError, LedgerError) as error:
            tell(f"{error} The answers are in {ledger}: --resume writes them once that is mended.")
