"""`shadowprice grade`: judge replies again that are there already."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from shadowprice._errors import InputError
from shadowprice._places import check_places
from shadowprice.cli._graders import AllowCode, Grader, admission, read_to_grade
from shadowprice.cli._options import out, print_json, progress_bar, require_writable, say
from shadowprice.cli._readable import Reading, count_readable, told_readable
from shadowprice.grading import is_readable
from shadowprice.runner import Again, Recorded, Verdict, is_table, judge_again, read_recorded, write_judged
from shadowprice.tasks import Question

_STEP = 100


def grade(
    replies: Annotated[
        Path, typer.Argument(help="Answers of `run`, OpenAI Batch output, JSONL with a reply a line, or traces.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write the file again, with the new verdicts; without it, only say them."),
    ] = None,
    questions: Annotated[
        Path | None, typer.Option(help="Questions with the right answers, where the file does not hold them.")
    ] = None,
    grader: Grader = None,
    allow_code: AllowCode = False,
    show: Annotated[int, typer.Option(min=0, help="Changed verdicts to show.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Judge replies again, without asking anybody.

    Right answers and graders come from the options, or the file itself: `run` writes both beside every answer. Of a
    reply that did not end by itself, only an answer counts that it has surely stated. The file is never written over.

    Examples:
      shadowprice grade answers.jsonl --grader number
      shadowprice grade answers.jsonl --grader math -o again.jsonl --show 20
      shadowprice grade replies.jsonl --questions questions.csv --grader choice --json
      shadowprice grade traces.parquet --grader number:1e-6 -o traces-again.parquet
      shadowprice grade code.jsonl --questions mbpp.jsonl --grader tests --allow-code
    """
    check_places({"--output": output}, {"REPLIES": replies, "--questions": questions})
    require_writable(output)
    admit = admission(grader, allow_code=allow_code)
    asked = (
        {}
        if questions is None
        else {one.query_id: one for one in read_to_grade(questions, grader, allow_code=allow_code)}
    )
    again, readings, verdicts = _judge(replies, grader, asked, admit, most=show, place=output is not None)
    graded = len(readings)
    if not graded:
        raise InputError(_nothing(replies, len(verdicts), questions))
    if output is not None:
        write_judged(replies, verdicts, output)
    readable, odd = count_readable(readings)
    summary = {
        "replies": str(replies),
        "output": None if output is None else str(output),
        "graders": sorted({one.grader for one in verdicts if one.correct is not None}),
        "lines": len(verdicts),
        "not_judged": len(verdicts) - graded,
        "graded": graded,
        "right": sum(one.right for one in readings),
        "unread": sum(not one.readable for one in readings),
        **readable,
        "right_before": again.right_before,
        "became_right": again.became_right,
        "became_wrong": again.became_wrong,
        "first_judged": again.fresh,
        "changes": [_change(*one) for one in again.changes],
        "remarks": odd,
    }
    if as_json:
        print_json(summary)
    else:
        _print(summary)


def _judge(
    path: Path, grader: str | None, asked: dict[str, Question], admit: Callable[[str], None], *, most: int, place: bool
) -> tuple[Again, list[Reading], list[Verdict]]:
    again, readings, verdicts = Again(most=most), list[Reading](), list[Verdict]()
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
            again.add(reply, verdict)
            verdicts.append(verdict)
            if verdict.correct is not None:
                readings.append(_reading(reply, verdict))
            if number % _STEP == 0:
                bar.advance(_STEP)
    return again, readings, verdicts


def _reading(reply: Recorded, verdict: Verdict) -> Reading:
    return Reading(
        reply.name,
        "",
        verdict.answer,
        verdict.gold,
        bool(verdict.correct),
        not reply.cut,
        is_readable(verdict.answer, verdict.grader),
    )


def _change(reply: Recorded, verdict: Verdict) -> dict[str, Any]:
    return {
        "id": reply.name,
        "answer_before": reply.answer,
        "correct_before": reply.correct,
        "answer": verdict.answer,
        "gold": verdict.gold,
        "correct": verdict.correct,
    }


def _nothing(path: Path, lines: int, questions: Path | None) -> str:
    if not lines:
        return f"{path} holds no replies; give the answers of `run`, traces, or lines of replies."
    if questions is not None:
        return f"None of the {lines} lines of {path} has a reply to a question of {questions}; give those it answers."
    return f"None of the {lines} lines of {path} has a reply and a right answer; give the questions with --questions."


def _print(summary: dict[str, Any]) -> None:
    table = Table(title=f"{summary['replies']} by {', '.join(summary['graders'])}", title_justify="left")
    names = ("graded", "right", "unread", "right before", "became right", "became wrong", "first judged", "not judged")
    for name in names:
        table.add_column(name, justify="right")
    table.add_row(*(str(summary[name.replace(" ", "_")]) for name in names))
    out().print(table)
    if summary["changes"]:
        changes = Table("question", "read before", "read now", "right answer", "now", box=None, pad_edge=False)
        for one in summary["changes"]:
            now = "right" if one["correct"] else "wrong"
            cells = (one["id"], one["answer_before"], one["answer"], one["gold"])
            changes.add_row(*("–" if cell is None else _short(cell) for cell in cells), now)
        out().print(changes)
    for told in (told_readable(summary), *summary["remarks"]):
        if told:
            say(told)
    if summary["output"]:
        say(f"Written to {summary['output']}.")


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
