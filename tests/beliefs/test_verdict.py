"""Whether beliefs are worth having, in one sentence."""

from dataclasses import replace

import pytest

from shadowprice.beliefs import BeliefScores, Estimate, verdict


def scores(skill: tuple[float, float, float], right: int = 80, questions: int = 90) -> BeliefScores:
    other = Estimate(0.7, 0.6, 0.8)
    return BeliefScores(
        auc=other,
        auc_within=other,
        kendall=other,
        brier=other,
        brier_skill=Estimate(*skill),
        log_score=other,
        calibration_error=other,
        bias=other,
        horizon=100.0,
        questions=questions,
        replies=180,
        right=right,
        censored=0,
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            scores((0.2, 0.1, 0.3)),
            "Yes: on unseen questions it is 20 % less wrong than believing the same of all questions; of a right and a "
            "wrong reply, the right one's question is the better bet 70 times in 100.",
        ),
        (
            scores((0.2, -0.1, 0.3)),
            "Perhaps: on unseen questions it seems 20 % less wrong than believing the same of all questions, but that "
            "may be chance; more questions would tell.",
        ),
        (
            scores((-0.1, -0.2, 0.1)),
            "No: on unseen questions it is no better than believing the same of all of them.",
        ),
        (
            scores((-0.1, -0.2, 0.1), right=6),
            "No: on unseen questions it is no better than believing the same of all of them; only 6 of 180 replies, to "
            "90 questions, are right.",
        ),
        (
            scores((0.4, 0.1, 0.6), right=29),
            "Too little to tell: only 29 of 180 replies, to 90 questions, are right; record more, or easier questions.",
        ),
        (
            scores((0.4, 0.1, 0.6), questions=20),
            "Too little to tell: 80 of 180 replies are right, to only 20 questions; record more questions.",
        ),
        (
            scores((0.4, 0.1, 0.6), right=180, questions=20),
            "Too little to tell: all 180 replies, to 20 questions, are right; record more, or harder questions.",
        ),
        (
            replace(scores((0.2, 0.1, 0.3), right=180), auc=Estimate(*(float("nan"),) * 3)),
            "Yes: on unseen questions it is 20 % less wrong than believing the same of all questions, which is how "
            "long answers take: all replies are right.",
        ),
        (
            scores((float("nan"),) * 3),
            "No: on unseen questions it is no better than believing the same of all of them.",
        ),
    ],
)
def test_the_verdict_is_one_sentence(found: BeliefScores, said: str) -> None:
    assert said == verdict(found)
