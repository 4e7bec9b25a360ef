"""Replies that did not end by themselves: what they have surely stated counts, and no half of a number does."""

import time

import pytest

from shadowprice.grading import emergence, find_answer, grade


@pytest.mark.parametrize(
    ("reply", "grader"),
    [
        ("17 * 6 = 1", "number"),
        ("So far 17 * 6 = 102.\nNow, 102 + 5", "number"),
        ("7", "number"),
        ("Option B is correct", "choice"),
        ("Lima", "exact"),
        ("Answer: 1", "number"),
        ("Answer: $4", "math"),
        ("Answer: 4*", "math"),
        ("Answer: 42 ", "number"),
        ("Answer: 42 app", "number"),
        ("Answer: 42 times ", "number"),
        ("Answer: 42 apples and 3", "number"),
        ("Answer:\n4", "number"),
        ("#### 7", "number"),
        ("The answer is 3.", "number"),
        ("The answer is 7,", "number"),
        ("The answer is: **4", "number"),
        (r"The answer is \(7", "math"),
        (r"Answer: \boxed{7", "math"),
        ("Answer: (x+1", "math"),
        ("Answer: B", "choice"),
        ("Answer: (B", "choice"),
        ("Answer: Par", "exact"),
        ('{"answer": "18', "number"),
        ('{"answer": 18', "number"),
        ('{"answer": [1, 2', "literal"),
        ("<answer>7", "number"),
        ("答案是7", "number"),
    ],
)
def test_what_may_be_half_a_value_is_none(reply: str, grader: str) -> None:
    assert find_answer(reply, grader, cut=True) is None
    assert emergence(reply, grader, cut=True) is None


@pytest.mark.parametrize(
    ("reply", "grader", "expected"),
    [
        ("Answer: 12\n", "number", "12"),
        ("Answer: 12\r\nThe", "number", "12"),
        ("The answer is 3. S", "number", "3"),
        ("The answer is 3.14 because a", "number", "3.14"),
        ("The answer is 7, so the", "number", "7"),
        ("Answer: **42**", "number", "42"),
        ("**Answer: 42**", "number", "42"),
        ("Answer: $42$", "math", "42"),
        (r"So \boxed{7}", "math", "7"),
        (r"The answer is $\boxed{\frac{1}{2}}$", "math", r"\frac{1}{2}"),
        (r"The answer is \(7\)", "math", "7"),
        ("Answer: 42 apples were", "number", "42 apples were"),
        ("Answer: B) Par", "choice", "B) Par"),
        ("Answer: Paris.\nIt", "exact", "Paris"),
        ('{"answer": "18"', "number", "18"),
        ('{"answer": 18}', "number", "18"),
        ('{"answer": [1, 2]', "literal", "[1, 2]"),
        ("<answer>7</answer>", "number", "7"),
        ("#### 72\n", "number", "72"),
        ("答案是7。", "number", "7"),
        ("Answer: 7<|im_end|>", "number", "7"),
        ("Therefore, the mean is 7.\nQuestion: What is 8", "number", "7"),
    ],
)
def test_what_is_surely_whole_counts(reply: str, grader: str, expected: str) -> None:
    answer = find_answer(reply, grader, cut=True)
    assert answer is not None
    assert answer.text == expected


def test_a_statement_that_was_begun_again_leaves_the_whole_one() -> None:
    reply = "The answer is 42.\n\nTo repeat, the answer is 4"
    answer, place = find_answer(reply, "number", cut=True), emergence(reply, "number", cut=True)
    assert answer is not None
    assert place is not None
    assert ("42", "42", 16) == (answer.text, place.answer.text, place.position)


def test_no_cut_of_a_reply_reads_another_number_than_it_states() -> None:
    reply = "17 * 6 = 102, and 102 + 23 = 125.\nSo the answer is **1125** pears.\n\nAnswer: 1125"
    read = {one.text for n in range(len(reply)) if (one := find_answer(reply[:n], "number", cut=True)) is not None}
    assert {"1125"} == {text.split()[0] for text in read}
    assert all(grade(text, "1125", "number") for text in read)


@pytest.mark.parametrize("piece", ["the answer is 7, ", "Answer: 7 ", "**", '"answer": "7', r"\boxed{7} ", "<answer>7"])
def test_long_odd_replies_take_no_time(piece: str) -> None:
    text = piece * (10_000_000 // len(piece))
    started = time.process_time()
    find_answer(text, "number", cut=True)
    assert time.process_time() - started < 2.0
