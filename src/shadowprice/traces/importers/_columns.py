"""Which column of a table holds what, by its name or by what the caller says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shadowprice._columns import check_wanted, plain, shown
from shadowprice._errors import InputError
from shadowprice.traces.importers._replies import Skipped, read_score

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "question": ("question", "problem", "prompt", "input", "query", "instruction"),
    "reply": (
        *("reply", "response", "completion", "output", "generation", "generated_text", "model_output"),
        *("model_outputs", "model_response", "full_model_response", "responses", "completions", "outputs"),
    ),
    "gold": (
        *("gold", "target", "reference", "label", "ground_truth", "expected", "expected_answer", "correct_answer"),
        *("reference_answer", "gold_answer", "ground_truth_answer", "gt", "refr", "ideal"),
    ),
    "correct": (
        *("correct", "is_correct", "passed", "score", "right", "is_right", "acc", "exact_match", "is_solved"),
        *("solved", "graded_list"),
    ),
    "tokens": ("completion_tokens", "output_tokens", "tokens", "num_tokens", "n_tokens", "generated_tokens"),
    "reasoning": ("reasoning", "reasoning_content", "thinking"),
    "finish_reason": ("finish_reason", "stop_reason"),
    "query_id": ("query_id", "question_id", "problem_id", "id", "task_id", "idx"),
    "model": ("model", "model_name"),
    "dataset": ("dataset", "data_set", "benchmark", "task"),
    "tier": ("tier",),
}
"""What a column can be, and the names that say so; the first name is taken before all others."""

_EITHER = "answer"
"""A reference answer to some, the reply to others."""
_WORKED = "solution"
"""The reference answer with its reasons to most, the reply where that is what was judged."""
_ELSE: Final[dict[str, tuple[str, ...]]] = {
    "question": ("question_content", "question_text", "problem_text", "user_prompt", "origin_prompt"),
    "reply": ("prediction", "predictions", "output_list", "raw_output", "raw_response", "model_answer"),
    "gold": (_WORKED,),
    "correct": ("result", "verdict", "pass@1"),
}
"""Names that say so where no other does, the earlier before the later."""
_HARNESS: Final = {"code", "gt", "pred"}
"""What the harness of Qwen2.5-Math and its likes writes: there `code` is the reply, whatever it is written in."""

_ENOUGH: Final = 5
"""Rows that can tell whether answers were read from the replies."""
_STRANGE: Final = 0.2
"""Share of answers that stand not in their replies, from which on they are the reference answers."""


@dataclass(frozen=True, slots=True)
class Columns:
    """A choice of columns."""

    taken: Mapping[str, str]
    """Column by what it holds."""
    ignored: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The choice in words."""
        chosen = ", ".join(f"{role}={shown(name)}" for role, name in self.taken.items())
        left = f"; ignored: {shown(*self.ignored)}" if self.ignored else ""
        return f"columns taken: {chosen}{left} (--columns takes others)"


def roles_of(names: Iterable[str]) -> set[str]:
    """What columns of these names may be."""
    spelt = {plain(name) for name in names}
    return {role for role in NAMES if spelt & {*NAMES[role], *_ELSE.get(role, ())}}


def nested_replies(rows: Sequence[Mapping[str, Any]]) -> str:
    """How to take replies that are in objects inside rows, in words that follow a sentence; empty if there are none."""
    row = rows[0] if rows else {}
    found: dict[str, Columns] = {}
    for name, value in row.items():
        if isinstance(value, Mapping) and (inner := choose_columns(map(str, value), {}, "")) is not None:
            found[name] = inner
    if not found:
        return ""
    first, columns = next(iter(found.items()))
    asked = [f"question={shown(name)}" for name in row if roles_of([name]) == {"question"}][:1]
    for role, name in columns.taken.items():
        if role in ("reply", "correct", "tokens"):
            asked.append(f"{role}={shown(first)}.{shown(name)}")
    return f". There are replies in {shown(*found)}: --columns {','.join(asked)} takes one of them"


