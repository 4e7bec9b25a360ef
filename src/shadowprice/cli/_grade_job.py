"""What `shadowprice grade` does: judges the replies of a file, and shows what has changed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from shadowprice._errors import InputError
from shadowprice.cli._judge import JudgeOptions, pair_of
from shadowprice.cli._options import out, say
from shadowprice.cli._progress import progress_bar
from shadowprice.cli._tables import print_table, words
from shadowprice.grading import is_readable
from shadowprice.jobs.told import Reading, told_readable
from shadowprice.runner import Pair, Recorded, Verdict, is_table, judge_again, read_recorded
from shadowprice.tasks import Question

_STEP: Final = 100


class Judged(NamedTuple):
    """The replies of a file without their texts, a verdict for each, and what to ask a model about, by row."""

    replies: list[Recorded]
    verdicts: list[Verdict]
    pairs: dict[int, Pair]


def judge_file(
    path: Path,
    grader: str | None,
    asked: dict[str, Question],
    admit: Callable[[str], None],
    *,
    model: JudgeOptions | None,
    place: bool,
) -> Judged:
    """Judge the replies of a file again, with a progress bar.

    Raises:
        InputError: The file cannot be read, or a grader that it names may not run.
    """
    found = Judged([], [], {})
    place = place and is_table(path)
    admitted = set[str]()
    with progress_bar("grading", None) as bar:
        for number, reply in enumerate(read_recorded(path), 1):
            if grader is None and reply.grader not in admitted:
                try:
                    admit(reply.grader)
                except InputError as error:
                    raise InputError(f"{reply.where}, field 'grader': {error}") from error
                admitted.add(reply.grader)
            verdict = judge_again(reply, grader, asked, place=place)
            if model is not None:
                known = asked.get(reply.name)
                pair = pair_of(reply, verdict, known.question if known else "")
                if pair is not None:
                    found.pairs[len(found.verdicts)] = pair
            found.verdicts.append(verdict)
            found.replies.append(replace(reply, text=None, entry=None, question=""))
            if number % _STEP == 0:
                bar.advance(_STEP)
    return found


def reading(reply: Recorded, verdict: Verdict) -> Reading:
    """What is counted of a reply's answer."""
    return Reading(
        reply.name,
        "",
        verdict.answer,
        verdict.gold,
        bool(verdict.correct),
        not reply.cut,
        is_readable(verdict.answer, verdict.grader, verdict.choices),
        verdict.grader,
    )


def change(reply: Recorded, verdict: Verdict) -> dict[str, Any]:
    """A verdict that has changed, as data."""
    return {
        "id": reply.name,
        "answer_before": reply.answer,
        "correct_before": reply.correct,
        "answer": verdict.answer,
        "gold": verdict.gold,
        "correct": verdict.correct,
    }


def nothing(path: Path, lines: int, questions: Path | None) -> str:
    """Why nothing could be judged."""
    if not lines:
        return f"{path} holds no replies; give the answers of `run`, traces, or lines of replies."
    if questions is not None:
        return f"None of the {lines} lines of {path} has a reply to a question of {questions}; give those it answers."
    return f"None of the {lines} lines of {path} has a reply and a right answer; give the questions with --questions."


def print_judged(summary: dict[str, Any]) -> None:
    """Show what judging again has changed."""
    names = ("graded", "right", "unread", "right before", "became right", "became wrong", "first judged", "not judged")
    title = f"{summary['replies']} by {', '.join(summary['graders'])}"
    print_table(out(), title, names, [[str(summary[name.replace(" ", "_")]) for name in names]])
    if summary["changes"]:
        columns = [words(name) for name in ("question", "read before", "read now", "right answer", "now")]
        rows = []
        for one in summary["changes"]:
            cells = (one["id"], one["answer_before"], one["answer"], one["gold"])
            now = "right" if one["correct"] else "wrong"
            rows.append([*("–" if cell is None else _short(cell) for cell in cells), now])
        out().print()
        print_table(out(), "", columns, rows)
    for told in (told_readable(summary), *summary["remarks"]):
        if told:
            say(told)
    if summary["output"]:
        say(f"Written to {summary['output']}.")


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
