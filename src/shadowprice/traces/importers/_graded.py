"""How the replies of a table are graded where it holds no verdicts: as its right answers ask for."""

import importlib.util
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from shadowprice.grading import infer_graders

_LONGEST: Final = 200
"""Characters of a right answer that a reply may still repeat."""


def told_graders(golds: Sequence[str], questions: Sequence[str], tell: Callable[[str], None]) -> list[str]:
    """The grader for each right answer of a table.

    Args:
        golds: The right answers; a blank one says nothing.
        questions: What was asked, one for each.
        tell: Told which graders they are, and which right answers no reply will repeat.
    """
    graders = infer_graders(golds, questions=questions)
    if "math" in graders and importlib.util.find_spec("math_verify") is None:
        graders = ["exact" if name == "math" else name for name in graders]
        tell("formulas are compared as text; pip install 'shadowprice[math]' compares what they mean")
    counts = Counter(name for name, gold in zip(graders, golds, strict=True) if gold)
    if counts:
        listed = ", ".join(f"{name} for {count}" for name, count in counts.most_common())
        tell(f"there are no verdicts, so replies are graded here, as the golds ask: {listed} (--grader takes another)")
    long = sum(name == "exact" and len(gold) > _LONGEST for name, gold in zip(graders, golds, strict=True))
    if long:
        tell(
            f"{long} golds are longer than {_LONGEST} characters, which no reply repeats; take a column of final "
            "answers (--columns gold=NAME) or grade by a model afterwards (shadowprice grade --judge)"
        )
    return graders
