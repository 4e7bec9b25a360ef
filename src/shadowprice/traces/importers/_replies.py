"""A reply as any log tells of it, before it becomes a row of traces."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shadowprice._errors import InputError
from shadowprice.grading import admit_grader

MAX_COUNT = 2**53
"""More tokens than this are a mistake, not a reply."""


@dataclass(frozen=True, slots=True)
class LoggedReply:
    """What a log says of one reply. What it does not say is None, or empty."""

    query_id: str
    """Unique to the question among all logs: `dataset/number`."""
    question: str
    """The problem text."""
    text: str
    """The reply without its reasoning."""
    where: str
    """The place in the log, for error messages: `file, line 3`."""
    key: str = ""
    """The question's own name inside the log, by which `--questions` may also know it."""
    golds: tuple[str, ...] = ()
    """Reference answers, any of which is right."""
    dataset: str | None = None
    tier: str | None = None
    model: str | None = None
    protocol: str | None = None
    reasoning: str = ""
    """The reasoning before the reply, where the log shows it."""
    correct: bool | None = None
    """The log's own verdict."""
    answer: str | None = None
    """The final answer that the log read from the reply."""
    grader: str = "exact"
    """How replies of this kind are graded when the log has no verdict and nobody says otherwise."""
    tokens: int | None = None
    """Tokens of reasoning and reply together; None has them estimated from the characters."""
    reasoning_tokens: int | None = None
    """How many of `tokens` are reasoning."""
    withheld: bool = False
    """Is reasoning missing or only summed up, so that its characters do not say how long it was?"""
    answer_tokens: int | None = None
    """Tokens until the final answer, where the source has measured them."""
    max_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None
    censored: bool | None = None
    """Was the reply cut off by a limit? None where the log does not say."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something in a log that does not become a row."""

    reason: str
    """Why, the same words for the same reason, so that it can be counted."""


Entry = LoggedReply | Skipped


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """What a questions file knows of a question that a log may leave out."""

    question: str
    gold: str = ""
    grader: str = "exact"
    entry: Mapping[str, Any] | None = None
    dataset: str = ""
    tier: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """How to read logs that leave a choice."""

    grader: str | None = None
    """Grades every reply anew; None keeps the log's own verdict where it has one."""
    metric: str | None = None
    """Which score of several is the verdict; None takes the first."""
    filter: str | None = None
    """Which of lm-evaluation-harness's filters the verdict is taken from; None takes the first."""
    model: str | None = None
    """Name of the model, in place of the one in the logs."""
    dataset: str | None = None
    """Name of the data set, in place of the one in the logs; query ids begin with it."""
    chars_per_token: float = 4.0
    """Characters per token, where a log has no token counts."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Which column of a table holds what, `{"question": "prompt"}`; those not named are told by their names."""
    admit: Callable[[str], None] = admit_grader
    """Refuses what a log may not name as grader; what `grader` names in place of that must have been loaded."""
    questions: Mapping[str, AskedQuestion] = field(default_factory=dict)
    """Questions by query id."""

    def __post_init__(self) -> None:
        if not 0.1 <= self.chars_per_token <= 100.0:
            raise InputError(
                f"A token of {self.chars_per_token:g} characters cannot be; give between 0.1 and 100, usually 3 to 5."
            )


@dataclass(frozen=True, slots=True)
class Log:
    """One file to read."""

    path: Path
    format: str
    settings: ImportSettings
    notes: dict[str, None] = field(default_factory=dict)
    """Choices that were made for the reader; keys in the order in which they were made."""
    advance: Callable[[int], None] = lambda count: None
    """Told how many bytes were read."""

    def note(self, sentence: str) -> None:
        """Remember a choice, once."""
        self.notes.setdefault(sentence)


Reader = Callable[[Log], Iterator[Entry]]

_WORDS = dict.fromkeys(("c", "yes", "true", "correct", "right", "pass", "passed"), 1.0) | dict.fromkeys(
    ("i", "n", "no", "false", "incorrect", "wrong", "fail", "failed"), 0.0
)
_WORDS["p"] = 0.5
_RIGHT = 0.99


def read_score(value: Any) -> bool | Skipped:
    """A score as right or wrong: C, I, P, N, yes and no, or a number from 0 to 1, of which 0.99 and more is right."""
    if isinstance(value, str):
        value = _WORDS.get(value.strip().casefold(), value)
    if value is None or value != value:
        return Skipped("no score")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return Skipped("the score is neither C, I, yes, no nor a number")
    if not 0.0 <= number <= 1.0:
        return Skipped("the score is not between 0 and 1") if number == number else Skipped("no score")
    return number >= _RIGHT
