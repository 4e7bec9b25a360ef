"""Questions: where they come from, how a model is asked, and how they are kept in files."""

from shadowprice.tasks._asking import ANSWER, BARE, Asking, asks_itself, instruct, list_choices
from shadowprice.tasks._families import FAMILIES, PROTOCOL, SYSTEM_PROMPT, TIERS, Family
from shadowprice.tasks._files import QuestionFile, read_question_file, read_questions, read_weights, write_questions
from shadowprice.tasks._graded import graded_by, not_judged, settle_graders
from shadowprice.tasks._questions import Messages, Question, build_messages, fingerprint, make_questions
from shadowprice.tasks._rows import is_question_file
from shadowprice.tasks._tale import ESTIMATE_TOKENS, TALE_PROTOCOL, ask_for_estimate, ask_within, read_estimate

__all__ = [
    "ANSWER",
    "BARE",
    "ESTIMATE_TOKENS",
    "FAMILIES",
    "PROTOCOL",
    "SYSTEM_PROMPT",
    "TALE_PROTOCOL",
    "TIERS",
    "Asking",
    "Family",
    "Messages",
    "Question",
    "QuestionFile",
    "ask_for_estimate",
    "ask_within",
    "asks_itself",
    "build_messages",
    "fingerprint",
    "graded_by",
    "instruct",
    "is_question_file",
    "list_choices",
    "make_questions",
    "not_judged",
    "read_estimate",
    "read_question_file",
    "read_questions",
    "read_weights",
    "settle_graders",
    "write_questions",
]
