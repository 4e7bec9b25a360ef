"""What is said when a predictor has learnt from other questions, or from questions that were asked otherwise."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from shadowprice.tasks import Asking, Question

if TYPE_CHECKING:
    from shadowprice.beliefs import PredictorCard, SavedPredictor

_OTHERWISE: Final = 0.1
"""Share of questions that may be asked in a way that the predictor does not know."""
_NAMED: Final = 3
"""Ways of asking that are named."""


def doubts(
    saved: "SavedPredictor",
    name: object,
    questions: Sequence[Question],
    asking: Asking,
    instead: str,
    temperature: float | None = None,
) -> list[str]:
    """Why a predictor should not be believed, a sentence for each reason.

    Args:
        saved: The predictor.
        name: What people call it, its file.
        questions: What is asked, before it got its messages.
        asking: How it is asked.
        instead: What else can be done.
        temperature: At which replies will be sampled, if that is known.
    """
    found = (
        no_better(saved.card, name, instead),
        _unlike(saved, name, questions, instead),
        _asked_otherwise(saved.card, name, questions, asking),
        _sampled_otherwise(saved.card, name, temperature),
    )
    return [doubt for doubt in found if doubt]


def _sampled_otherwise(card: "PredictorCard", name: object, temperature: float | None) -> str:
    if temperature is None or card.temperature in (None, temperature):
        return ""
    return (
        f"{name} learnt from replies at --temperature {card.temperature:g}, and yours are asked at {temperature:g}: "
        "they may be right more or less often than it believes; use the same for both."
    )


def no_better(card: "PredictorCard", name: object, instead: str) -> str:
    """What a predictor's own figures say against it; nothing if they do not."""
    skill, _, _ = card.scores.get("brier_skill", (1.0, 1.0, 1.0))
    if skill > 0.0:
        return ""
    return (
        f"When it was fitted, {name} was no better on unseen questions than believing the same of all of them: record "
        f"more of your questions and fit again, or {instead}."
    )


def _unlike(saved: "SavedPredictor", name: object, questions: Sequence[Question], instead: str) -> str:
    if saved.reference is None or not questions:
        return ""
    from shadowprice.beliefs import likeness

    found = likeness(saved.reference, [question.question for question in questions])
    if found.enough:
        return ""
    looked_at = "" if found.looked_at == len(questions) else f" (of {found.looked_at:,} looked at)"
    return (
        f"Of your questions{looked_at}, only {found.share:.0%} are like the {saved.card.queries:,} that {name} has "
        f"learnt from. Expect its beliefs of the others to be wrong: {instead}."
    )


def _asked_otherwise(card: "PredictorCard", name: object, questions: Sequence[Question], asking: Asking) -> str:
    now = Counter(asking.protocol(question) for question in questions)
    if not card.asked:
        return (
            f"{name} does not say how its questions were asked; its beliefs hold if that was as now ({_named(now)})."
            if now
            else ""
        )
    others = Counter({way: count for way, count in now.items() if way not in card.asked})
    if others.total() <= _OTHERWISE * len(questions):
        return ""
    return (
        f"{name} learnt from questions asked in another way ({_named(Counter(card.asked))}) than "
        f"{others.total():,} of your {len(questions):,} ({_named(others)}): replies may be longer or shorter than it "
        "believes, and right more or less often; record and fit anew with the same options."
    )


def _named(ways: Counter[str]) -> str:
    names = [way for way, _ in ways.most_common(_NAMED)]
    return ", ".join(names) + (f" and {len(ways) - _NAMED} more" if len(ways) > _NAMED else "")
