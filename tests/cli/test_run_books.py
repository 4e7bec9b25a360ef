"""What a larger budget offers again."""

import math
from pathlib import Path

from shadowprice.jobs._books import open_books
from shadowprice.runner import Reason, Result
from shadowprice.tasks import Question

QUESTIONS = [Question(f"q{number}", f"What is {number}?", str(number)) for number in range(4)]


def result(number: int, reason: Reason, tokens: int, answer: str | None = None, *, correct: bool = False) -> Result:
    return Result(QUESTIONS[number], reason, tokens, tokens, 0.01, "…", answer=answer, correct=correct, attempts=1)


def test_topping_up_offers_again_who_has_no_answer(tmp_path: Path) -> None:
    """A stopped reply that had said its answer stays, whether it is right or not: nobody may look at that."""
    said: list[str] = []
    settled = [
        result(0, Reason.STOPPED, 8),
        result(1, Reason.STOPPED, 9, "7"),
        result(2, Reason.CUT_OFF, 10),
        result(3, Reason.ABANDONED, 0),
    ]
    with open_books(None, tmp_path / "a.jsonl", QUESTIONS, 100, {}, resume=False, tell=said.append) as books:
        for one in settled:
            if one.generated:
                books.ledger.reserve(one.question.query_id, one.generated)
            books.ledger.settle(one.question.query_id, one.generated, str(one.reason), one.payload())
        books.ledger.finish()
    with open_books(None, tmp_path / "a.jsonl", QUESTIONS, 100, {}, resume=True, tell=said.append) as books:
        assert {"q0", "q1", "q2", "q3"} == set(books.done)
    assert not said
    with open_books(None, tmp_path / "a.jsonl", QUESTIONS, 300, {}, resume=True, tell=said.append) as books:
        assert {"q1", "q2"} == set(books.done)
        assert (27, 273) == (books.ledger.totals().spent, books.ledger.totals().available)
    assert [
        "The budget is topped up from 100 to 300 tokens: abandoned questions are offered again, and 1 reply is "
        "begun anew that was stopped before saying an answer (8 tokens, which stay spent). All other replies stay as "
        "they are."
    ] == said
    assert math.isclose(0.01, books.done["q1"].price)
