"""How questions are asked that do not say it themselves: told how to end, so that the answer can be read."""

import hashlib
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from shadowprice._errors import InputError
from shadowprice.tasks._families import PROTOCOL
from shadowprice.tasks._questions import Messages, Question
from shadowprice.tasks._templates import check_template, fill

BARE: Final = "plain"
"""Name of asking the question alone, as traces record it."""

ANSWER: Final = "Answer:"
"""What announces an answer."""

_LETTERS: Final = string.ascii_uppercase
_VERSION: Final = "v1"
_ENDINGS: Final[Mapping[str, str]] = {
    "number": "the number",
    "choice": "the letter",
    "math": "the result in LaTeX",
    "literal": "the value as a Python literal",
    "exact": "the final answer",
    "regex": "the final answer",
    "reasoning-gym": "the final answer",
}
"""What follows `ANSWER`, by grader; what code of the user's grades may be anything, so that nothing is asked for."""
_CODE: Final = "End with the whole code in one block that begins with ```python."
"""What is asked for where tests will run it."""
_TELLS_ITSELF: Final = re.compile(r"\\f?boxed\b|<answer>|####|\b(?:Answer|ANSWER):")
"""What is in a question that says itself how to end, in a way that `find_answer` reads."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How to ask questions that have neither messages of their own nor a family; those are asked as they are.

    Raises:
        InputError: The system message is blank, or the template cannot be read or asks for what there is not.
    """

    instruction: bool = True
    """Whether to tell, after the question, how to end."""
    system: str | None = None
    """A system message."""
    template: str | None = None
    """Jinja text of the user's message; None asks the question, its choices and the instruction."""
    template_name: str = "template"
    """What complaints call the template."""

    def __post_init__(self) -> None:
        if self.system is not None and not self.system.strip():
            raise InputError("The system message is blank; write one, or leave it out.")
        if self.template is not None:
            check_template(self.template, self.template_name)

    def ask(self, question: Question) -> Question:
        """A question with the messages that ask it.

        Raises:
            InputError: It has more choices than there are letters, or the template cannot be filled with it.
        """
        if asks_itself(question):
            return question
        turns: list[Mapping[str, str]] = []
        if self.system is not None:
            turns.append({"role": "system", "content": self.system})
        text = self._text(question)
        if not turns and text == question.question:
            return question
        return replace(question, messages=(*turns, {"role": "user", "content": text}))

    def ask_all(self, questions: Iterable[Question]) -> list[Question]:
        """`ask` for each of several questions."""
        return [self.ask(question) for question in questions]

    def protocol(self, question: Question) -> str:
        """How a question is asked, in a few words, the same for all that are asked alike; traces keep it."""
        if question.messages is not None:
            return "-".join(("messages", *_marks(question.messages)))
        if question.family:
            return PROTOCOL
        parts = [part for part in (self.options, self._told(question)) if part]
        return "+".join(parts) or BARE

    @property
    def options(self) -> str | None:
        """The system message and the template, named by their hashes; None without them."""
        parts = [] if self.system is None else [f"system-{_mark(self.system)}"]
        if self.template is not None:
            parts.append(f"template-{_mark(f'{self.instruction} {self.template}')}")
        return "+".join(parts) or None

    def _told(self, question: Question) -> str:
        told = self.template is None and self._instruct(question)
        return f"instruction-{_kind(question)}-{_VERSION}" if told else ""

    def _text(self, question: Question) -> str:
        instruction = self._instruct(question)
        if self.template is None:
            asked = "\n".join(part for part in (question.question, list_choices(question)) if part)
            # The blank line: a small model keeps to what stands apart more often, and says less beside it.
            return f"{asked}\n\n{instruction}" if instruction else asked
        values = {
            "question": question.question,
            "choices": [{"letter": letter, "text": text} for letter, text in _lettered(question)],
            "instruction": instruction,
            "grader": question.grader,
            "query_id": question.query_id,
        }
        text = fill(self.template, self.template_name, values)
        if not text.strip():
            raise InputError(
                f"{self.template_name}: nothing is left of it for the question '{question.query_id}'; "
                "use {{ question }} in it."
            )
        return text

    def _instruct(self, question: Question) -> str:
        return instruct(question) if self.instruction else ""


def asks_itself(question: Question) -> bool:
    """Whether a question says itself how it is asked: it has messages, or a family with worked examples."""
    return question.messages is not None or bool(question.family)


def instruct(question: Question) -> str:
    """What tells a model how to end its reply so that the answer can be read and graded.

    Empty where the question says so itself, or where nothing is known of what will grade it.
    """
    if _kind(question) == "tests":
        return "" if "```" in question.question else _CODE
    ending = _ENDINGS.get(_kind(question))
    if ending is None or _TELLS_ITSELF.search(question.question):
        return ""
    return f"End with '{ANSWER} ' and {ending}."


def list_choices(question: Question) -> str:
    """What a question has to choose from, a line each: ``A) text``; empty if its text lists it already.

    Raises:
        InputError: There are more choices than letters.
    """
    lettered = _lettered(question)
    text = " ".join(question.question.split())
    choices = [(letter, re.escape(" ".join(one.split()))) for letter, one in lettered]
    if all(re.search(rf"(?<!\w){letter} ?[).:\]]+ ?{one}", text) for letter, one in choices):
        return ""
    return "\n".join(f"{letter}) {one}" for letter, one in lettered)


def _lettered(question: Question) -> Sequence[tuple[str, str]]:
    if len(question.choices) > len(_LETTERS):
        raise InputError(
            f"The question '{question.query_id}' has {len(question.choices)} choices; "
            f"there are letters for {len(_LETTERS)}."
        )
    return list(zip(_LETTERS, question.choices, strict=False))


def _kind(question: Question) -> str:
    return question.grader.partition(":")[0]


def _marks(messages: Messages) -> Iterable[str]:
    """Tells system messages apart."""
    return (_mark(message["content"]) for message in messages if message["role"] in ("system", "developer"))


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
