import numpy as np
import pytest

from shadowprice.beliefs import Beliefs, Outcomes
from shadowprice.cli._run_tables import print_summary
from shadowprice.jobs._step import Steps
from shadowprice.jobs.told import SoFar, summarise
from shadowprice.policies import get_policy
from shadowprice.runner import Reason, Result
from shadowprice.tasks import Question

GRID = np.array([8.0, 16.0, 32.0])


def beliefs() -> Beliefs:
    right = np.tile([0.0, 0.5, 0.75], (3, 1))
    ones = np.ones(3)
    return Beliefs(16 * ones, 0.1 * ones, 0.1 * ones, Outcomes(GRID, right, right))


def shown(*results: Result, budget: int = 100) -> Steps:
    bar = Steps("spending", budget)
    display = SoFar(bar, budget, 3)
    market = get_policy("index").open(beliefs(), budget)
    display.watch(market, beliefs(), ["a", "b", "c"])
    for result in results:
        display.add(result)
    return bar


def result(name: str, reason: Reason, tokens: int = 16, correct: bool | None = None) -> Result:
    return Result(Question(name, "Why?"), reason, tokens, tokens, 0.01, correct=correct)


def test_what_is_known_and_what_is_to_be_expected() -> None:
    bar = shown(result("a", Reason.FINISHED, correct=True), result("b", Reason.STOPPED, 20, correct=False))
    assert 36 == bar.done
    assert {"tokens", "answered", "right", "price"} == set(bar.lines)
    assert "36 of 100" == bar.lines["tokens"]
    assert "2 of 3 questions, 1 of them stopped" == bar.lines["answered"]
    assert bar.lines["right"].startswith("1, ")
    assert bar.lines["right"].endswith(" expected in the end")
    assert bar.lines["price"].startswith("0.0")


def test_replies_that_nobody_can_grade_count_by_what_is_believed_of_them() -> None:
    bar = shown(result("a", Reason.FINISHED, 32), result("b", Reason.FINISHED, 32), budget=0)
    assert "at least 2 expected in the end" == bar.lines["right"]  # 2 × 0.75, and nothing is left to spend


def test_a_run_in_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    results = [result("a", Reason.FINISHED, correct=True), result("b", Reason.ABANDONED, 0)]
    summary = summarise(results, 100, "index", 0.01, "o.jsonl", "o.ledger", spent=20, lost=4, server_tokens=18)
    assert (20, 4, 1, 1, 0) == tuple(summary[name] for name in ("spent", "lost", "finished", "abandoned", "stopped"))
    print_summary(summary | {"made_past_stops": 2, "charged_past_stops": 1, "explored_tokens": 8})
    said = capsys.readouterr()
    assert "index, 20 of 100 tokens" in said.out
    assert "4 tokens were charged to replies that were under way when an earlier session died." in said.err
    assert "8 tokens went into exploring." in said.err
    assert (
        "The server counted 18 tokens in this session, for whoever used it; 2 of them came after it was told to stop, "
        "for which 1 was charged."
    ) in said.err
