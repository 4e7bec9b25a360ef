"""Whether a grader can make anything of an answer."""

from collections.abc import Sequence

from shadowprice.grading._choices import choose
from shadowprice.grading._claims import claimed_number


def is_readable(answer: str | None, grader: str, choices: Sequence[str] = ()) -> bool:
    """Whether there is an answer that a grader can compare, be it right or wrong.

    That is a number for ``number``, a letter, or the text of one of the choices if they are known, for
    ``choice``, and any text for the others.
    """
    if answer is None:
        return False
    name = grader.partition(":")[0]
    if name == "number":
        return claimed_number(answer) is not None
    return name != "choice" or choose(answer, choices) is not None
