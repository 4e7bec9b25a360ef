"""`shadowprice.fit` and `allocate`: what they give back, and what they refuse."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

import shadowprice
from scripted_engine import asked
from shadowprice._errors import BudgetTooSmallError, InputError
from shadowprice.beliefs import read_predictor
from shadowprice.jobs import FitSettings, Fitted, QuestionOptions, Step, check
from shadowprice.tasks import Question
from shadowprice.traces import read_traces


def test_what_is_fitted_can_be_saved_later(scripted_fit: Fitted, tmp_path: Path) -> None:
    assert repr(scripted_fit).startswith("Fitted(outcome predictor, 120 questions, 120 replies: ")
    scripted_fit.save(tmp_path / "p.shadow")
    assert scripted_fit.predictor.card == read_predictor(tmp_path / "p.shadow").card
    scripted_fit.write_report(tmp_path / "fit.html")
    assert "shadowprice.fit(…), called from Python" in (tmp_path / "fit.html").read_text(encoding="utf-8")


def test_questions_that_are_excluded_teach_nothing(scripted_traces: Path) -> None:
    known = [asked(number) for number in range(20)]
    steps: list[Step] = []
    fitted = shadowprice.fit(scripted_traces, exclude=known, settings=FitSettings(running=False), progress=steps.append)
    assert (100, None) == (fitted.predictor.card.queries, fitted.predictor.running)
    assert {"fitting"} == {one.doing for one in steps}
    assert steps[-1].ended
    assert steps[-1].done == pytest.approx(steps[-1].total)


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"traces": "none.parquet"}, "none.parquet: no such file"),
        ({"budgets": [0]}, "A budget of 0 tokens per query buys nothing"),
        ({"budgets": ["many"]}, "The budget 'many' is not a number of tokens"),
        ({"reading": QuestionOptions("question=x")}, "--columns names columns of the file of --exclude"),
        ({"output": "p", "report": "p"}, "--report and --output name the same file"),
        ({"output": "nowhere/p.shadow"}, "Cannot write nowhere/p.shadow"),
        ({"settings": FitSettings("threshold", running=True)}, "--running goes with --predictor outcome"),
        ({"settings": FitSettings(encoder="x")}, "There is no encoder 'x'"),
        ({"settings": FitSettings(folds=1)}, "into 1 folds"),
    ],
)
def test_what_fit_refuses(
    scripted_traces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=complaint):
        shadowprice.fit(**({"traces": scripted_traces} | more))
    assert [] == list(tmp_path.iterdir())


def test_there_is_no_such_predictor() -> None:
    with pytest.raises(InputError, match="There is no predictor 'outcomes': did you mean outcome"):
        FitSettings("outcomes")


def test_a_predictor_is_checked_without_files(scripted_fit: Fitted, scripted_traces: Path) -> None:
    found = check(read_traces(scripted_traces), scripted_fit.predictor)
    assert ("SavedPredictor(t.parquet)", str(scripted_traces)) == (found.predictor, found.traces)
    assert found.drift.seen == 120


def test_a_plan_has_a_reason_for_every_question(
    scripted_questions: list[Question], scripted_fit: Fitted, tmp_path: Path
) -> None:
    planned = asyncio.run(
        asyncio.to_thread(
            shadowprice.allocate,
            scripted_questions,
            budget="40%",
            predictor=scripted_fit.predictor,
            budgets=["1k"],
            plot=tmp_path / "what-if.svg",
        )
    )
    assert 48 == len(planned.plan) == len(planned.plan.reasons) == len(planned.questions)
    assert planned.what_if is not None
    assert [planned.budget, 1000] == planned.what_if.budgets.tolist()
    assert (tmp_path / "what-if.svg").read_text(encoding="utf-8").startswith("<?xml")
    assert repr(planned).startswith("Allocated(")
    planned.write_plan(tmp_path / "plan.csv")
    assert 49 == len((tmp_path / "plan.csv").read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"budget": "$5"}, "say what a million tokens cost"),
        ({"policy": "index"}, "The policy index decides while replies run"),
        ({}, "A plan by prices needs beliefs"),
        ({"policy": "uniform", "what_if": True}, "--what-if needs beliefs about the questions"),
        ({"policy": "uniform", "output": "plan.txt"}, "plan.txt"),
        ({"policy": "uniform", "output": "nowhere/plan.csv"}, "Cannot write nowhere/plan.csv"),
        ({"policy": "uniform", "budgets": ["x"]}, "The budget 'x' is not a number of tokens"),
    ],
)
def test_what_allocate_refuses(
    scripted_questions: list[Question],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: dict[str, Any],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=complaint):
        shadowprice.allocate(scripted_questions, **({"budget": 400} | more))
    assert [] == list(tmp_path.iterdir())


def test_a_plan_that_buys_nothing(scripted_questions: list[Question], tmp_path: Path) -> None:
    with pytest.raises(BudgetTooSmallError, match="0 tokens buy nothing for these 48 questions"):
        shadowprice.allocate(scripted_questions, budget=0, policy="uniform")
    planned = shadowprice.allocate(scripted_questions, budget=0, policy="uniform", check=False)
    assert not planned.plan.tokens.any()
    with pytest.raises(InputError, match="No budgets were compared"):
        planned.write_plot(tmp_path / "plot.svg")
