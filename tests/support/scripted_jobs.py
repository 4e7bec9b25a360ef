"""Questions that a scripted engine answers, traces of such replies, and a predictor that has learnt from them."""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest

import shadowprice
from scripted_engine import COUNT, asked, recorded
from shadowprice.beliefs import OutcomePredictor, RunningPredictor
from shadowprice.jobs import Fitted
from shadowprice.tasks import Question, write_questions
from shadowprice.traces import write_traces


@pytest.fixture(scope="module")
def small_fits() -> Iterator[None]:
    """Forests of few trees: what commands and callers fit here is compared, and not how good it is."""
    outcome = partial(OutcomePredictor, n_trees=20, n_components=4)
    running = partial(RunningPredictor, n_landmarks=6, n_components=4, n_trees=20, folds=2)
    module = sys.modules["shadowprice.jobs._fit"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(module._KINDS, "outcome", outcome)
        patch.setattr(module, "RunningPredictor", running)
        yield


@pytest.fixture
def command(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Runs the command line in this process; `shadowprice` is the library here."""
    return cast(Callable[..., Any], request.getfixturevalue("shadowprice"))


@pytest.fixture
def scripted_questions() -> list[Question]:
    """Questions in the middle of those that were recorded, so that they are like them and not the same."""
    return [asked(number) for number in range(200, 200 + COUNT)]


@pytest.fixture
def scripted_file(tmp_path: Path, scripted_questions: list[Question]) -> Path:
    """The same in a file."""
    path = tmp_path / "q.jsonl"
    write_questions(path, scripted_questions)
    return path


@pytest.fixture(scope="module")
def scripted_traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One reply to each of 120 other questions, with its text."""
    path = tmp_path_factory.mktemp("jobs") / "t.parquet"
    write_traces(pa.table(recorded(range(120))), path)
    return path


@pytest.fixture(scope="module")
def scripted_fit(scripted_traces: Path, small_fits: None) -> Fitted:
    """What is learnt from them."""
    return shadowprice.fit(scripted_traces)


@pytest.fixture(scope="module")
def scripted_predictor(scripted_fit: Fitted, scripted_traces: Path) -> Path:
    """The same in a file."""
    path = scripted_traces.with_name("p.shadow")
    scripted_fit.save(path)
    return path
