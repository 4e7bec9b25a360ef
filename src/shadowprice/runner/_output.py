"""Results as OpenAI Batch output lines, with what was paid beside each."""

import json
import math
import os
from collections.abc import Sequence
from typing import Any

from shadowprice._atomic import write_whole
from shadowprice._text import all_kept
from shadowprice.runner._results import Reason, Result
from shadowprice.tasks import Question


def write_results(results: Sequence[Result], model: str, path: str | os.PathLike[str]) -> None:
    """Write one line per result, in order, all of them or none.

    Raises:
        InputError: The file cannot be written.
    """
    with write_whole(path) as partial, partial.open("w", encoding="utf-8") as file:
        for result in results:
            file.write(json.dumps(all_kept(result_line(result, model)), ensure_ascii=False) + "\n")


def result_line(result: Result, model: str) -> dict[str, Any]:
    """One line of OpenAI Batch output, plus a `shadowprice` object.

    Questions that got no reply have `response: null` and an `error` whose code is the reason.
    """
    query_id = result.question.query_id
    answered = result.reason.replied
    price = None if math.isnan(result.price) else result.price
    return {
        "id": f"shadowprice-{query_id}",
        "custom_id": query_id,
        "response": _response(result, model) if answered else None,
        "error": None if answered else {"code": result.reason.replace(" ", "_"), "message": _explain(result)},
        "shadowprice": {
            "granted": result.granted,
            "generated": result.generated,
            "wasted": result.wasted,
            "past": result.past,
            "attempts": result.attempts,
            "price": price,
            "reason": str(result.reason),
            "answer": result.answer,
            "correct": result.correct,
        }
        | _judging(result.question),
    }


def _judging(question: Question) -> dict[str, Any]:
    """What it takes to judge a reply again; nothing where no right answer is known."""
    if not question.gold:
        return {}
    choices = {"choices": question.choices} if question.choices else {}
    return {"gold": question.gold, "grader": question.grader} | choices


def _response(result: Result, model: str) -> dict[str, Any]:
    query_id = result.question.query_id
    return {
        "status_code": 200,
        "request_id": query_id,
        "body": {
            "id": query_id,
            "object": "chat.completion",
            "model": model,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": result.text}
                    | ({"reasoning": result.thinking} if result.thinking else {}),
                    "finish_reason": "stop" if result.ended or result.reason is Reason.FINISHED else "length",
                }
            ],
            "usage": {"completion_tokens": result.generated - result.past},
        },
    }


def _explain(result: Result) -> str:
    if result.reason is Reason.ABANDONED:
        if math.isnan(result.price):
            return "Abandoned: no tokens were left for this question."
        return (
            f"Abandoned: at a price of {result.price:.3g} right answers per token it would have cost more than it "
            "was expected to return."
        )
    if result.reason is Reason.FAILED:
        return result.failure
    return "Interrupted: the run was stopped before this question was answered."
