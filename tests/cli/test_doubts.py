"""What is said of a predictor that knew nothing better when it was fitted."""

from dataclasses import replace
from pathlib import Path

import pytest

from shadowprice.beliefs import PredictorCard, PriorPredictor, SavedPredictor
from shadowprice.cli._doubts import say_doubts
from shadowprice.tasks import Asking, Question

CARD = PredictorCard("t.parquet", "m", 100, 100, "2026-01-01T00:00:00+00:00", "0.1.0", asked={"plain": 100})


@pytest.mark.parametrize(
    ("scores", "said"),
    [({"brier_skill": (-0.02, -0.1, 0.06)}, True), ({"brier_skill": (0.1, 0.02, 0.2)}, False), ({}, False)],
)
def test_a_fit_that_was_no_better_is_said_where_it_is_used(
    capsys: pytest.CaptureFixture[str], scores: dict[str, tuple[float, float, float]], said: bool
) -> None:
    saved = SavedPredictor(PriorPredictor(), replace(CARD, scores=scores))
    say_doubts(saved, Path("p.shadow"), [Question("a", "Why?")], Asking(instruction=False), "leave it out")
    told = capsys.readouterr().err
    assert said == ("When it was fitted, p.shadow was no better on unseen questions than believing the same" in told)
    assert said == ("record more of your questions and fit again, or leave it out." in told)
