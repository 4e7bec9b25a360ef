"""The ledger of a run: beside its output, or where the user says."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shadowprice.cli._files import ledger_place
from shadowprice.cli._options import say
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
    path: Path
    """The ledger's file."""


@contextmanager
def open_books(
    path: Path | None,
    output: Path,
    questions: Sequence[Question],
    budget: int,
    choices: dict[str, Any],
    *,
    resume: bool,
) -> Iterator[Books]:
    """Open the ledger of a run. A run in it that has come to its end makes room, if it lies beside the output.

    Nothing is deleted: the run that has ended gets another name in the same step that begins the new one.

    Raises:
        InputError: The ledger holds an unfinished run and `resume` was not asked for, or one with other choices.
    """
    place = ledger_place(path, output)
    with Ledger(place) as ledger:
        run = ledger.open_run(
            RUN,
            budget=budget,
            settings={**choices, "questions": len(questions)},
            fingerprint=fingerprint(questions),
            resume=resume,
            replace=path is None,
            reopen=(Reason.ABANDONED,),
        )
        if run.replaces:
            say(
                f"{place} holds an earlier run that has ended: {output} is written anew, and what was paid for stays "
                "in the ledger under another name. To go on with that run instead, use --resume."
            )
        if run.topped_up is not None:
            say(
                f"The budget is topped up from {run.topped_up:,} to {budget:,} tokens: abandoned questions are offered "
                "again, and replies that there are stay as they are."
            )
        if run.recovered.requests:
            say(
                f"{run.recovered.requests} replies were under way when an earlier session ended; they are charged "
                f"{run.recovered.tokens} tokens, all that was reserved for them, and asked again."
            )
        outcomes = run.outcomes()
        by_id = {question.query_id: question for question in questions}
        done = {
            name: Result.restore(by_id[name], outcome.payload) for name, outcome in outcomes.items() if name in by_id
        }
        yield Books(run, done, place)


def fingerprint_of(file: Path) -> str:
    """Tells a file from others, by its content."""
    with file.open("rb") as content:
        return f"sha256 {hashlib.file_digest(content, 'sha256').hexdigest()[:16]}"
