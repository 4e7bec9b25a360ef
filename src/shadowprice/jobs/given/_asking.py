"""What is said of how questions are asked, before the first token."""

from collections.abc import Sequence
from typing import Final

from shadowprice.jobs._step import Tell
from shadowprice.tasks import Asking, Messages, Question, asks_itself, build_messages

_LINES: Final = 6
_WIDTH: Final = 160
_KINDS: Final = 5
"""Ways of asking that are shown; the rest are counted."""


def show_asking(asking: Asking, questions: Sequence[Question], tell: Tell) -> None:
    """Show people how the first question of each kind is asked."""
    kinds: dict[str, list[Question]] = {}
    for question in questions:
        kinds.setdefault(_kind(question), []).append(question)
    for kind, some in list(kinds.items())[:_KINDS]:
        tell(f"Asked like this ({kind}, {_questions(len(some))}):")
        for line in _shortened(build_messages(asking.ask(some[0]))):
            tell(f"  {line}")
    if left := list(kinds.items())[_KINDS:]:
        tell(f"{_questions(sum(len(some) for _, some in left))} of {len(left)} other kinds are not shown.")
    itself = sum(asks_itself(question) for question in questions)
    if itself and (asking.system is not None or asking.template is not None):
        tell(
            f"{_questions(itself)} of {len(questions)} have messages or worked examples of their own and are asked as "
            "they are, without --system and --template."
        )


def _kind(question: Question) -> str:
    if question.messages is not None:
        return "own messages"
    return "worked examples" if question.family else question.grader.partition(":")[0]


def _shortened(messages: Messages) -> list[str]:
    """The lines of a conversation, cut in the middle where they are many or long; the last message without its role."""
    lines = [
        part if message is messages[-1] else f"{message['role']}: {part}"
        for message in messages
        for part in message["content"].splitlines()
        if part.strip()
    ]
    if len(lines) > _LINES:
        lines = [*lines[: _LINES // 2], "…", *lines[len(lines) - _LINES + _LINES // 2 + 1 :]]
    return [line if len(line) <= _WIDTH else f"{line[: _WIDTH // 2]} … {line[-_WIDTH // 2 :]}" for line in lines]


def _questions(count: int) -> str:
    return f"{count} question{'s' * (count != 1)}"
