"""Questions made from families, and the messages that ask them."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shadowprice._errors import InputError, MissingExtraError
from shadowprice.tasks._families import FAMILIES, SYSTEM_PROMPT, TIERS, Family

Messages = tuple[Mapping[str, str], ...]

_DRAWS_PER_QUESTION = 8


@dataclass(frozen=True, slots=True)
class Question:
    """One question to spend tokens on."""

    query_id: str
    """Unique among the questions of a run, for example ``"gcd/17"``."""
    question: str
    """What is asked."""
    gold: str = ""
    """The right answer; empty when it is not known."""
    dataset: str = ""
    """The reasoning-gym dataset it was drawn from, if any."""
    tier: str = ""
    """``"easy"``, ``"medium"`` or ``"hard"`` for the model the families were tuned on."""
    family: str = ""
    """Name of its family, which supplies the worked examples."""
    grader: str = "exact"
    """Name of a grader of `shadowprice.grading.grade`."""
    entry: Mapping[str, Any] | None = None
    """What the grader has to know about the question."""
    choices: tuple[str, ...] = ()
    """What may be chosen from, the texts without their letters; the first is A."""
    messages: Messages | None = None
    """Chat messages that ask the question; None asks it by the protocol."""


def make_questions(families: Sequence[str] | None = None, count: int = 130, seed: int = 0) -> list[Question]:
    """Draw questions from families.

    Args:
        families: Names of families or of tiers; None takes every family.
        count: Questions per family. A family with fewer distinct questions gives those it has.
        seed: Seed of the draw. The same arguments give the same questions.

    Returns:
        The questions, family after family, no two of a family alike and none a worked example.

    Raises:
        InputError: A name is neither a family nor a tier, or `count` is below one.
        MissingExtraError: reasoning-gym is not installed.
    """
    if count < 1:
        raise InputError(f"The number of questions per family is {count}: ask for at least 1.")
    return [question for family in _select(families) for question in _draw(family, count, seed)]


def build_messages(question: Question) -> Messages:
    """Return the chat messages that ask a question.

    A question's own messages are taken as they are; one of a family is asked after the system prompt and the
    family's worked examples; any other is asked alone.

    Raises:
        InputError: The question names a family that does not exist.
    """
    if question.messages is not None:
        return question.messages
    asked = {"role": "user", "content": question.question}
    if not question.family:
        return (asked,)
    (family,) = _select([question.family])
    turns: list[Mapping[str, str]] = [{"role": "system", "content": SYSTEM_PROMPT}]
    for example in family.examples:
        turns.append({"role": "user", "content": example.question})
        turns.append({"role": "assistant", "content": example.reply})
    return (*turns, asked)


def fingerprint(questions: Sequence[Question]) -> str:
    """Tells these questions from others: by their ids, what is asked, and how replies are judged.

    Raises:
        InputError: A question names a family that does not exist.
    """
    digest = hashlib.sha256()
    for one in questions:
        asked = [dict(message) for message in build_messages(one)]
        whole = [one.query_id, one.question, asked, one.gold, one.grader, one.entry, one.choices]
        digest.update(json.dumps(whole, sort_keys=True, default=str).encode() + b"\n")
    return f"{len(questions)} questions, sha256 {digest.hexdigest()[:16]}"


def _select(names: Sequence[str] | None) -> list[Family]:
    if names is None:
        return list(FAMILIES)
    known = {family.name for family in FAMILIES} | set(TIERS)
    for name in names:
        if name not in known:
            raise InputError(
                f"There is no family or tier '{name}': choose among the tiers {', '.join(TIERS)} "
                f"and the families {', '.join(family.name for family in FAMILIES)}."
            )
    return [family for family in FAMILIES if family.name in names or family.tier in names]


def _draw(family: Family, count: int, seed: int) -> Iterator[Question]:
    seen = {example.question for example in family.examples}
    drawn = 0
    for entry in _entries(family, count * _DRAWS_PER_QUESTION, seed):
        text = entry["question"].strip()
        if text in seen:
            continue
        yield Question(
            query_id=f"{family.name}/{drawn}",
            question=text,
            gold=str(entry["answer"]),
            dataset=family.dataset,
            tier=family.tier,
            family=family.name,
            grader=f"reasoning-gym:{family.dataset}",
            entry=entry,
        )
        seen.add(text)
        drawn += 1
        if drawn == count:
            return


def _entries(family: Family, size: int, seed: int) -> Iterator[dict[str, Any]]:
    try:
        import reasoning_gym
    except ImportError as error:
        raise MissingExtraError("Making reasoning-gym tasks", "tasks") from error
    entries = reasoning_gym.create_dataset(family.dataset, size=size, seed=seed, **family.config)
    for position in range(size):
        yield _jsonable(entries[position])


def _jsonable(entry: Mapping[str, Any]) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(entry, default=str))
    return copy
