"""The commands and the calls do the same: answers, ledgers, plans, predictors, summaries, reports and what is said."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import shadowprice
from scripted_engine import Scripted
from shadowprice.beliefs import read_predictor
from shadowprice.engines import EngineChoice
from shadowprice.jobs import FitSettings, Session, Step, TermOptions, check
from shadowprice.ledger import Ledger
from shadowprice.runner import RunSettings
from shadowprice.tasks import Question
from shadowprice.traces import read_traces

pytestmark = pytest.mark.usefixtures("small_fits")
Command = Callable[..., Any]
ENGINE = "scripted_engine:Scripted"
SETTINGS = RunSettings(concurrency=1, seed=3)
"""One at a time: with others, who comes when differs by microseconds."""
OPTIONS = ("--engine", ENGINE, "--concurrency", "1", "--seed", "3")


def books(path: Path) -> list[Any]:
    """What a ledger holds, without its times."""
    with Ledger(path, read_only=True) as ledger:
        assert [] == ledger.check()
        (run,) = ledger.runs()
        attempts = [replace(one, opened="", closed="") for one in ledger.attempts()]
        return [run.settings, run.fingerprint, ledger.totals(run.name), attempts]


def without_places(summary: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in summary.items() if name not in ("output", "ledger")}


def page(path: Path) -> str:
    """A report, without the command that made it and the time."""
    text = re.sub(r"<code>.*?</code>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.+]+", "", text)


@pytest.mark.parametrize(
    ("budget", "knows", "policy"),
    [("40%", True, None), (400, True, "expected"), ("9/question", False, None), ("300", False, "uniform")],
)
def test_run(
    command: Command,
    scripted_file: Path,
    scripted_predictor: Path,
    tmp_path: Path,
    budget: Any,
    knows: bool,
    policy: str | None,
) -> None:
    written, told = {name: tmp_path / f"{name}.jsonl" for name in ("command", "call")}, list[str]()
    options = [
        *OPTIONS,
        *(("--predictor", scripted_predictor) if knows else ()),
        *(("--policy", policy) if policy else ()),
    ]
    pages = {name: tmp_path / f"{name}.html" for name in written}
    files = ("-o", written["command"], "--report", pages["command"])
    said = command("run", scripted_file, "--budget", budget, *options, *files, "--json")
    assert 0 == said.code, said.err

    ran = shadowprice.run(
        scripted_file,
        budget=budget,
        engine=ENGINE,
        predictor=scripted_predictor if knows else None,
        policy=policy,
        settings=SETTINGS,
        output=written["call"],
        report=pages["call"],
        tell=told.append,
    )

    assert written["command"].read_bytes() == written["call"].read_bytes()
    assert without_places(json.loads(said.out)) == without_places(ran.summary)
    assert str(written["call"]) == ran.summary["output"]
    assert books(Path(f"{written['command']}.ledger")) == books(Path(f"{written['call']}.ledger"))
    assert page(pages["command"]) == page(pages["call"])
    # What is told is what the command says, in its order; lists of questions are indented.
    assert [line.replace("call.html", "command.html") for line in told] == said.err.splitlines()[: len(told)]
    assert 0 < ran.totals.spent <= ran.totals.budget


def test_what_the_call_began_both_go_on_with(command: Command, scripted_file: Path, tmp_path: Path) -> None:
    begun, sessions = tmp_path / "begun", list[Session]()
    begun.mkdir()
    common: dict[str, Any] = {"budget": 600, "engine": ENGINE, "policy": "uniform", "settings": SETTINGS}

    def tired(step: Step) -> None:
        if step.doing == "spending" and step.done > 60:
            sessions[0].stop()

    output = begun / "a.jsonl"
    first = shadowprice.run(scripted_file, output=output, begun=sessions.append, progress=tired, **common)
    assert not first.finished
    asked = ("run", scripted_file, "--budget", 600, *OPTIONS, "--policy", "uniform", "--json")
    assert "--resume" in command(*asked, "-o", output).err  # what there is is not written over
    other = shutil.copytree(begun, tmp_path / "other") / "a.jsonl"

    said = command(*asked, "-o", output, "--resume")
    ran = shadowprice.run(scripted_file, output=other, resume=True, **common)

    assert 0 == said.code, said.err
    assert without_places(json.loads(said.out)) == without_places(ran.summary)
    assert output.read_bytes() == other.read_bytes()
    assert books(Path(f"{output}.ledger")) == books(Path(f"{other}.ledger"))
    assert first.totals.spent < ran.totals.spent <= 600


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["outcome", "threshold"])
def test_fit(
    command: Command,
    scripted_traces: Path,
    tmp_path: Path,
    scripted_questions: list[Question],
    kind: str,
    unpainted: None,
) -> None:
    files = {name: tmp_path / f"{name}.shadow" for name in ("command", "call")}
    pages = {name: tmp_path / f"{name}.html" for name in files}
    options = ("--predictor", kind, "--folds", 3, "--seed", 5, "--budgets", "8,16", "--json")
    said = command("fit", scripted_traces, "-o", files["command"], "--report", pages["command"], *options)
    assert 0 == said.code, said.err
    told: list[str] = []

    fitted = shadowprice.fit(
        read_traces(scripted_traces),
        output=files["call"],
        report=pages["call"],
        settings=FitSettings(kind, folds=3, seed=5),
        budgets=(8, "16"),
        tell=told.append,
    )

    assert json.loads(said.out) == fitted.summary
    assert fitted.verdict == fitted.summary["verdict"]
    assert [line.replace("call.", "command.") for line in told] == said.err.splitlines()
    assert page(pages["command"]) == page(pages["call"])
    one, other = (read_predictor(path) for path in files.values())
    assert replace(one.card, created="") == replace(other.card, created="")
    assert (one.running is None, other.running is None) == (kind == "threshold",) * 2
    texts = [question.question for question in scripted_questions]
    for mine in (other.predictor, fitted.predictor.predictor):
        assert one.predictor.predict(texts).threshold.tolist() == mine.predict(texts).threshold.tolist()


def test_check(command: Command, scripted_traces: Path, scripted_predictor: Path) -> None:
    said = command("fit", scripted_traces, "--check", scripted_predictor, "--json")
    found = check(scripted_traces, scripted_predictor)
    assert json.loads(said.out) == found.summary
    assert (int(found.drift.drifted), found.drift.verdict) == (said.code, found.summary["verdict"])


@pytest.mark.parametrize("knows", [True, False])
def test_allocate(command: Command, scripted_file: Path, scripted_predictor: Path, tmp_path: Path, knows: bool) -> None:
    plans = {name: tmp_path / f"{name}.jsonl" for name in ("command", "call")}
    believing = ("--predictor", scripted_predictor, "--what-if") if knows else ("--policy", "uniform")
    said = command(
        "allocate", scripted_file, "--budget", 400, "--floor", 2, "-o", plans["command"], *believing, "--json"
    )
    assert 0 == said.code, said.err
    told: list[str] = []

    planned = shadowprice.allocate(
        scripted_file,
        budget=400,
        predictor=scripted_predictor if knows else None,
        policy=None if knows else "uniform",
        terms=TermOptions(floor=2),
        what_if=knows,
        output=plans["call"],
        tell=told.append,
    )

    assert plans["command"].read_bytes() == plans["call"].read_bytes()
    summary = json.loads(said.out)
    assert summary.pop("output") == str(plans["command"])
    assert summary == {name: value for name, value in planned.summary.items() if name != "output"}
    assert told == said.err.splitlines()[: len(told)]
    assert (planned.what_if is not None) == knows


@pytest.mark.model
def test_run_with_the_embedded_model(command: Command, smollm2: Path, tmp_path: Path) -> None:
    """One reply at a time, as batches of another size give other replies."""
    questions = tmp_path / "q.csv"
    questions.write_text("question,gold\nWhat is 2 + 3?,5\nWhat is 4 + 4?,8\nName a colour.,blue\n", encoding="utf-8")
    output = tmp_path / "command.jsonl"
    asked = ("--budget", 60, "--policy", "uniform", "--model", smollm2, "--concurrency", 1)
    said = command("run", questions, *asked, "-o", output, "--json")
    assert 0 == said.code, said.err

    ran = shadowprice.run(
        questions,
        budget=60,
        policy="uniform",
        engine=EngineChoice(model=str(smollm2)),
        settings=RunSettings(concurrency=1),
        output=tmp_path / "call.jsonl",
    )

    assert output.read_bytes() == (tmp_path / "call.jsonl").read_bytes()
    assert without_places(json.loads(said.out)) == without_places(ran.summary)
    assert 3 == len([one for one in ran.results if one.text])
    assert ran.account.totals.spent <= 60


def test_an_engine_that_is_given_is_the_one_that_is_named(scripted_file: Path) -> None:
    named, given = (
        shadowprice.run(scripted_file, budget=300, engine=engine, policy="uniform", settings=SETTINGS)
        for engine in (ENGINE, Scripted())
    )
    assert named.summary == given.summary
