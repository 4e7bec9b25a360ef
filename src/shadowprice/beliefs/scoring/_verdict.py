"""Whether beliefs are worth having, in one sentence."""

from typing import Final

from shadowprice.beliefs.scoring._scores import BeliefScores

_FEW_RIGHT: Final = 30
"""Right replies below which nothing is promised."""
_FEW_QUESTIONS: Final = 50
"""Questions below which nothing is promised."""


def verdict(scores: BeliefScores) -> str:
    """Say in one sentence whether these beliefs know more than that all questions are alike.

    They do if the whole 95 % interval of the Brier skill is above 0: the share of the squared error of P(right by t)
    that is gained on believing the same of every question. They do not if the skill itself is not above 0. In between,
    and with few right replies or questions, it is not known.

    Args:
        scores: Of beliefs about questions that the predictor had not seen.
    """
    skill, auc = scores.brier_skill, scores.auc
    few = scores.right < _FEW_RIGHT or scores.questions < _FEW_QUESTIONS
    amount, more = _amount(scores)
    if not skill.value > 0.0:
        because = f"; {amount}" if few else ""
        return f"No: on unseen questions it is no better than believing the same of all of them{because}."
    if few:
        return f"Too little to tell: {amount}; record {more}."
    gained = f"{100.0 * skill.value:.0f} % less wrong than believing the same of all questions"
    picks = (
        "; of a right and a wrong reply, the right one's question is the better bet "
        f"{100.0 * auc.value:.0f} times in 100"
        if auc.value == auc.value
        else ", which is how long answers take: all replies are right"
    )
    if skill.low > 0.0:
        return f"Yes: on unseen questions it is {gained}{picks}."
    return f"Perhaps: on unseen questions it seems {gained}, but that may be chance; more questions would tell."


def _amount(scores: BeliefScores) -> tuple[str, str]:
    """How little there is to learn from, and what more would help."""
    if scores.right == scores.replies:
        return f"all {scores.replies} replies, to {scores.questions} questions, are right", "more, or harder questions"
    if scores.right < _FEW_RIGHT:
        amount = f"only {scores.right} of {scores.replies} replies, to {scores.questions} questions, are right"
        return amount, "more, or easier questions"
    return (
        f"{scores.right} of {scores.replies} replies are right, to only {scores.questions} questions",
        "more questions",
    )
