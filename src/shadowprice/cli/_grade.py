"""`shadowprice grade`: judge replies again that are there already."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.table import Table

from shadowprice._errors import InputError
from shadowprice._places import check_places
from shadowprice.cli._columns import Columns
from shadowprice.cli._graders import AllowCode, Grader, admission, read_to_grade
from shadowprice.cli._judge import (
    READS,
    Judge,
    JudgeBudget,
    JudgeModel,
    JudgeOptions,
    JudgeTokens,
    judge_by_model,
    judge_options,
    pair_of,
    told_judge,
)
from shadowprice.cli._options import out, print_json, progress_bar, require_writable, say
from shadowprice.cli._readable import Reading, count_readable, told_readable
from shadowprice.grading import is_readable
from shadowprice.runner import Again, Pair, Recorded, Verdict, is_table, judge_again, read_recorded, write_judged
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
        Path | None, typer.Option(help="Questions, or ids, with the right answers, where the file does not hold them.")
    ] = None,
    columns: Columns = None,
    grader: Grader = None,
    allow_code: AllowCode = False,
    judge: Judge = None,
    judge_model: JudgeModel = None,
    judge_budget: JudgeBudget = None,
    judge_tokens: JudgeTokens = 16,
    show: Annotated[int, typer.Option(min=0, help="Changed verdicts to show.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Judge replies again, without asking for new ones.

    Right answers and graders come from the options, or the file itself: `run` writes both beside every answer. Of a
    reply that did not end by itself, only an answer counts that it has surely stated. The file is never written over.

    With --judge a model says whether the answers agree with the right ones. Its tokens are its own, with a cap of their
    own, and what it does not judge stays as it is.

    Examples:
      shadowprice grade answers.jsonl --grader number
      shadowprice grade answers.jsonl --grader math -o again.jsonl --show 20
      shadowprice grade replies.jsonl --questions questions.csv --grader choice --json
      shadowprice grade replies.jsonl --questions golds.csv --columns query_id=key,gold=solution
      shadowprice grade traces.parquet --grader number:1e-6 -o traces-again.parquet
      shadowprice grade code.jsonl --questions mbpp.jsonl --grader tests --allow-code
      shadowprice grade answers.jsonl --judge http://localhost:8000 --judge-model big --judge-budget 20k
    """
    check_places({"--output": output}, {"REPLIES": replies, "--questions": questions})
    require_writable(output)
    model = judge_options(judge, judge_model, judge_budget, judge_tokens, grader)
    if model is not None:
        grader = READS
    admit = admission(grader, allow_code=allow_code)
    asked = (
        {}
        if questions is None
        else {
            one.query_id: one
            for one in read_to_grade(
                questions, grader, allow_code=allow_code, columns=columns, golds_only=True, tell=say
            )
        }
    )
    if columns is not None and questions is None:
        raise InputError("--columns names columns of the file of --questions: give that, too.")
    found = _judge(replies, grader, asked, admit, model=model, place=output is not None)
    verdicts = found.verdicts
    said = None if model is None or not found.pairs else judge_by_model(found.pairs, verdicts, model)
    again, readings = Again(most=show), list[Reading]()
    for reply, verdict in zip(found.replies, verdicts, strict=True):
        again.add(reply, verdict)
        if verdict.correct is not None:
            readings.append(_reading(reply, verdict))
    graded = len(readings)
    if not any(one.correct is not None for one in verdicts) and not found.pairs:
        raise InputError(_nothing(replies, len(verdicts), questions))
    if output is not None:
        write_judged(replies, verdicts, output)
    readable, odd = count_readable(readings)
    summary = {
        "replies": str(replies),
        "output": None if output is None else str(output),
        "graders": sorted({one.grader for one in verdicts if one.correct is not None or said is not None}),
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
        "judge": said,
        "remarks": [*(told_judge(said) if said else ()), *odd],
    }
    if as_json:
        print_json(summary)
    else:
        _print(summary)


class _Judged(NamedTuple):
    """The replies of a file without their texts, a verdict for each, and what to ask a model about, by row."""

    replies: list[Recorded]
    verdicts: list[Verdict]
    pairs: dict[int, Pair]


def _judge(
    path: Path,
    grader: str | None,
    asked: dict[str, Question],
    admit: Callable[[str], None],
    *,
    model: JudgeOptions | None,
    place: bool,
) -> _Judged:
    found = _Judged([], [], {})
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


def _reading(reply: Recorded, verdict: Verdict) -> Reading:
    return Reading(
        reply.name,
        "",
        verdict.answer,
        verdict.gold,
        bool(verdict.correct),
        not reply.cut,
        is_readable(verdict.answer, verdict.grader),
        verdict.grader,
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
