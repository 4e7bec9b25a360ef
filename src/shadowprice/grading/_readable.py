"""Whether a grader can make anything of an answer."""

from shadowprice.grading._choices import read_choice
from shadowprice.grading._claims import claimed_number


def is_readable(answer: str | None, grader: str) -> bool:
    """Whether there is an answer that a grader can compare, be it right or wrong.

    That is a number for ``number``, a letter for ``choice``, and any text for the others.
    """
    if answer is None:
        return False
    name = grader.partition(":")[0]
    if name == "number":
        return claimed_number(answer) is not None
    return name != "choice" or read_choice(answer) is not None
