"""What the text of a question says, as far as it is known."""

from typing import Any, NamedTuple

from shadowprice._types import FloatArray


class Scores(NamedTuple):
    """What is said of n questions; calibrated as far as it can be."""

    logit: FloatArray
    """``(n,)`` log odds that a reply is right."""
    right: FloatArray
    """``(n,)`` mean log tokens of a right answer's position."""
    wrong: FloatArray
    """``(n,)`` mean log tokens of a wrong reply's length."""

    def take(self, rows: Any) -> "Scores":
        """Some of the questions."""
        return Scores(self.logit[rows], self.right[rows], self.wrong[rows])

    def put(self, rows: Any, others: "Scores") -> "Scores":
        """The same with other scores for some of the questions."""
        parts = []
        for mine, theirs in zip(self, others, strict=True):
            part = mine.copy()
            part[rows] = theirs
            parts.append(part)
        return Scores(*parts)
