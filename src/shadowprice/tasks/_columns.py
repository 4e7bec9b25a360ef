"""Which column of a file of questions holds what, by its name or by what the caller says."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from shadowprice._columns import check_wanted, plain, shown
from shadowprice._errors import InputError

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "query_id": (
        *("query_id", "id", "qid", "question_id", "questionid", "problem_id", "task_id", "custom_id", "example_id"),
        *("sample_id", "item_id", "doc_id", "unique_id", "uid", "uuid", "guid", "idx", "index"),
    ),
    "question": (
        *("question", "prompt", "problem", "query", "question_text", "problem_text", "question_stem", "user_prompt"),
        *("instruction", "input", "text"),
    ),
    "gold": (
        *("gold", "answer", "target", "final_answer", "correct_answer", "right_answer", "gold_answer"),
        *("reference_answer", "expected_answer", "ground_truth", "groundtruth", "reference", "expected"),
        *("expected_output", "answerkey", "answer_key", "correct_option", "label", "ideal", "answers"),
        *("answer_idx", "answer_index", "cop", "solution", "output"),
    ),
    "choices": ("choices", "options", "answer_choices", "answer_options", "alternatives", "endings"),
    "messages": ("messages", "conversation", "chat"),
    "dataset": ("dataset",),
    "tier": ("tier",),
    "family": ("family",),
    "grader": ("grader",),
    "entry": ("entry",),
}
"""What a column can be, and the names that say so; of several columns the one whose name comes first is taken."""

_LETTERED: Final = re.compile(r"(?P<before>option|choice|opt|answer|ending|alternative|op|)_?(?P<mark>[a-z]|\d)")
_FEWEST: Final = 2
_FEWEST_BARE: Final = 3
"""Columns called nothing but A, B and so on are choices from three on: `a` and `b` may be numbers of a sum."""


@dataclass(frozen=True, slots=True)
class Columns:
    """A choice of columns."""

    taken: Mapping[str, str]
    """Column by the field it holds; a path with dots leads into nested values."""
    lettered: tuple[str, ...] = ()
    """Columns that hold one choice each, in order."""
    passed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Columns that might have held a field too, by the field."""
    ignored: tuple[str, ...] = ()
    """Columns of which nothing is read."""

    def sentence(self, used: Iterable[str], how: Mapping[str, str]) -> str:
        """The choice in words; empty where every column has a name of ours.

        Args:
            used: Columns that are not ignored, as somebody else reads them.
            how: What was made of a field's values, in words, by the field.
        """
        ignored = [name for name in self.ignored if name not in used]
        renamed = any(_is_other(role, name) for role, name in self.taken.items())
        if not (ignored or self.lettered or self.passed or how or renamed):
            return ""
        parts = [self._part(role, how) for role in NAMES if role in self.taken or (role == "choices" and self.lettered)]
        return ", ".join(parts) + (f"; ignored: {shown(*ignored)}" if ignored else "")

    def _part(self, role: str, how: Mapping[str, str]) -> str:
        if role == "choices" and self.lettered:
            said = f"choices from `{shown(self.lettered[0])}` to `{shown(self.lettered[-1])}`"
        else:
            name = self.taken[role]
            said = f"{role} from `{shown(name)}`" if _is_other(role, name) else role
        notes = [how[role]] if role in how else []
        if role in self.passed:
            notes.append("not " + ", ".join(f"`{shown(name)}`" for name in self.passed[role]))
        return f"{said} ({'; '.join(notes)})" if notes else said


def choose_columns(names: Iterable[str], wanted: Mapping[str, str], where: str, *, golds_only: bool = False) -> Columns:
    """Choose columns: those that the caller names, then those whose names say what they hold.

    Args:
        names: The columns that there are.
        wanted: What the caller says, column by field; an empty name for a field that no column holds.
        where: Names the file.
        golds_only: Whether ids and right answers are enough; the ids then stand for the questions.

    Raises:
        InputError: A column that the caller names is not there, or there is no such field, or no column holds the
            questions.
    """
    present = list(dict.fromkeys(names))
    check_wanted(wanted, NAMES, present, where)
    taken = {role: name for role, name in wanted.items() if name}
    named = {name if name in present else name.partition(".")[0] for name in taken.values()}
    free: dict[str, list[str]] = {}
    for name in present:
        if name not in named:
            free.setdefault(plain(name), []).append(name)
    passed = {}
    for role, spellings in NAMES.items():
        if role in wanted:
            continue
        found = [name for spelling in spellings for name in sorted(free.get(spelling, ()), key=lambda n: n != spelling)]
        if found:
            taken[role] = found[0]
        if found[1:]:
            passed[role] = tuple(found[1:])
    lettered = () if "choices" in wanted or "choices" in taken else _lettered(free)
    if golds_only and "question" not in taken and {"query_id", "gold"} <= taken.keys():
        taken["question"] = taken["query_id"]
    if present and not {"question", "messages"} & set(taken):
        raise InputError(
            f"{where}: there is no column 'question' (nor {', '.join(NAMES['question'][1:4])} or the like), only "
            f"{shown(*present)}: say which holds the questions with --columns question=NAME."
        )
    used = named | set(taken.values()) | set(lettered) | {name for others in passed.values() for name in others}
    ordered = {role: taken[role] for role in NAMES if role in taken}
    return Columns(ordered, lettered, passed, tuple(name for name in present if name.strip() and name not in used))


def known_names(names: Iterable[str], wanted: Mapping[str, str]) -> int:
    """How many of some names are those of columns that can be read."""
    known = {spelling for spellings in NAMES.values() for spelling in spellings}
    asked = {plain(name.partition(".")[0]) for name in wanted.values()}
    return sum(plain(name) in known | asked for name in names)


def _lettered(free: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Columns such as A, B, C, D or option_1, option_2: one choice each."""
    groups: dict[str, dict[str, str]] = {}
    for spelling, names in free.items():
        if match := _LETTERED.fullmatch(spelling):
            groups.setdefault(match["before"], {})[match["mark"]] = names[0]
    for before, group in groups.items():
        for marks in ("abcdefghijklmnopqrstuvwxyz", "0123456789", "123456789"):
            row: list[str] = []
            for mark in marks:
                if mark not in group:
                    break
                row.append(group[mark])
            if len(row) >= (_FEWEST if before else _FEWEST_BARE) and (before or marks[0] == "a"):
                return tuple(row)
    return ()


def _is_other(role: str, name: str) -> bool:
    return name != role
