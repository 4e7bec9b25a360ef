import io
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

# One thread of linear algebra for each worker, before numpy is loaded: two workers have two cores, and threads that
# wait for each other there take ten times the CPU time of one.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import settings

from gateways import gateway as gateway  # fixtures of all tests
from http_server import serve as serve
from scripted_jobs import command as command
from scripted_jobs import scripted_file as scripted_file
from scripted_jobs import scripted_fit as scripted_fit
from scripted_jobs import scripted_predictor as scripted_predictor
from scripted_jobs import scripted_questions as scripted_questions
from scripted_jobs import scripted_traces as scripted_traces
from scripted_jobs import small_fits as small_fits
from shadowprice.beliefs import OutcomePredictor, RunningPredictor
from shadowprice.cli import main
from shadowprice.engines import pull_model
from shadowprice.traces import TIERS, Traces, read_traces, write_traces

# Search at random while developing; in CI the same examples every time, so that a red run means a changed tree.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

_COMPILED = {"pricing": "prices", "policies": "prices", "beliefs": "beliefs"}
"""Folders of tests that need the same compiled code, and what to call them."""
_OPERATIONS = ("plus", "minus", "times", "over")


@pytest.hookimpl(tryfirst=True)  # before xdist looks for the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of a file stay together, and so do those of what is compiled: large groups go first, one to each worker.

    Those that run a model make two groups, of about the same length: a model has one thread on two cores, so two at
    once do not stall each other, and one group would leave the other worker with nothing to do for half of the time.
    """
    for item in items:
        file = item.nodeid.partition("::")[0]
        folder = Path(file).parent.name
        model = "model of runs" if folder == "runner" else "model"
        group = model if item.get_closest_marker("model") else _COMPILED.get(folder, file)
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Groups that are torn apart set up everything twice, and nothing else would show it."""
    if getattr(session.config.option, "loadgroup", False) and any("@" not in item.nodeid for item in session.items):
        raise pytest.UsageError("pytest-xdist does not keep groups of tests together; see pyproject.toml")


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The file of the embedded model, pulled into the cache if it is not there; without it, tests fail."""
    return pull_model("smollm2").path


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps what tests find out from the user's cache, but for models; the workers of a run share what takes long."""
    vectors = tmp_path_factory.mktemp("vectors")
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    forecasts, layers = base / "forecasts", base / "layers"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shadowprice.bench._kept.forecasts_folder", lambda: forecasts)
        patch.setattr("shadowprice.beliefs.encoders._kept_vectors.vectors_folder", lambda: vectors)
        patch.setattr("shadowprice.beliefs.encoders._layers.layers_folder", lambda: layers)
        yield


@pytest.fixture(scope="session", autouse=True)
def _small_forests() -> Iterator[None]:
    """Forecasts and explorers of tests grow few trees: most of their time went into 6,000 trees on 90 questions.

    Forests of full size are grown where their figures are checked: by the demo, and by whoever makes a predictor.
    """
    running = partial(RunningPredictor, n_landmarks=6, n_components=4, n_trees=20, folds=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shadowprice.bench._forecasts.RunningPredictor", running)
        patch.setattr("shadowprice.bench._forecasts.OutcomePredictor", partial(OutcomePredictor, n_trees=50))
        patch.setattr("shadowprice.runner._learning.RunningPredictor", running)
        patch.setattr("shadowprice.runner._learning.OutcomePredictor", partial(OutcomePredictor, n_trees=50))
        yield


@pytest.fixture
def trace_table() -> Callable[..., pa.Table]:
    """Makes a table with the required columns of a trace, three rows if nothing else is asked for."""

    def make(**columns: Any) -> pa.Table:
        three = {
            "query_id": ["a", "b", "a"],
            "question": ["A?", "B?", "A?"],
            "correct": [True, False, False],
            "completion_tokens": [30, 20, 50],
            "answer_tokens": [10, 20, 40],
        }
        return pa.table(three | columns)

    return make


def made_up_rows(questions: int, samples: int) -> dict[str, list[Any]]:
    """Replies as a model might give them: a question with more words needs more tokens and fails more often."""
    rng = np.random.default_rng(7)
    rows: dict[str, list[Any]] = {
        name: []
        for name in ("query_id", "dataset", "tier", "question", "correct", "completion_tokens", "answer_tokens")
    }
    for number in range(questions):
        level = number % 3
        terms = int(rng.integers(2, 5)) + 4 * level
        words = [f"{rng.integers(10)} {_OPERATIONS[rng.integers(4)]}" for _ in range(terms)]
        for _ in range(samples):
            position = round(8 * terms * float(rng.uniform(0.85, 1.15)))
            rows["query_id"].append(f"sum/{number}")
            rows["dataset"].append(f"sums of {('few', 'some', 'many')[level]}")
            rows["tier"].append(TIERS[level])
            rows["question"].append(f"What is {' '.join(words)} {number}?")
            rows["correct"].append(bool(rng.random() < 0.9 - 0.25 * level))
            rows["answer_tokens"].append(position)
            rows["completion_tokens"].append(position + int(rng.integers(0, 12)))
    return rows


@pytest.fixture(scope="session")
def sums_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Traces of 90 made-up questions in three tiers, two replies each, in a file."""
    path = tmp_path_factory.mktemp("traces") / "sums.parquet"
    write_traces(pa.table(made_up_rows(90, 2)), path)
    return path


@pytest.fixture(scope="session")
def sums(sums_file: Path) -> Traces:
    """The traces in `sums_file`."""
    return read_traces(sums_file)


@pytest.fixture
def unpainted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the pictures of reports empty: they are made as ever, but painting them takes nine tenths of a report."""

    def savefig(self: object, target: io.StringIO, **_: Any) -> None:
        target.write("<svg></svg>")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", savefig)


class Said(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


@pytest.fixture
def shadowprice(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs the command line in this process."""

    def command(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["shadowprice", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return Said(int(end.value.code or 0), captured.out, captured.err)

    return command
