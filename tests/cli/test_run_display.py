import io

import numpy as np
import pytest
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from shadowprice.beliefs import Beliefs, Outcomes
from shadowprice.cli._run_display import Display, print_summary, summarise
from shadowprice.policies import get_policy
from shadowprice.runner import Reason, Result
from shadowprice.tasks import Question

GRID = np.array([8.0, 16.0, 32.0])


def beliefs() -> Beliefs:
    right = np.tile([0.0, 0.5, 0.75], (3, 1))
    ones = np.ones(3)
    return Beliefs(16 * ones, 0.1 * ones, 0.1 * ones, Outcomes(GRID, right, right))


def shown(*results: Result, budget: int = 100) -> str:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=200, color_system=None)
    with Progress(TextColumn("{task.fields[note]}"), BarColumn(), console=console) as progress:
        display = Display(progress, budget, 3)
        market = get_policy("index").open(beliefs(), budget)
        display.watch(market, beliefs(), ["a", "b", "c"])
        for result in results:
            display.add(result)
        progress.refresh()
    return screen.getvalue()


def result(name: str, reason: Reason, tokens: int = 16, correct: bool | None = None) -> Result:
    return Result(Question(name, "Why?"), reason, tokens, tokens, 0.01, correct=correct)


def test_what_is_known_and_what_is_to_be_expected() -> None:
    line = shown(result("a", Reason.FINISHED, correct=True), result("b", Reason.STOPPED, 20, correct=False))
    assert "36 tokens, 2/3 answered, 1 stopped, 1 right, " in line
    assert "expected, price 0.0" in line


def test_replies_that_nobody_can_grade_count_by_what_is_believed_of_them() -> None:
    line = shown(result("a", Reason.FINISHED, 32), result("b", Reason.FINISHED, 32), budget=0)
    assert "64 tokens, 2/3 answered, 2 expected" in line  # 2 × 0.75, and nothing is left to spend


def test_a_run_in_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    results = [result("a", Reason.FINISHED, correct=True), result("b", Reason.ABANDONED, 0)]
    summary = summarise(results, 100, "index", 0.01, "o.jsonl", "o.ledger", spent=20, lost=4, server_tokens=18)
    assert (20, 4, 1, 1, 0) == tuple(summary[name] for name in ("spent", "lost", "finished", "abandoned", "stopped"))
    print_summary(summary | {"made_past_stops": 2, "explored_tokens": 8})
    said = capsys.readouterr()
    assert "index, 20 of 100 tokens" in said.out
    assert "4 tokens were charged to replies that were under way when an earlier session died." in said.err
    assert "8 tokens went into exploring." in said.err
    assert "The server counted 18 tokens, 2 of them after it was told to stop, for which 0 were charged." in said.err
