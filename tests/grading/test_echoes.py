"""Replies that repeat what they were asked."""

import pytest

from shadowprice.grading import find_answer
from shadowprice.grading._choices import read_choice


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("A) 2\nB) 12\nC) 24\nD) 6", None),
        ("**A.** Mars\n\n**B.** Venus", None),
        ("Which is it?\n(A) 2\n(B) 12", None),
        ("A) 2\nB) 12\nC) 24\n\nB) 12", "B"),
        ("A) 2\nB) 12\n\nAnswer: B", "B"),
        ("D) 6", "D"),
    ],
)
def test_options_that_are_repeated_choose_none_of_them(reply: str, letter: str | None) -> None:
    found = find_answer(reply, "choice")
    assert letter == (None if found is None else read_choice(found.text))
