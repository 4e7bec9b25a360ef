"""Questions: where they come from, how a model is asked, and how they are kept in files."""

from shadowprice.tasks._families import FAMILIES, PROTOCOL, SYSTEM_PROMPT, TIERS, Family
from shadowprice.tasks._files import read_questions, write_questions
from shadowprice.tasks._questions import Question, build_messages, make_questions

__all__ = [
    "FAMILIES",
    "PROTOCOL",
    "SYSTEM_PROMPT",
    "TIERS",
    "Family",
    "Question",
    "build_messages",
    "make_questions",
    "read_questions",
    "write_questions",
]
