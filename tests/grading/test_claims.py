"""What an answer claims, and what it only mentions, denies or takes back."""

import pytest

from shadowprice.grading import find_answer, grade, infer_grader, infer_graders, is_readable

pytestmark = pytest.mark.xdist_group("judge")


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("42 (6 rows of 7)", "42"),
        ("42 apples (21 red, 21 green)", "42"),
        (r"42^\circ", "42"),
        (r"42^{\circ}", "42"),
        ("10-3 = 7", "7"),
        ("$5-$3 = $2", "2"),
        ("f(3)", "3"),
        ("3 more than 39 is 42", "42"),
        ("4.2 million", "4200000"),
        ("$3 Million", "3,000,000"),
        ("3 thousand", "3 thousand"),
        ("exactly 42", "42"),
        ("(-3)", "-3"),
    ],
)
def test_one_number_is_claimed(answer: str, gold: str) -> None:
    assert grade(answer, gold, "number")


@pytest.mark.parametrize(
    "answer",
    [
        *("not 42", "isn't 42", "at least 42", "more than 42 eggs", "less than $42", "> 42", "x>42", "up to 42"),
        *(
            r"x \neq 42",
            r"\boxed{x \neq 42}",
            r"x \geq 42",
            "±42",
            r"\pm 42",
            "41 or 42",
            "41, 42",
            "41; 42",
            "41 and 42",
        ),
        *("[0, 42]", "{41, 42}", "41 to 42", "41-42", "41 – 42", "42 out of 42", "10:42", "5 - 42", "42 million"),
        *("41 apples and 42 pears", "43 (42 before tax)"),
    ],
)
def test_a_number_that_is_denied_bounded_or_one_of_several_is_not_claimed(answer: str) -> None:
    assert not grade(answer, "42", "number")


def test_what_claims_no_number_is_not_readable() -> None:
    assert not is_readable("at least 42", "number")
    assert is_readable("42 (6 rows of 7)", "number")


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("x**2-1", "x^2-1"),
        ("x**12", "x^{12}"),
        ("2**-1", r"\frac{1}{2}"),
        ("5x10^3", "5000"),
        ("log(8)", r"3\log(2)"),
        ("1/2 (a+b)", r"\frac{a+b}{2}"),
        ("i = 6", "6"),
        ("42 million", "42000000"),
        ("xy", "yx"),
        ("No Solution", r"\text{no solution}"),
    ],
)
def test_formulas_are_read_as_they_are_meant(answer: str, gold: str) -> None:
    assert grade(answer, gold, "math")


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("x**2-1", "x**2+1"),
        ("2**-1", "2"),
        ("2^{10", "2"),
        ("-0x585", "0x1"),
        ("0x585", "0"),
        ("i=6", "i=5"),
        ("e=3", "e=4"),
        (r"\pi=5", r"\pi=6"),
        ("2=3", "5=7"),
        ("101_2", "101_3"),
        ("cat", "act"),
        ("DNE", "END"),
        ("42 million", "42"),
    ],
)
def test_formulas_that_only_seem_the_same(answer: str, gold: str) -> None:
    assert not grade(answer, gold, "math")


@pytest.mark.parametrize(
    "answer", ["not option B", "A. J. Finn", "B. No wait, C", "B. Actually, it is C", "It cannot be (B)"]
)
@pytest.mark.parametrize("gold", ["A", "B", "C"])
def test_no_letter_is_chosen(answer: str, gold: str) -> None:
    assert not grade(answer, gold, "choice")


@pytest.mark.parametrize("answer", ["B. No change", "B. Not in this case", "Ｂ", "B, not option C", "B. a planet"])
def test_a_letter_is_chosen(answer: str) -> None:
    assert grade(answer, "B", "choice")


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Answer: 42\nActually, that is wrong. It should be 41.", "41"),
        ("The answer is 42. Wait, I made a mistake. It is 40.", "40"),
        ("Answer: 42\nWait, that is not right.", None),
        ("The answer is 42. That is correct.", "42"),
        ("The answer is 42. That isn't correct.", None),
        ("The wrong answer is 42.\n\nThe right one follows from the rest.", None),
        ("I doubt the answer is 42, because it is odd.", None),
        ("He says the answer is 42, because it is odd.", None),
        ("We can say that the answer is 7.", "7"),
        ("I think the answer is definitely \\(8000\\).", "8000"),
        ("The answer is, in fact, 8.", "8"),
        ("<scratchpad>\nThe answer is 3.\n</scratchpad>\nIt is 4.", "4"),
        ("<reasoning>The answer is 3.</reasoning>\nAnswer: 4", "4"),
    ],
)
def test_what_is_taken_back_or_anothers_is_no_answer(reply: str, answer: str | None) -> None:
    found = find_answer(reply, "number")
    assert answer == (found and found.text)


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("So, Rebecca has 22 eggs.", "22"),
        ("She has 30 dollars.\nHe spent 22 dollars.", "22"),
        ("22 eggs", "22"),
        ("156 - 117 = 39\n\nanswer> 39 </answer>", "39"),
        ("So the total is 30. He gives 8 away. He has 22 left.", "22"),
        ("Total: 30\nHe has 22 left.", "22"),
        ("So the total is 30. Then he gives 8 away.", None),
        ("It is fine. Let me know if you have 1 more question.", None),
        ("He may have 22 or more.", None),
        ("He has 22 left, which is 3 more than before.", None),
    ],
)
def test_a_last_sentence_with_one_figure_concludes(reply: str, answer: str | None) -> None:
    found = find_answer(reply, "number")
    assert answer == (found and found.text)


@pytest.mark.parametrize(
    ("reply", "gold", "right"),
    [
        ("The capital of Slovenia is Ljubljana.", "Ljubljana", True),
        ("The capital of the Republic of Slovenia is the city of Ljubljana.", "Ljubljana", False),
        ("The capital of the Republic of Slovenia in Europe is Ljubljana.", "Ljubljana", True),
        ("The capital of the Republic of Slovenia is not Ljubljana.", "Ljubljana", False),
        ('The answer is: "Black."', "Black", True),
        ("So the answer is the Pacific Ocean.", "Pacific Ocean", True),
        ("The answer is **Mary Shelley**, who wrote it in 1818.", "Mary Shelley", True),
        ("True. The sun is a star.", "True", True),
        ("**Yes**, it is, and it has always been so.", "yes", True),
        ("The cat is black", "The cat is black", True),
        ("7", "007", False),
    ],
)
def test_words_in_prose(reply: str, gold: str, right: bool) -> None:
    found = find_answer(reply, "exact")
    assert right == (found is not None and grade(found.text, gold))


@pytest.mark.parametrize("gold", ["0x585", "-0x585", "007", "01/02", "1.2.3", "12/31/1999", "90-210x"])
def test_codes_are_compared_as_they_are_written(gold: str) -> None:
    assert "exact" == infer_grader(gold)


def test_a_truth_value_is_no_number() -> None:
    assert not grade("1", "True", "literal")
    assert grade("True", "True", "literal")
    assert grade("[1.0, True]", "[1, 1]", "literal")  # inside, what Python calls equal


def test_lists_of_one_are_lists() -> None:
    assert ["literal", "literal"] == infer_graders(["[1]", "[0, 1]"])


def test_measures_are_numbers_also_where_no_gold_is_bare() -> None:
    assert ["number", "number"] == infer_graders(["18 km", "3 hours"])
    assert ["exact", "exact"] == infer_graders(["10 am", "3 pm"])
    assert ["exact", "exact"] == infer_graders(["3 may", "4 june"])
