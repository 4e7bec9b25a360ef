from pathlib import Path

import pytest

from shadowprice import _errors
from shadowprice.grading import grade, load_grader


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
    [
        ("close", "exact"),
        ("exact:1", "exact"),
        ("reasoning-gym:no_such", "no_such"),
        ("reasoning-gym:gcd", "'entry'"),
        ("number:close", "'number:1e-6'"),
        ("math:-1", "'math:5'"),
        ("choice", "not a letter"),
        ("python:json:dumps", "names code"),
    ],
)
def test_what_cannot_be_graded_is_an_input_error(grader: str, named: str) -> None:
    entry = None if grader.endswith("gcd") else {"answer": "1", "metadata": {}}
    with pytest.raises(_errors.InputError, match=named):
        grade("1", "1", grader, entry)


@pytest.mark.parametrize(
    ("grader", "named"),
    [
        ("python:json", "'python:<module>:<name>'"),
        ("python:json:nothing", "nothing"),
        ("python:no_such_module:f", "no_such_module"),
        ("python:math:pi", "not a function"),
    ],
)
def test_what_cannot_be_loaded_is_an_input_error(grader: str, named: str) -> None:
    with pytest.raises(_errors.InputError, match=named):
        load_grader(grader)


@pytest.mark.parametrize(
    ("grader", "gold", "named"),
    [
        ("number", "many", "'many' has no number"),
        ("literal", "yes", "'yes' is not a Python literal"),
        ("regex", "(", r"'\('"),
    ],
)
def test_a_right_answer_has_to_suit_its_grader(grader: str, gold: str, named: str) -> None:
    for answer in ("1", ""):
        with pytest.raises(_errors.InputError, match=named):
            grade(answer, gold, grader)


@pytest.mark.parametrize("grader", ["number", "choice", "literal", "math", "regex"])
def test_nothing_equals_an_unknown_answer(grader: str) -> None:
    assert not grade("1", "", grader)
    assert not grade("", " ", grader)


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("18", "# 18"),
        ("$18", "Janet makes 9 * 2 = 18\n#### 18"),
        ("18 dollars per day", "18"),
        ("9 * 2 = 18.00", "18"),
        ("1,234,567", "1234567"),
        (r"\$1{,}234", "1234"),
        ("1\u202f234", "1234"),
        ("-$5", "-5"),
        ("$-5", "\u22125"),
        ("50%", "50"),
        (r"50\%", "0.5"),
        ("0.5", "50 percent"),
        ("3/4", "0.75"),
        (r"\frac{3}{4}", "3/4"),
        (r"-\frac34", "-0.75"),
        ("1 3/4", "1.75"),
        (r"4.5 \times 10^{33}", "4.5e33"),
        ("4.5*10**-3", "0.0045"),
        ("1e3", "1000"),
        ("5 m^2", "5"),
        ("5 m2", "5"),
        (r"\text{about } 7", "7"),
    ],
)
def test_numbers_are_read_out_of_their_dress(answer: str, gold: str) -> None:
    assert grade(answer, gold, "number")


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("18", "-18"),
        ("5-3", "-3"),
        ("18", "18.5"),
        ("no idea", "18"),
        ("0.333", "1/3"),
        ("1/0", "0"),
        ("2^10", "2"),
        ("2^{10}", "10"),
        (r"\frac{\pi}{2}", "2"),
        (r"2\sqrt{3}", "3"),
        ("50%", "5"),
        ("50%", "0.5%"),
        ("1e99999999", "0"),
        ("1 234 and 5", "1234"),
    ],
)
def test_other_numbers_are_wrong(answer: str, gold: str) -> None:
    assert not grade(answer, gold, "number")


def test_a_tolerance_is_relative_to_large_numbers_and_absolute_for_small() -> None:
    assert grade("0.3333333", "1/3", "number:1e-6")
    assert grade("1000000.5", "1000000", "number:1e-6")
    assert not grade("1000002", "1000000", "number:1e-6")
    assert not grade("0.33", "1/3", "number:1e-6")
    assert grade("2", "2", "number:0")


