"""Predictor files from when all of `shadowprice.beliefs` was one flat folder: they name modules that are no more."""

import pickle
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from shadowprice.beliefs import Progress, load_predictor, read_predictor
from shadowprice.beliefs.saved._trusted import TRUSTED, foreign_types, renamed

DATA = Path(__file__).parent / "data"
ASKED = ["What is 1 plus 2?", "What is 1 plus 2 plus 3 plus 4?", "What else?"]


FLAT = [
    "_outcome.OutcomePredictor",
    "_encoder.TextRegression",
    "_text.NgramEncoder",
    "encoders._sentence.SentenceEncoder",
    "encoders._reader.ReaderEncoder",
    "encoders._reduced.ReducedEncoder",
    "_forest.Forest",
    "_calibration.LogitCalibration",
    "_calibration.LocationCalibration",
    "_hazards.Hazards",
    "_prior.PriorPredictor",
    "_running.RunningPredictor",
    "_future.FutureModel",
    "_threshold.ThresholdPredictor",
]
"""All of our types that they may name."""


# What the code that wrote the files made of them.
@pytest.mark.parametrize(
    ("kind", "threshold", "alpha", "beta"),
    [
        (
            "outcome",
            [16.36634414117726, 30.597937366286594, 12.675561008037498],
            [0.7404324870893338, 0.6243866605615412, 0.8022631706526395],
            0.33382813313797366,
        ),
        (
            "threshold",
            [16.959934514132478, 33.02905088420898, 14.247841640503793],
            [0.5291249430470802] * 3,
            0.2814277422043824,
        ),
        (
            "prior",
            [96.33433081624212, 103.04019977958376, 89.7017039602618],
            [0.01897511428683692, 0.01713523885463008, 0.02108756342032114],
            [0.010380515352387733, 0.009704950127611637, 0.011148060246915755],
        ),
    ],
)
def test_what_they_believe_is_what_it_was(
    kind: str, threshold: list[float], alpha: list[float], beta: float | list[float]
) -> None:
    predictor, card = load_predictor(DATA / f"flat-{kind}.shadow")
    beliefs = predictor.predict(ASKED)
    assert kind == card.kind
    assert beliefs.threshold == pytest.approx(threshold, rel=1e-6)
    assert beliefs.alpha == pytest.approx(alpha, rel=1e-6)
    assert beliefs.beta == pytest.approx(np.broadcast_to(beta, 3), rel=1e-6)


def test_replies_that_run_are_believed_as_they_were() -> None:
    saved = read_predictor(DATA / "flat-outcome.shadow")
    before = saved.predictor.predict(ASKED).outcomes
    assert saved.reference is not None
    assert saved.running is not None
    assert before is not None
    progress = Progress(3, saved.running.words_)
    progress.update(np.arange(3), ["add 3 so add 4 so "] * 3)
    later = saved.running.predict(before, np.full(3, 20.0), progress.features(np.arange(3)))
    assert later.right[:, 20] == pytest.approx([0.246928086831957, 0.6822996061383078, 0.05882140106853601], rel=1e-6)


def node(name: str) -> dict[str, str]:
    module, _, kind = f"shadowprice.beliefs.{name}".rpartition(".")
    return {"__module__": module, "__class__": kind, "__loader__": "ObjectNode"}


def test_all_types_that_they_name_are_known_by_another_name() -> None:
    schema = [node(name) for name in FLAT]
    assert renamed(schema)
    assert [] == foreign_types(schema)
    names = {f"{one['__module__']}.{one['__class__']}" for one in schema}
    newer = {"shadowprice.beliefs.encoders.FeatureEncoder", "shadowprice.beliefs.FeaturePredictor"}
    newer |= {f"shadowprice.beliefs.{name}" for name in ("PastModel", "Habits", "Similarity")}
    assert names == {name for name in TRUSTED if name.startswith("shadowprice.")} - newer
    assert not renamed(schema)


@pytest.mark.parametrize("module", ["_outcome", "static._outcome", "_outcomes", "os", ""])
def test_no_other_type_is_trusted_for_its_module(module: str) -> None:
    schema = [node(f"{module}.Foreign"), {"__module__": ["_outcome"], "__class__": {}}]
    renamed(schema)
    assert 2 == len(foreign_types(schema))


@pytest.mark.parametrize("name", [name for name in TRUSTED if name.startswith("shadowprice.")])
def test_files_name_packages_and_no_modules(name: str) -> None:
    package, _, kind = name.rpartition(".")
    known = getattr(import_module(package), kind)
    assert package == known.__module__
    assert "._" not in package
    assert pickle.loads(pickle.dumps(known)) is known
