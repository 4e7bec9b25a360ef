import pytest

from shadowprice import _errors
from shadowprice.grading import grade


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("7", "7.0"),
        ("1,234", "1234"),
        ("1,234,567.50", "1234567.5"),
        (" Omar  Khan", "omar khan"),
        ("-3", "-3"),
        ("1e3", "1000"),
    ],
)
def test_exact_tolerates_spelling(answer: str, gold: str) -> None:
    assert grade(answer, gold)


@pytest.mark.parametrize(
    ("answer", "gold"),
    [("7", "8"), ("", "0"), ("1,23", "123"), ("nan", "inf"), ("7 apples", "7"), ("1_0", "10")],
)
def test_exact_rejects_other_answers(answer: str, gold: str) -> None:
    assert not grade(answer, gold)


def test_a_verifier_that_raises_means_wrong() -> None:
    entry = {"answer": "2 × 2 × 3", "metadata": {"number": 12, "factors": [2, 2, 3]}}
    grader = "reasoning-gym:prime_factorization"
    assert grade("2 × 2 × 3", "2 × 2 × 3", grader, entry)
    assert not grade("two × six", "2 × 2 × 3", grader, entry)


@pytest.mark.parametrize(
    ("grader", "named"),
    [("close", "'exact'"), ("reasoning-gym:no_such", "no_such"), ("reasoning-gym:gcd", "'entry'")],
)
def test_what_cannot_be_graded_is_an_input_error(grader: str, named: str) -> None:
    entry = None if grader.endswith("gcd") else {"answer": "1", "metadata": {}}
    with pytest.raises(_errors.InputError, match=named):
        grade("1", "1", grader, entry)
