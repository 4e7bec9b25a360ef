import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowprice._errors import InputError
from shadowprice.grading import emergence, find_answer, stated_answers


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("Answer: 7|\nI check it.\nAnswer: 7", None),
        ("Answer: 7\nNo.\nAnswer: 8|\nSo \\boxed{8}.", None),
        ("Answer: 8\nNo.\nAnswer: 7\nNo.\nAnswer: 8|", None),
        ("The answer is $1,234|$.\nAnswer: 1234.0", None),
        (r"The answer is \dfrac{1}{2}|. So \boxed{\frac{1}{2}}", None),
        (r"So \boxed{0.5|} and \boxed{\frac{1}{2}}", None),
        ("The answer is (B)|.\nAnswer: B) Paris", "choice"),
        ("The answer is 18 dollars|.\nAnswer: 18", "number"),
        ("The answer is 7|. Let me verify that the answer is correct. Answer: 7", None),
        ('{"reasoning": "The answer is 5|.", "answer": "5"}', None),
        ("Therefore, the mean is 7|.", "math"),
    ],
)
def test_the_first_statement_that_is_not_withdrawn(reply: str, kind: str | None) -> None:
    place = emergence(reply.replace("|", ""), kind)
    assert place is not None
    assert place.position == reply.index("|") == place.answer.end
    assert place.tokens is None


def test_a_reply_without_an_answer_has_no_emergence() -> None:
    assert emergence("I do not know.") is None
    assert emergence("") is None


def test_positions_in_tokens() -> None:
    reply = "Answer: 7\nAnswer: 7\n"
    assert [place.tokens for place in (emergence(reply, tokens=10), emergence(reply, tokens=11)) if place] == [5, 5]
    ends = [6, 8, 9, 10, 16, 18, 19, 20]
    place = emergence(reply, tokens=99, offsets=ends)
    assert place is not None
    assert place.tokens == 3
    with pytest.raises(InputError, match="end at character 8 and the answer at 9"):
        emergence(reply, offsets=[6, 8])
    with pytest.raises(InputError, match="-1 tokens"):
        emergence(reply, tokens=-1)


@given(
    st.lists(
        st.sampled_from(["Answer: 7\n", "Answer: 8\n", "The answer is 7.\n", r"So \boxed{8}." + "\n", "Hm.\n"]),
        max_size=12,
    )
)
def test_every_cut_after_emergence_and_between_statements_has_the_final_answer(lines: list[str]) -> None:
    reply = "".join(lines)
    place = emergence(reply)
    final = find_answer(reply)
    assert (place is None) == (final is None)
    if place is None or final is None:
        return
    stated = stated_answers(reply)
    for answer in stated:
        cut = find_answer(reply[: answer.end + 2], cut=True)  # with what shows that it is whole
        assert cut is not None
        if answer.end >= place.position:
            assert cut.text == final.text
    earlier = [answer for answer in stated if answer.end < place.position]
    assert not earlier or earlier[-1].text != final.text
