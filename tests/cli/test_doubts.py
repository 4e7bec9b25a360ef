"""What is said of a predictor that knew nothing better when it was fitted, or learnt at another temperature."""

from dataclasses import replace

import pytest

from shadowprice.beliefs import PredictorCard, PriorPredictor, SavedPredictor
from shadowprice.jobs.given import doubts
from shadowprice.tasks import Asking, Question

CARD = PredictorCard("t.parquet", "m", 100, 100, "2026-01-01T00:00:00+00:00", "0.1.0", asked={"plain": 100})


@pytest.mark.parametrize(
    ("scores", "said"),
    [({"brier_skill": (-0.02, -0.1, 0.06)}, True), ({"brier_skill": (0.1, 0.02, 0.2)}, False), ({}, False)],
)
def test_a_fit_that_was_no_better_is_said_where_it_is_used(
    scores: dict[str, tuple[float, float, float]], said: bool
) -> None:
    saved = SavedPredictor(PriorPredictor(), replace(CARD, scores=scores))
    told = "\n".join(doubts(saved, "p.shadow", [Question("a", "Why?")], Asking(instruction=False), "leave it out"))
    assert said == ("When it was fitted, p.shadow was no better on unseen questions than believing the same" in told)
    assert said == ("record more of your questions and fit again, or leave it out." in told)


@pytest.mark.parametrize(
    ("learnt", "asked", "said"), [(0.5, 0.0, True), (0.0, 0.0, False), (None, 0.7, False), (0.5, None, False)]
)
def test_another_temperature_is_said(learnt: float | None, asked: float | None, said: bool) -> None:
    saved = SavedPredictor(PriorPredictor(), replace(CARD, temperature=learnt))
    way = Asking(instruction=False)
    told = "\n".join(doubts(saved, "p.shadow", [Question("a", "Why?")], way, "leave it out", asked))
    assert said == ("p.shadow learnt from replies at --temperature 0.5, and yours are asked at 0:" in told)