@pytest.mark.parametrize(
    "answer",
    [
        *("B", "b", "(B)", "B.", "(b)", "[B]", "B: it", "**B**", "B) Paris", "B. Paris", "(B) Paris", "B - Paris"),
        *("option B", "Option (B)", "the answer is B", "I choose (B) here"),
        *(r"\text{B}", r"\textbf{(B)}", r"$\mathrm{B}$"),
    ],
)
def test_a_choice_is_read_in_any_dress(answer: str) -> None:
    assert grade(answer, "B", "choice")
    assert grade(answer, "(B)", "choice")
    assert not grade(answer, "C", "choice")


@pytest.mark.parametrize(
    "answer", ["", "Paris", "A dog", "B and C", "(B) or (C)", "options B or C", "Bob", "1", "(B) (C)"]
)
def test_what_names_no_single_letter_chooses_none(answer: str) -> None:
    assert not any(grade(answer, letter, "choice") for letter in "ABC")


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("[(4, 1), (2,3)]", "[(4, 1), (2, 3)]"),
        ('{"a": None}', "{'a': None}"),
        ("{'b': 1, 'a': 2}", "{'a': 2, 'b': 1}"),
        ('"abc"', "'abc'"),
        ("abc", "'abc'"),
        ("816", "'816'"),
        (r"a\tb", r"'a\tb'"),
        ("'it's'", '"it\'s"'),
        ('""', "''"),
        ("1.0", "1"),
    ],
)
def test_literals_are_compared_by_value(answer: str, gold: str) -> None:
    assert grade(answer, gold, "literal")


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("[1, 2]", "[2, 1]"),
        ("abc ", "'abc'"),
        ("'1'", "1"),
        ("len('a')", "1"),
        ("2 - 1", "1"),
        ("", "''"),
        ("[" * 60 + "]" * 60, "[]"),
    ],
)
def test_other_literals_are_wrong_and_nothing_is_evaluated(answer: str, gold: str) -> None:
    assert not grade(answer, gold, "literal")


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        (r"\frac{1}{2}", "0.5"),
        (r"$\dfrac{1}{2}$", r"\frac{1}{2}"),
        ("x=5", "5"),
        ("(x+1)^2", "x^2+2x+1"),
        (r"\{3, 1, 2\}", r"\{1,2,3\}"),
        (r"(3, \frac{\pi}{2})", r"\left(3,\frac{\pi}{2}\right)"),
        ("0.00001", "1e-5"),
        ("2000 calories", "2000"),
        (r"15{,}000\, \text{kcal}", "15000"),
    ],
)
def test_formulas_are_compared_by_meaning(answer: str, gold: str) -> None:
    assert grade(answer, gold, "math")


@pytest.mark.parametrize(
    ("answer", "gold"),
    [("6", "7"), (r"\frac{1}{3}", r"\frac{1}{2}"), ("[2, 3]", "(2, 3)"), ("x+1", "x-1"), ("no", "1")],
)
def test_other_formulas_are_wrong(answer: str, gold: str) -> None:
    assert not grade(answer, gold, "math")


def test_a_pattern_has_to_match_the_whole_answer() -> None:
    assert grade(" Paris ", "(?i)paris(, france)?", "regex")
    assert not grade("Not Paris", "(?i)paris", "regex")


def test_a_function_of_yours_grades(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_own_grading.py").write_text(
        "def same_length(answer, gold, entry): return len(answer) == len(gold) + entry.get('more', 0)\n"
        "def score(answer, gold, entry): return int(answer) / int(gold)\n"
        "def broken(answer, gold, entry): return entry['missing']\n"
        "def silent(answer, gold, entry): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    grader = "python:my_own_grading:"
    for name in ("same_length", "score", "broken", "silent"):
        load_grader(grader + name)
    assert grade("abc", "xyz", grader + "same_length")
    assert grade("abcd", "xyz", grader + "same_length", {"more": 1})
    assert not grade("ab", "xyz", grader + "same_length")
    assert grade("5", "5", grader + "score")
    assert not grade("4", "5", grader + "score")
    assert not grade("five", "5", grader + "score")
    with pytest.raises(_errors.InputError, match=r"broken' failed on the answer '5' \(KeyError\('missing'\)\)"):
        grade("5", "5", grader + "broken")
    with pytest.raises(_errors.InputError, match="silent' returned None"):
        grade("5", "5", grader + "silent")
