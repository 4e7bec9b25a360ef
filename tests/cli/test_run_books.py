"""What a larger budget offers again."""

from functools import partial
from pathlib import Path

from shadowprice.jobs._books import open_books
from shadowprice.runner import Reason, Result
from shadowprice.tasks import Question

QUESTIONS = [Question(f"q{number}", f"What is {number}?", str(number)) for number in range(4)]


def result(number: int, reason: Reason, tokens: int) -> Result:
    return Result(QUESTIONS[number], reason, tokens, tokens, 0.01, "…", attempts=1)


def test_topping_up_offers_again_who_has_no_reply(tmp_path: Path) -> None:
    said: list[str] = []
    settled = [
        result(0, Reason.STOPPED, 8),
        result(1, Reason.CUT_OFF, 10),
        result(2, Reason.FAILED, 0),
        result(3, Reason.ABANDONED, 0),
    ]
    opening = partial(open_books, None, tmp_path / "a.jsonl", QUESTIONS, tell=said.append)
    with opening(100, {}, resume=False) as books:
        for one in settled:
            if one.generated:
                books.ledger.reserve(one.question.query_id, one.generated)
            books.ledger.settle(one.question.query_id, one.generated, str(one.reason), one.payload())
        books.ledger.finish()
    with opening(100, {}, resume=True) as books:
        assert {"q0", "q1", "q2", "q3"} == set(books.done)
    assert not said
    for budget, told in (
        (300, "2 questions that were abandoned or failed are offered again."),
        (301, "no question was abandoned or failed, so that there is nobody to offer more to."),
    ):
        with opening(budget, {}, resume=True) as books:
            assert {"q0", "q1"} == set(books.done)
            assert (18, budget - 18) == (books.ledger.totals().spent, books.ledger.totals().available)
        assert f"to {budget} tokens: {told} Replies that there are stay as they are" in said.pop()
