"""Which column of a table holds what, by its name or by what the caller says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from shadowprice._columns import check_wanted, plain, shown
from shadowprice._errors import InputError

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "question": ("question", "problem", "prompt", "input", "query", "instruction"),
    "reply": (
        *("reply", "response", "completion", "output", "generation", "generated_text", "model_output"),
        *("model_outputs", "model_response", "full_model_response", "responses", "completions", "outputs"),
    ),
    "gold": (
        *("gold", "target", "reference", "label", "ground_truth", "expected", "expected_answer", "correct_answer"),
        *("reference_answer", "gold_answer", "solution"),
    ),
    "correct": ("correct", "is_correct", "passed", "score", "right", "is_right", "acc", "exact_match"),
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


def choose_columns(names: Iterable[str], wanted: Mapping[str, str], where: str) -> Columns | None:
    """Choose columns; None if none is the reply.

    Args:
        names: The columns that there are.
        wanted: What the caller says, column by what it holds; an empty name for one that is to be left alone. A
            name with dots may lead into nested values.
        where: Names the file.

    Raises:
        InputError: Two columns may be the same thing, or a wanted one is missing or of no known kind.
    """
    present = list(dict.fromkeys(names))
    check_wanted(wanted, NAMES, present, where)
    taken = {role: name for role, name in wanted.items() if name}
    free = {plain(name): name for name in reversed(present) if name not in taken.values()}
    for role, spellings in NAMES.items():
        found = [free[spelling] for spelling in spellings if spelling in free]
        if role in wanted or not found:
            continue
        if len(found) > 1 and plain(found[0]) != spellings[0]:
            raise InputError(
                f"{where}: the columns {_listed(found)} may each be the {role}; say which with --columns "
                f"{role}={shown(found[0])}."
            )
        taken[role] = found[0]
    _settle(taken, wanted, free, where)
    if "reply" not in taken:
        return None
    used = {name.partition(".")[0] if name not in present else name for name in taken.values()}
    ordered = {role: taken[role] for role in NAMES if role in taken}
    return Columns(ordered, tuple(name for name in present if name not in used))


def _settle(taken: dict[str, str], wanted: Mapping[str, str], free: Mapping[str, str], where: str) -> None:
    """Decide what a column `answer` is, where only one thing is possible."""
    known = set(taken) | set(wanted)
    judged = bool({"gold", "correct"} & known)
    if _EITHER not in free or ("reply" in known and judged):
        return
    if "reply" not in known and judged:
        taken["reply"] = free[_EITHER]
    elif "reply" in known:
        name = shown(free[_EITHER])
        raise InputError(
            f"{where}: the column '{name}' may be the reference answer, or what was read from the reply; say "
            f"--columns gold={name}, or which column it is."
        )


def _listed(names: list[str]) -> str:
    return " and ".join(f"'{shown(name)}'" for name in names)
