"""The ledger of a run: beside its output, where the user says, or for as long as the run lasts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from shadowprice.jobs._step import Tell
from shadowprice.jobs.given import ledger_place
from shadowprice.ledger import Ledger
from shadowprice.ledger import Run as LedgerRun
from shadowprice.runner import Reason, Result
from shadowprice.tasks import Question, fingerprint

RUN = "run"
"""Name of the run in its ledger."""


@dataclass(frozen=True, slots=True)
class Books:
    """A run's ledger, and what it holds already."""

    ledger: LedgerRun
    done: dict[str, Result]
    """Results of earlier sessions, by question."""
    path: Path | None
    """The ledger's file; None where it is not kept."""


@contextmanager
def open_books(
    path: Path | None,
    output: Path | None,
    questions: Sequence[Question],
    budget: int,
    choices: dict[str, Any],
    *,
    resume: bool,
    tell: Tell,
) -> Iterator[Books]:
    """Open the ledger of a run. A run in it that has come to its end makes room, if it lies beside the output.

    Nothing is deleted: the run that has ended gets another name in the same step that begins the new one. Without a
    place of its own and without an output, the ledger is gone when the run has ended.

    Raises:
        InputError: The ledger holds an unfinished run and `resume` was not asked for, or one with other choices.
    """
    by_id = {question.query_id: question for question in questions}
    with _place(path, output) as place, Ledger(place) as ledger:
        run = ledger.open_run(
            RUN,
            budget=budget,
            settings={**choices, "questions": len(questions)},
            fingerprint=fingerprint(questions),
            resume=resume,
            replace=path is None,
            reopen=(Reason.ABANDONED, Reason.FAILED),
        )
        if run.replaces:
            tell(
                f"{place} holds an earlier run that has ended: {output} is written anew, and what was paid for stays "
                "in the ledger under another name. To go on with that run instead, use --resume."
            )
        if run.topped_up is not None:
            tell(_told_of_topping_up(run, budget))
        if run.recovered.requests:
            tell(
                f"{run.recovered.requests} replies were under way when an earlier session ended; they are charged "
                f"{run.recovered.tokens} tokens, all that was reserved for them, and asked again."
            )
        outcomes = run.outcomes()
        done = {
            name: Result.restore(by_id[name], outcome.payload) for name, outcome in outcomes.items() if name in by_id
        }
        yield Books(run, done, None if path is None and output is None else place)


@contextmanager
def _place(path: Path | None, output: Path | None) -> Iterator[Path]:
    if path is not None:
        yield path
    elif output is not None:
        yield ledger_place(None, output)
    else:
        with TemporaryDirectory(prefix="shadowprice-") as folder:
            yield Path(folder) / "run.ledger"


def _told_of_topping_up(run: LedgerRun, budget: int) -> str:
    again = (
        f"{run.taken_back:,} questions that were abandoned or failed are offered again"
        if run.taken_back
        else "no question was abandoned or failed, so that there is nobody to offer more to"
    )
    return (
        f"The budget is topped up from {run.topped_up:,} to {budget:,} tokens: {again}. Replies that there are stay as "
        "they are, also those that were stopped or cut off."
    )
