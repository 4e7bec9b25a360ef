"""A run whose budget is raised: what is settled stays, what nobody paid for is offered again."""

from pathlib import Path

import pytest

from shadowprice._errors import InputError
from shadowprice.ledger import Answer, Ledger, Run, State


def opened(ledger: Ledger, budget: int, *, resume: bool = True) -> Run:
    return ledger.open_run(budget=budget, settings={}, fingerprint="f", resume=resume, reopen=("abandoned", "failed"))


def test_a_larger_budget_tops_up_and_reopens_what_cost_nothing(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l") as ledger:
        run = opened(ledger, 100, resume=False)
        assert run.topped_up is None
        run.reserve("paid", 90)
        run.settle("paid", 90, "finished")
        run.reserve("begun", 5)
        run.settle("begun", 5, "abandoned")
        run.reserve("broken", 4)
        run.charge("broken", 4, "it broke")
        run.settle("broken", 0, "failed")
        run.settle("left", 0, "abandoned")
        run.finish()
        run = opened(ledger, 300)
        assert 100 == run.topped_up
        assert {"paid", "begun"} == set(run.outcomes())
        assert 2 == run.taken_back
        assert (300, 99, 201) == (run.totals().budget, run.totals().spent, run.totals().available)
        assert Answer.GRANTED is run.reserve("left", 50).answer
        assert Answer.SETTLED is run.reserve("paid", 50).answer
        assert Answer.GRANTED is run.reserve("broken", 50).answer
        run.settle("broken", 40, "finished")
        assert [(State.CHARGED, 4), (State.SETTLED, 40)] == [
            (one.state, one.charged) for one in ledger.attempts(request="broken")
        ]
        assert [] == ledger.check()
        assert run.totals().spent == 99 + 40


def test_the_same_budget_reopens_nothing(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l") as ledger:
        opened(ledger, 100, resume=False).settle("left", 0, "abandoned")
        run = opened(ledger, 100)
        assert 0 == run.taken_back
        assert (None, {"left"}) == (run.topped_up, set(run.outcomes()))


def test_who_is_there_already_may_spend_what_is_added(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l") as one, Ledger(tmp_path / "l") as two:
        first = opened(one, 100, resume=False)
        first.reserve("a", 100)
        opened(two, 150)
        assert 50 == first.totals().available
        assert 50 == first.reserve("b", 80, least=1).tokens
        assert Answer.GRANTED is not first.reserve("c", 1).answer
        assert [] == one.check()


def test_a_smaller_budget_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l") as ledger:
        opened(ledger, 100, resume=False).settle("left", 0, "abandoned")
        with pytest.raises(InputError, match="a larger one, which tops it up"):
            opened(ledger, 99)
        run = opened(ledger, 100)
        assert (100, {"left"}) == (run.totals().budget, set(run.outcomes()))


def test_a_new_run_says_that_one_which_has_ended_has_made_room(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l") as ledger:
        first = ledger.open_run(budget=9, settings={}, fingerprint="f", replace=True)
        assert not first.replaces
        first.finish()
        assert ledger.open_run(budget=9, settings={}, fingerprint="f", replace=True).replaces


def test_a_name_of_any_bytes_can_be_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "b\udcfc?#%.led"
    with Ledger(path) as ledger:
        opened(ledger, 100, resume=False)
    with Ledger(path, read_only=True) as ledger:
        assert ["run"] == [one.name for one in ledger.runs()]
