"""What a run has come to."""

from dataclasses import dataclass
from typing import Any

from shadowprice._errors import BudgetTooSmallError, EngineError
from shadowprice.beliefs import Beliefs
from shadowprice.jobs.given import GivenPath, Wish, path_of
from shadowprice.jobs.told import Account
from shadowprice.ledger import Totals
from shadowprice.runner import Reason, Result, write_results


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """A run of n questions, as far as it has come."""

    account: Account
    """What its report is made of: results, totals, beliefs, policy, price, terms, and what follows from them."""
    model: str
    """The engine's name of the model that answered."""
    wish: Wish
    """The budget as it was asked for, with the price of tokens where one was given."""
    more: dict[str, Any]
    """What the run says of itself besides: exploring, pauses, the server's own count, refuted beliefs, remarks."""
    summary: dict[str, Any]
    """The run in numbers, as ``shadowprice run --json`` prints it."""

    def __repr__(self) -> str:
        right = f"{self.account.right:,} right" if self.account.graded else f"{self.account.replied:,} answered"
        return (
            f"Answered({len(self.results):,} questions, {right}, "
            f"{self.totals.spent:,} of {self.totals.budget:,} tokens spent)"
        )

    @property
    def results(self) -> list[Result]:
        """``(n,)`` what became of each question, in the order in which they were given."""
        return self.account.results

    @property
    def totals(self) -> Totals:
        """What the ledger says, in tokens."""
        return self.account.totals

    @property
    def beliefs(self) -> Beliefs | None:
        """N rows, what was believed before anything was asked; None where nothing was."""
        return self.account.beliefs

    @property
    def finished(self) -> bool:
        """Whether every question is settled; otherwise ``resume=True`` goes on."""
        return not any(result.reason is Reason.INTERRUPTED for result in self.results)

    def write_answers(self, path: GivenPath) -> None:
        """Write the answers as OpenAI Batch output, one line per question, all of them or none.

        Raises:
            InputError: The file cannot be written.
        """
        write_results(self.results, self.model, path)

    def write_report(self, path: GivenPath, command: str = "shadowprice.run(…), called from Python") -> None:
        """Write one HTML page about the run that needs no network, all of it or nothing.

        Args:
            path: The file to write.
            command: What the page says it was made by.

        Raises:
            InputError: The file cannot be written.
        """
        from shadowprice.jobs.told._report import write_report_of  # matplotlib takes a while to import

        write_report_of(self.account, self.wish, self.more, path_of(path), command)

    def check(self) -> None:
        """Raise what a run ends with that has come to its end and bought nothing.

        Raises:
            EngineError: Every request failed.
            BudgetTooSmallError: Every question was abandoned.
        """
        if not self.finished:
            return
        failed = [result for result in self.results if result.reason is Reason.FAILED]
        if failed and len(failed) == sum(result.reason is not Reason.ABANDONED for result in self.results):
            raise EngineError(f"Every request failed, the first with: {failed[0].failure}")
        if self.results and all(result.reason is Reason.ABANDONED for result in self.results):
            raise BudgetTooSmallError(
                f"{self.totals.budget} tokens buy nothing for these {len(self.results)} questions; raise the budget."
            )
