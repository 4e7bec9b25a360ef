import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowprice.grading import find_answer


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("3 + 4 = 7\nAnswer: 7", "7"),
        ("Answer: 7\nWait.\nAnswer: 8", "8"),
        ("Answer: 7\nAnswer:", "7"),
        ("**Answer:** 7.", "7"),
        ("**Answer: 7**\n", "7"),
        ("**Answer**: `7`", "7"),
        ("The final answer: 12.5", "12.5"),
        ("Answer: Omar.", "Omar"),
        ("Answer: ['1', '2']", "['1', '2']"),
        (r"so it is \boxed{42}.", "42"),
        (r"\boxed{1} or \boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{9} \boxed{", "9"),
        (r"\boxed{9} but Answer: 8", "8"),
    ],
)
def test_the_last_answer_counts(reply: str, expected: str) -> None:
    answer = find_answer(reply)
    assert answer is not None
    assert answer.text == expected


@pytest.mark.parametrize("reply", ["", "seven", "Answer:", "Answer: **", r"\boxed{}", r"\boxed{7", "answers: 7"])
def test_a_reply_may_have_none(reply: str) -> None:
    assert find_answer(reply) is None


@given(st.text())
def test_end_is_just_past_the_answer(reply: str) -> None:
    answer = find_answer(reply)
    if answer is not None:
        assert answer.text
        assert reply[answer.end - len(answer.text) : answer.end] == answer.text


@given(before=st.text(), value=st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9 ,/-]*[A-Za-z0-9])?", fullmatch=True))
def test_an_answer_is_found_after_any_text_and_whole_from_its_end_on(before: str, value: str) -> None:
    reply = f"{before}\nAnswer: {value}\n"
    answer = find_answer(reply)
    assert answer is not None
    assert answer.text == value
    assert find_answer(reply[: answer.end]) == answer
