"""Judging recorded replies again, without asking anybody."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shadowprice._errors import InputError
from shadowprice.grading import emergence, find_answer, grade
from shadowprice.runner._recorded import Recorded, Verdict
from shadowprice.tasks import Question


def judge_again(
    reply: Recorded, grader: str | None = None, questions: Mapping[str, Question] | None = None, *, place: bool = False
) -> Verdict:
    """Judge a reply by a grader, or by that of its question, or by the one that its file names.

    Args:
        reply: The reply.
        grader: Judges every reply, if it is given.
        questions: What is known of the questions, by id; their right answers count before those of the replies' file.
        place: Whether to find out where the answer emerges.

    Raises:
        InputError: Nobody says how to judge it, or its right answer or entry cannot be used.
    """
    asked = (questions or {}).get(reply.name)
    gold = asked.gold if asked and asked.gold else reply.gold
    name = grader or (asked.grader if asked else "") or reply.grader
    if reply.text is None or not gold:
        return Verdict(reply.answer, None, gold, name)
    if not name:
        raise InputError(f"{reply.where}: nothing says how to judge it; add --grader number, exact, choice or math.")
    choices = (asked.choices if asked else ()) or reply.choices
    answer = find_answer(reply.text, name, cut=reply.cut, choices=choices)
    try:
        right = answer is not None and grade(answer.text, gold, name, asked.entry if asked else reply.entry, choices)
    except InputError as error:
        raise type(error)(f"{reply.where}: {error}") if type(error) is InputError else error from error
    emerged = 1.0
    if place and answer is not None:
        found = emergence(reply.text, name, cut=reply.cut, choices=choices)
        emerged = emerged if found is None else found.position / max(1, len(reply.text))
    return Verdict(answer.text if answer else None, right, gold, name, emerged, choices)


@dataclass(slots=True)
class Again:
    """What judging again has changed."""

    right_before: int = 0
    """Replies that were right before, of those that are judged now."""
    became_right: int = 0
    became_wrong: int = 0
    fresh: int = 0
    """Replies that had no verdict before."""
    changes: list[tuple[Recorded, Verdict]] = field(default_factory=list)
    """The replies with another verdict than before, in order, as many as are to be shown."""
    most: int = 5
    """Changes to keep."""

    def add(self, reply: Recorded, verdict: Verdict) -> None:
        """Compare a verdict with the one before."""
        if verdict.correct is None:
            return
        self.right_before += bool(reply.correct)
        if reply.correct is None:
            self.fresh += 1
        if verdict.correct == reply.correct:
            return
        if reply.correct is not None:
            self.became_right += verdict.correct
            self.became_wrong += not verdict.correct
        if reply.correct is not None and len(self.changes) < self.most:
            self.changes.append((reply, verdict))
