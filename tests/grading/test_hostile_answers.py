"""What a model, or somebody who wants to stop us, may write; no answer may hang grading, kill it, or be right."""

from typing import Any

import pytest

from shadowprice.grading import emergence, find_answer, grade

MEGABYTE = 1_000_000
HARMLESS = {
    "fractions, open": r"\frac{" * 1000,
    "1 MB of digits": "9" * MEGABYTE,
    "4,000 digits": "9" * 4000,
    "1 MB of open braces": "{" * MEGABYTE,
    "1 MB of LaTeX": r"\left(\frac{1}{2}" * (MEGABYTE // 17),
    "unbalanced": r"\left(" * 600,
    "powers of powers, Python": "10**10**10",
    "huge exponent": "1e999999999",
    "unicode soup": "\u202e\u0301" * 500 + "𝔘𝔫𝔦" * 300 + "\x00\ud800",
    "catastrophic backtracking": 40 * "a" + "!",
    "brackets, open": "[" * 3000,
    "brackets, closed": "[" * 1500 + "]" * 1500,
    "signs": "-" * 3000 + "1",
    "string times huge": "'a'*10**10",
    "sum of many": "1+" * 1900 + "1j",
    "numbers in a list": "1," * 2000,
    "nothing": "",
    "zero bytes": "\x00" * 4000,
}
HANGING = {
    "fractions, closed": r"\frac{1}{" * 400 + "2" + "}" * 400,
    "powers of powers": "9^{9^{9^{9^9}}}",
    "huge power": "10^{10^{10}}",
    "factorials": "((((9!)!)!)!)!",
    "sum": r"\sum_{n=1}^{10^{12}} \frac{\sin(n^{n})}{n!}",
    "integral": r"\int_0^{10^{9}} e^{x^{x^{x}}} \sin(x^{100}) \, dx",
    "roots": r"\sqrt{" * 400 + "2" + "}" * 400,
    "product": "(x+1)" * 600,
    "expansion": "(x+y+z+w)^{500}",
    "binomial": r"\binom{10^9}{5\cdot10^8}",
    "remainder": r"7^{7^{7^7}} \mod 10",
    "parentheses": "(" * 4000,
    "set": r"\{" + ",".join(map(str, range(800))) + r"\}",
}
QUICK = (
    *("powers of powers", "integral"),
    *("fractions, open", "1 MB of digits", "4,000 digits", "1 MB of open braces", "1 MB of LaTeX"),
    *("powers of powers, Python", "unicode soup", "catastrophic backtracking"),
)
GRADERS: dict[str, tuple[str, str]] = {
    "exact": ("42", "42"),
    "number": ("42", "42"),
    "choice": ("B", "B"),
    "literal": ("[1, 2]", "[1, 2]"),
    "regex": ("aab", "(a+)+b"),
    "reasoning-gym:gcd": ("4", "4"),
    "math:0.3": ("0.5", r"\frac{1}{2}"),
}
ENTRY: dict[str, Any] = {"answer": "4", "metadata": {}}


@pytest.mark.parametrize("grader", [name for name in GRADERS if name not in ("math:0.3", "regex")])
def test_hostile_answers_are_wrong_and_grading_goes_on(grader: str) -> None:
    right, gold = GRADERS[grader]
    for name, answer in (HARMLESS | HANGING).items():
        assert not grade(answer, gold, grader, ENTRY), name
    assert grade(right, gold, grader, ENTRY)


def test_a_pattern_that_backtracks_for_ever_is_stopped() -> None:
    assert not grade(HARMLESS["catastrophic backtracking"], "(a+)+b", "regex")
    assert grade("aab", "(a+)+b", "regex")


@pytest.mark.parametrize("name", QUICK)
def test_formulas_that_hang_are_stopped(name: str) -> None:
    assert not grade((HARMLESS | HANGING)[name], r"\frac{1}{2}", "math:0.3")
    assert grade(r"\frac{2}{4}", r"\frac{1}{2}", "math:20")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*HARMLESS, *HANGING])
def test_every_formula_is_survived(name: str) -> None:
    assert not grade((HARMLESS | HANGING)[name], r"\frac{1}{2}", "math")
    assert grade(r"\frac{2}{4}", r"\frac{1}{2}", "math:20")


@pytest.mark.parametrize("name", [*HARMLESS, *HANGING])
def test_hostile_replies_are_read(name: str) -> None:
    hostile = (HARMLESS | HANGING)[name]
    for reply in (hostile, rf"Answer: \boxed{{{hostile}}}", f'{{"answer": "{hostile}"}}'):
        find_answer(reply, "math")
        emergence(reply, "number")
    found = find_answer(f"{hostile}\nAnswer: 42")
    assert found is not None
    assert found.text == "42"
