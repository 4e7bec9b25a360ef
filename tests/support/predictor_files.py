"""Predictors that are quick to fit, and how their files are refused: for tests of these files."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shadowprice._errors import InputError
from shadowprice.beliefs import (
    AbstractPredictor,
    OutcomePredictor,
    PredictorCard,
    PriorPredictor,
    ThresholdPredictor,
    load_predictor,
)
from shadowprice.traces import Traces

CARD = PredictorCard("sums.parquet", "m", 90, 180, "2026-01-01T00:00:00+00:00", "0.1.0")
KINDS = [OutcomePredictor, ThresholdPredictor, PriorPredictor]


def small(kind: Any) -> Any:
    """A predictor of that kind that is quick to fit."""
    return OutcomePredictor(n_trees=8, n_components=8) if kind is OutcomePredictor else kind()


@pytest.fixture(scope="module")
def fitted(sums: Traces) -> dict[Any, AbstractPredictor]:
    """A small predictor of each kind, fitted once for each module."""
    return {kind: small(kind).fit(sums.evidence) for kind in KINDS}


def card_of(predictor: AbstractPredictor) -> PredictorCard:
    """A card that fits a predictor."""
    table = predictor.predict(["x"]).outcomes
    return CARD if table is None else replace(CARD, grid=tuple(table.tokens.tolist()))


def refusal(path: Path) -> str:
    """What is said of a file that is refused, in one line behind its name."""
    with pytest.raises(InputError) as caught:
        load_predictor(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert message.splitlines() == [message]
    assert len(message) < 400
    return message.removeprefix(str(path))
