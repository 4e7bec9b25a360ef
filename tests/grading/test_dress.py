import pytest

from shadowprice.grading import grade


@pytest.mark.parametrize(
    ("answer", "gold", "grader"),
    [
        ("Eva is a liar, and Tom is a liar", "Eva is a liar, and Tom is a liar.", "exact"),
        ("Lima", '"Lima"', "exact"),
        ("x", "$x$", "exact"),
        (r"\text{Lima}", "Lima", "exact"),
        ("45", "#### 45", "exact"),
        ("45", r"\boxed{45}", "exact"),
        ("45", r"\boxed{45}", "number"),
        ("45", "$45$", "number"),
        ("45", "45 pears", "number"),
        ("45", "5 * 9 = 45\n#### 45", "math"),
        ("45", r"$\boxed{45}$", "math"),
        ("B", "(B)", "choice"),
        ("B", "#### B", "choice"),
        ("B", r"\boxed{B}", "choice"),
        ("[1, 2]", r"\boxed{[1, 2]}", "literal"),
    ],
)
def test_the_right_answer_is_undressed_like_the_answer(answer: str, gold: str, grader: str) -> None:
    assert grade(answer, gold, grader)


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        *(("1 234,5", "1234.5"), ("1.234,5", "1234.5"), ("1,234.5", "1234.5"), ("1.234.567", "1234567")),
        *(("1 234", "1234"), ("3,5 km", "3.5"), ("1234,567", "1234.567"), ("1,234", "1234"), ("= 12 000 m", "12000")),
        *(("1 1/2", "1.5"), ("1½", "1.5"), ("½", "0.5"), (r"1\frac{1}{2}", "1.5"), ("12 per cent", "0.12")),
        *(("４５", "45"), ("－４５", "-45"), ("٤٥", "45"), (r"0.\overline{3}", "1/3"), (r"0.1\overline{6}", "1/6")),
        ("18 (or 18.00)", "18"),
    ],
)
def test_numbers_are_spelled_in_many_ways(answer: str, gold: str) -> None:
    assert grade(answer, gold, "number")


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        *(("1,2", "2"), ("(1,2)", "1.2"), ("1.234", "1234"), ("3,5", "5"), ("2π", "2"), ("2√3", "3"), ("3 pi", "3")),
        *(("48 or 72", "72"), ("48 or 72", "48"), ("48 oder 72", "72"), ("between 48 and 72", "72"), ("48或72", "72")),
    ],
)
def test_other_numbers_are_wrong(answer: str, gold: str) -> None:
    assert not grade(answer, gold, "number")


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        (r"\frac{\pi}{2}", "pi/2"),
        (r"0.\overline{3}", r"\frac{1}{3}"),
        (r"4\sqrt(2)", r"4\sqrt{2}"),
        ("2√3", r"2\sqrt{3}"),
        ("2,1", "1,2"),
    ],
)
def test_formulas_are_spelled_in_many_ways(answer: str, gold: str) -> None:
    assert grade(answer, gold, "math")


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("10^{-30}", "10^{-40}"),
        (r"3.0 \times 10^{-19}", r"1.6 \times 10^{-19}"),
        (r"4\sqrt(2)", "4"),
        ("4√2 + 8", "8"),
        ("1.2", "1,2"),
        ("48 or 72", "72"),
    ],
)
def test_other_formulas_are_wrong(answer: str, gold: str) -> None:
    assert not grade(answer, gold, "math")
