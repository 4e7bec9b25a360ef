"""`shadowprice grade`: judge replies again that are there already."""

from pathlib import Path
from typing import Annotated

import typer

from shadowprice._errors import InputError
from shadowprice._places import check_places
from shadowprice.cli._options import print_json, require_writable, say
from shadowprice.cli._parameters import AllowCode, Columns, Grader, Judge, JudgeBudget, JudgeModel, JudgeTokens


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
    from shadowprice.cli._grade_job import change, judge_file, nothing, print_judged, reading
    from shadowprice.cli._judge import READS, judge_by_model, judge_options, told_judge
    from shadowprice.jobs import QuestionOptions
    from shadowprice.jobs.given import admission, read_to_grade
    from shadowprice.jobs.told import Reading, count_readable
    from shadowprice.runner import Again, write_judged

    check_places({"--output": output}, {"REPLIES": replies, "--questions": questions})
    require_writable(output)
    model = judge_options(judge, judge_model, judge_budget, judge_tokens, grader)
    if model is not None:
        grader = READS
    admit = admission(grader, allow_code=allow_code, tell=say)
    reading_ = QuestionOptions(columns, grader, allow_code)
    asked = (
        {}
        if questions is None
        else {one.query_id: one for one in read_to_grade(questions, reading_, golds_only=True, tell=say, remark=say)}
    )
    if columns is not None and questions is None:
        raise InputError("--columns names columns of the file of --questions: give that, too.")
    found = judge_file(replies, grader, asked, admit, model=model, place=output is not None)
    verdicts = found.verdicts
    said = None if model is None or not found.pairs else judge_by_model(found.pairs, verdicts, model)
    again, readings = Again(most=show), list[Reading]()
    for reply, verdict in zip(found.replies, verdicts, strict=True):
        again.add(reply, verdict)
        if verdict.correct is not None:
            readings.append(reading(reply, verdict))
    graded = len(readings)
    if not any(one.correct is not None for one in verdicts) and not found.pairs:
        raise InputError(nothing(replies, len(verdicts), questions))
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
        "changes": [change(*one) for one in again.changes],
        "judge": said,
        "remarks": [*(told_judge(said) if said else ()), *odd],
    }
    if as_json:
        print_json(summary)
    else:
        print_judged(summary)
