"""How `shadowprice run` ends: what is written of a run that failed, and what it ends with."""

from pathlib import Path

from shadowprice._errors import BudgetTooSmallError, EngineError, InputError, LedgerError, no_such
from shadowprice.cli._budget import Wish
from shadowprice.cli._options import say
from shadowprice.cli._run_job import Job
from shadowprice.runner import End, Reason, Result, write_results


def write_what_there_is(job: Job, model: str, output: Path, wish: Wish, report: Path | None) -> None:
    """Write the answers so far of a run that failed; why it failed is more than that they cannot be written."""
    if all(result.reason is Reason.INTERRUPTED for result in job.results):
        return  # nothing was bought, and what stands there may have been
    try:
        write_results(job.results, model, output)
        report_of(job, wish, report)
    except (InputError, LedgerError) as error:
        say(f"{error} The answers are in {job.books.path}: --resume writes them once that is mended.")


def report_of(job: Job, wish: Wish, path: Path | None) -> None:
    """Write the report of a run, if one is asked for."""
    if path is None:
        return
    from shadowprice.cli._run_report import write_report_of  # matplotlib takes a while to import

    write_report_of(job.account(), wish, job.more, path)
    say(f"Report written to {path}.")


def chosen_end(name: str, fallback: str | None) -> End:
    """What becomes of replies that are stopped.

    Raises:
        InputError: There is no such end, or it does not go with the fallback.
    """
    try:
        end = End(name)
    except ValueError:
        raise no_such("end", name, End) from None
    if (end is End.FALLBACK) != (fallback is not None):
        raise InputError("--end fallback and --fallback ENGINE go together; give both, or neither.")
    return end


def complain(results: list[Result], budget: int) -> None:
    """Raise what a run ends with that was interrupted, or bought nothing."""
    if any(result.reason is Reason.INTERRUPTED for result in results):
        say("Not all questions are settled; go on with the same command and --resume.")
        raise KeyboardInterrupt
    failed = [result for result in results if result.reason is Reason.FAILED]
    if failed and len(failed) == sum(result.reason is not Reason.ABANDONED for result in results):
        raise EngineError(f"Every request failed, the first with: {failed[0].failure}")
    if results and all(result.reason is Reason.ABANDONED for result in results):
        raise BudgetTooSmallError(f"{budget} tokens buy nothing for these {len(results)} questions; raise the budget.")
