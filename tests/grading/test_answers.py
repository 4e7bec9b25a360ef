import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowprice.grading import find_answer, stated_answers


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
        (r"Answer: 9, no: \boxed{8}", "8"),
        (r"**Final Answer:** $\boxed{\frac{3}{4}}$.", r"\frac{3}{4}"),
        ("Answer:\n\n**42**\n", "42"),
        ('Answer: "83"\n```', "83"),
        (r"$$\boxed{\text{answer: 12}}$$", "12"),
        ("So 6 * 7 = 42\n#### 42", "42"),
        ("So 6 * 7 = 42\n#### \\$42.00", r"\$42.00"),
        ("5. [Final solution] Thus, it takes 3 bolts. #### 3", "3"),
        ("It takes 3 bolts. #### 3\n#### 4. Check it", "3"),
        ("【答案】C", "C"),
        ("因此,【正确答案】:C。\n【解析】略", "C"),
        ("[正确答案]C<eoa>", "C"),
        ("写在【答案】和括号之间。\n答案是B", "B"),
        ("#### 1. Define variables\n#### 12\n", "12"),
        ("So the answer is 3.5. Let me check that the answer is correct.", "3.5"),
        ("The correct answer is (B), because it is blue.", "(B)"),
        ("The answer to the question is Paris.", "Paris"),
        ("The answer is A.", "A"),
        ("<think>The answer is 3, no</think>\n<answer>11/24</answer>", "11/24"),
        ("Hm.\n<answer> 7 ", "7"),
        ('{"reasoning": "2 + 2, so the answer is 5.", "answer": "4"}', "4"),
        ('```json\n{"reasoning": "...", "answer": 18}\n```', "18"),
        ('{"answer": "\\\\frac{1}{2}", "sure": true}', r"\frac{1}{2}"),
        (r'{"answer": "\frac{1}{2}"}', r"\frac{1}{2}"),
        (r'{"answer": "it\u0027s"}', "it's"),
        ('{"answer": [1, [2, 3]]}', "[1, [2, 3]]"),
        ('{"answer": "{"a": 1}"}', '{"a": 1}'),
        ('{"answer": "  x "}', "  x "),
        ('{"answer": ""}', '""'),
        ("{'answer': 'yes'}", "yes"),
        ('so it is 7.\n\n"answer": "7"\n}', "7"),
        ('{"answer": "cut of', "cut of"),
    ],
)
def test_the_last_answer_counts(reply: str, expected: str) -> None:
    answer = find_answer(reply)
    assert answer is not None
    assert answer.text == expected


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "seven",
        "Answer:",
        "Answer: **",
        r"\boxed{}",
        r"\boxed{7",
        "answers: 7",
        '{"answer": "',
        "<answer>",
        "Let me check that the answer is correct.",
        "The answer is the sum of both.",
        "#### Step 2: add",
        "Answer:\nTo find it, we add.",
    ],
)
def test_a_reply_may_have_none(reply: str) -> None:
    assert find_answer(reply) is None


FRAGMENTS = (
    *(
        "Answer:",
        "answer",
        " is ",
        r"\boxed{",
        "}",
        "{",
        '"answer": ',
        '"',
        "'",
        "\\",
        "[",
        "]",
        "(",
        "<answer>",
        "</answer>",
    ),
    *("####", " ", "\n", ".", "7", "-", "1,000", "B", "**", "$", "So", "=", "$\\frac{1}{2}$", ","),
)
REPLIES = st.text() | st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join)


@given(REPLIES)
def test_answers_are_where_they_say(reply: str) -> None:
    stated = stated_answers(reply)
    assert [answer.end for answer in stated] == sorted({answer.end for answer in stated})
    for answer in stated:
        spelled = reply[answer.start : answer.end]
        assert spelled
        assert spelled == answer.text or any(mark in spelled for mark in "\\*$_`")
    assert find_answer(reply) == (stated[-1] if stated else None)


@given(before=st.text(), value=st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9 ,/-]*[A-Za-z0-9])?", fullmatch=True))
def test_an_answer_is_found_after_any_text_and_whole_from_its_end_on(before: str, value: str) -> None:
    reply = f"{before}\nAnswer: {value}\n"
    answer = find_answer(reply)
    assert answer is not None
    assert answer.text == value
    assert find_answer(reply[: answer.end]) == answer


def test_every_statement_is_returned_in_order() -> None:
    reply = "Answer: 5\nWait, the answer is 6.\nSo \\boxed{7}, and {'answer': 8}"
    assert [one.text for one in stated_answers(reply)] == ["5", "6", "7", "8"]


@pytest.mark.parametrize(
    ("reply", "kind", "expected"),
    [
        ("We add.\n\n$42$", "number", "42"),
        ("(B)", "choice", "(B)"),
        ("It rains.\nB) Paris", "choice", "B) Paris"),
        ("So 2 + 2 = 5.\n\nTherefore, the mean of her scores is 7.", "math", "7"),
        ("Thus, the profit is $78.\n\nI think that is right.", "number:1e-6", "78"),
        ("Hence, $$x = 2$$\n\n<|end_of_solution|>", "math", "2"),
        ("We add.\n\n42", "exact", None),
        ("We add.\n\n42", None, None),
        ("I do not know.", "math", None),
        ("It is 5 of 7 days.\n\nNothing follows.", "number", None),
    ],
)
def test_a_grader_may_read_what_is_not_marked(reply: str, kind: str | None, expected: str | None) -> None:
    answer = find_answer(reply, kind)
    assert (answer and answer.text) == expected


UNITS = [
    *("answer ", "Answer:", "Answer:\n", "Answer: *._", "the answer is 5, ", "answer to ", "answer" + 50 * " "),
    *(
        '"answer": "',
        '"answer": "\\"',
        "'answer': '",
        '"answer": [',
        '"answer": {',
        r"\boxed{",
        r"\boxed{}",
        "<answer>",
    ),
    *("#### ", "#### 1\n", "**", "{", "}", ". ", "So x is ", "1,", r"\frac{", "9", "\n", " ", "1 ", "<|", "<think>"),
    *(
        "<think></think>\n",
        "a<|channel|>",
        "<|im_end|>",
        "\nQuestion: 1\n",
        "答案：",
        "respuesta ",
        "**1** ",
        "='",
        "a",
    ),
]


@pytest.mark.timeout(60)  # quadratic time would be hours
@pytest.mark.parametrize("unit", UNITS)
def test_long_replies_are_read_in_linear_time(unit: str) -> None:
    reply = unit * (1_000_000 // len(unit))
    find_answer(reply, "math")
    stated_answers(reply)