def choose_columns(
    names: Iterable[str], wanted: Mapping[str, str], where: str, rows: Sequence[Mapping[str, Any]] = ()
) -> Columns | None:
    """Choose columns; None if none is the reply.

    Args:
        names: The columns that there are.
        wanted: What the caller says, column by what it holds; an empty name for one that is to be left alone. A
            name with dots may lead into nested values.
        where: Names the file.
        rows: The first of the table, which decide what names alone do not say.

    Raises:
        InputError: Two columns may be the same thing, or a wanted one is missing or of no known kind.
    """
    present = list(dict.fromkeys(names))
    check_wanted(wanted, NAMES, present, where)
    taken = {role: name for role, name in wanted.items() if name}
    free = {plain(name): name for name in reversed(present) if name not in taken.values()}
    for role, spellings in NAMES.items():
        if role in wanted:
            continue
        found = [free[spelling] for spelling in spellings if spelling in free]
        if not found:
            _take_else(taken, role, free, rows)
            continue
        if len(found) > 1 and plain(found[0]) != spellings[0]:
            raise InputError(
                f"{where}: the columns {_listed(found)} may each be the {role}; say which with --columns "
                f"{role}={shown(found[0])}."
            )
        taken[role] = found[0]
    _settle(taken, wanted, free, where, rows)
    if "reply" not in taken:
        return None
    used = {name.partition(".")[0] if name not in present else name for name in taken.values()}
    ordered = {role: taken[role] for role in NAMES if role in taken}
    return Columns(ordered, tuple(name for name in present if name not in used))


def _take_else(taken: dict[str, str], role: str, free: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Take a column whose name says so only where no other does."""
    if role == "reply" and set(free) >= _HARNESS:
        taken[role] = free["code"]
        return
    for spelling in _ELSE.get(role, ()):
        if spelling in free and (role != "correct" or _are_verdicts(row.get(free[spelling]) for row in rows)):
            taken[role] = free[spelling]
            return


def _are_verdicts(values: Iterable[Any]) -> bool:
    """Whether there are verdicts in a column, and nothing else: `result` may be anything."""
    given = [one for value in values for one in (value if isinstance(value, list) else [value]) if one is not None]
    return bool(given) and not any(isinstance(read_score(one), Skipped) for one in given)


def _is_reference(rows: Sequence[Mapping[str, Any]], reply: str, answer: str) -> bool:
    """Whether answers are the reference answers: what was read from replies mostly stands in them as it is written."""
    pairs = [(str(row.get(reply)), str(row.get(answer)).strip()) for row in rows if row.get(reply) and row.get(answer)]
    strange = sum(text.casefold() not in said.casefold() for said, text in pairs)
    return len(pairs) >= _ENOUGH and strange >= _STRANGE * len(pairs)


def _settle(
    taken: dict[str, str],
    wanted: Mapping[str, str],
    free: Mapping[str, str],
    where: str,
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Decide what the columns `answer` and `solution` are, where only one thing is possible."""
    known = set(taken) | set(wanted)
    judged = bool({"gold", "correct"} & known)
    guessed = "gold" not in wanted and plain(taken.get("gold", "")) == _WORKED
    if guessed and "reply" not in known and "correct" in known and _EITHER not in free:
        taken["reply"] = taken.pop("gold")  # something was judged, and nothing else is there
        return
    if _EITHER not in free or ("reply" in known and judged):
        return
    if "reply" not in known and judged:
        taken["reply"] = free[_EITHER]
    elif "reply" in known and _is_reference(rows, taken.get("reply", ""), free[_EITHER]):
        taken["gold"] = free[_EITHER]
    elif "reply" in known:
        name = shown(free[_EITHER])
        raise InputError(
            f"{where}: the column '{name}' may be the reference answer, or what was read from the reply; say "
            f"--columns gold={name}, or which column it is."
        )


def _listed(names: list[str]) -> str:
    return " and ".join(f"'{shown(name)}'" for name in names)
