"""Learning while spending: what is explored, what that costs, and that it is not paid twice."""

import asyncio
from pathlib import Path

import pytest

from shadowprice._errors import InputError
from shadowprice.beliefs import OutcomePredictor, PriorPredictor
from shadowprice.engines import Reply, Request
from shadowprice.ledger import Ledger
from shadowprice.policies import get_policy
from shadowprice.runner import Explored, Reason, RunSettings, estimate, explore, run
from shadowprice.tasks import Question
from shadowprice.testing import MockEngine


def answer(request: Request) -> Reply:
    """Short questions are answered right and soon, long ones wrong and late."""
    name, _, sample = request.request_id.partition(" (sample ")
    if int(name[1:].partition(" ")[0]) % 2:
        return Reply(f"Hm. Well. Perhaps. Answer: {10 + int(sample.rstrip(')') or 0)}", 60)
    return Reply("Answer: 2", 20)


def questions(n: int, gold: str = "2") -> list[Question]:
    return [Question(f"q{row}", "Short?" if row % 2 == 0 else "A long " * 20 + "one?", gold) for row in range(n)]


def explored(asked: list[Question], engine: MockEngine, budget: int, ledger: Path) -> Explored:
    with Ledger(ledger) as books:
        run_ = books.open_run(budget=budget, settings={}, fingerprint="f", resume=True)
        found = asyncio.run(explore(asked, engine, budget, RunSettings(seed=1), ledger=run_))
        assert [] == books.check()
        assert found.spent == run_.totals().spent
        return found


def test_a_tenth_at_most_is_spent_and_what_was_answered_need_not_be_asked_again(tmp_path: Path) -> None:
    engine = MockEngine(answer)
    found = explored(questions(200), engine, 8000, tmp_path / "l")
    assert 400 < found.spent <= 800
    assert found.spent == sum(engine.generated.values())
    assert {one.question.query_id for one in found.results} <= set(engine.generated)
    assert all(one.explored and one.correct is not None for one in found.results)
    assert found.right == sum(int(one.question.query_id[1:]) % 2 == 0 for one in found.results)


def test_what_was_explored_tells_good_questions_from_bad_ones(tmp_path: Path) -> None:
    found = explored(questions(400), MockEngine(answer), 16000, tmp_path / "l")
    assert isinstance(found.predictor, OutcomePredictor)
    outcomes = found.predictor.predict([one.question for one in questions(2)]).outcomes
    assert outcomes is not None
    assert outcomes.right[0, -1] > outcomes.right[1, -1] + 0.3


def test_answers_that_agree_stand_in_for_reference_answers(tmp_path: Path) -> None:
    engine = MockEngine(answer)
    found = explored(questions(300, gold=""), engine, 30000, tmp_path / "l")
    assert found.spent == sum(engine.generated.values()) <= 3000
    assert all(" (sample " in one.request_id for one in engine.requests)
    assert all(" (sample " not in one.question.query_id and one.correct is None for one in found.results)
    # Every question bears all of its replies.
    assert found.spent == sum(one.spent for one in found.results)
    outcomes = found.predictor.predict([one.question for one in questions(2)]).outcomes
    assert outcomes is not None
    assert outcomes.right[0, -1] > outcomes.right[1, -1]


def test_a_session_that_goes_on_learns_the_same_and_asks_nothing_twice(tmp_path: Path) -> None:
    asked = questions(200)
    first, second = MockEngine(answer), MockEngine(answer)
    before = explored(asked, first, 8000, tmp_path / "l")
    after = explored(asked, second, 8000, tmp_path / "l")
    assert not set(first.generated) & set(second.generated)
    assert after.spent <= 800
    assert {one.question.query_id for one in before.results} <= {one.question.query_id for one in after.results}


def test_too_little_to_learn_from_leaves_usual_beliefs(tmp_path: Path) -> None:
    found = explored(questions(10), MockEngine(answer), 300, tmp_path / "l")
    assert isinstance(found.predictor, PriorPredictor)
    assert found.running is None
    assert found.spent <= 30


@pytest.mark.parametrize("share", [-0.1, 0.2, float("nan")])
def test_a_share_out_of_range(share: float) -> None:
    with pytest.raises(InputError, match="The share to explore with is"):
        asyncio.run(explore(questions(3), MockEngine(answer), 100, RunSettings(), share=share))


def estimating(request: Request) -> Reply:
    """Says that it needs 20 tokens, whatever is asked."""
    if request.request_id.endswith(" (estimate)"):
        return Reply("[[20]]", 4)
    assert "Use at most 20 tokens." in request.messages[-1]["content"]
    return answer(request)


def test_nothing_is_explored_with_nothing() -> None:
    engine = MockEngine(answer)
    found = asyncio.run(explore(questions(50), engine, 1000, RunSettings(), share=0.0))
    assert ((), 0, 0) == (found.results, found.spent, found.right)
    assert isinstance(found.predictor, PriorPredictor)
    assert not engine.requests


def test_estimates_are_asked_for_paid_and_put_into_the_prompt(tmp_path: Path) -> None:
    asked, engine = questions(4), MockEngine(estimating)
    with Ledger(tmp_path / "l") as books:
        run_ = books.open_run(budget=400, settings={}, fingerprint="f")
        said = asyncio.run(estimate(asked, engine, 400, RunSettings(), ledger=run_))
        assert (16, [20.0] * 4) == (said.spent, said.beliefs.threshold.tolist())
        market = get_policy("tale-ep").open(said.beliefs, run_.totals().available)
        results = asyncio.run(run(said.questions, engine, market, ledger=run_))
        assert {Reason.FINISHED} == {one.reason for one in results}
        assert 16 + 2 * 20 + 2 * 60 == run_.totals().spent == sum(engine.generated.values())
        assert 8 == len(run_.outcomes())
