import time

import pytest

from shadowprice.grading import infer_grader, infer_graders, reads_gold


@pytest.mark.parametrize(
    ("gold", "grader"),
    [
        ("7", "number"),
        ("-1,234.5", "number"),
        ("1.234,5", "number"),
        ("3/4", "number"),
        ("1 3/4", "number"),
        (r"\frac{3}{4}", "number"),
        ("45%", "number"),
        (r"45\%", "number"),
        ("$18", "number"),
        ("€ 3,50", "number"),
        ("3,50 €", "number"),
        ("4.5e3", "number"),
        ("#### 72", "number"),
        (r"\boxed{72}", "number"),
        (r"\frac{x}{2}", "math"),
        (r"\sqrt{2}", "math"),
        ("$x + 1$", "math"),
        ("x^2 + 1", "math"),
        ("3x + 2", "math"),
        ("x = 5", "math"),
        ("2π", "math"),
        ("[1, 2]", "literal"),
        ("(1, 'a')", "literal"),
        ("{'a': 1}", "literal"),
        ("[x for x in y]", "exact"),
        ("Paris", "exact"),
        ("Alan Turing", "exact"),
        ("A", "exact"),
        ("F-16", "exact"),
        ("U-2", "exact"),
        ("COVID-19", "exact"),
        ("H2O", "exact"),
        ("18m", "exact"),
        ("5 apples", "number"),
        ("2024-05-01", "exact"),
        ("yes", "exact"),
        ("and/or", "exact"),
        ("", "exact"),
        ("x" * 10_000, "exact"),
    ],
)
def test_what_a_gold_alone_asks_for(gold: str, grader: str) -> None:
    assert grader == infer_grader(gold)


@pytest.mark.parametrize("gold", ["B", "b", "(B)", "B.", " B "])
def test_a_letter_among_choices(gold: str) -> None:
    assert "choice" == infer_grader(gold, choices=("Ice", "Fire"))
    assert "exact" == infer_grader(gold, choices=("Ice",))


@pytest.mark.parametrize(
    "question",
    [
        "Which is hot?\nA. Ice\nB. Fire",
        "Which is hot? (A) Ice (B) Fire",
        "Which is hot? A) Ice, B) Fire",
        "Which is hot?\nA: Ice\nB: Fire\nC: Air",
        "Which is hot? [A] Ice [B] Fire",
    ],
)
def test_a_letter_that_the_question_lists(question: str) -> None:
    assert "choice" == infer_grader("B", question=question)
    assert "exact" == infer_grader("Z", question=question)


@pytest.mark.parametrize("question", ["Which vitamin?", "What is plan B. about?", "A. Turing or K. Godel?"])
def test_a_letter_that_nothing_lists(question: str) -> None:
    assert "exact" == infer_grader("B", question=question)


@pytest.mark.parametrize(
    ("golds", "graders"),
    [
        (["1", "2", "Paris"], ["number", "number", "exact"]),
        (["18 km", "3", "$5"], ["number"] * 3),
        (["50 Cent", "3"], ["exact", "number"]),
        (["[1, 2]", "'ab'", "5", "True"], ["literal"] * 4),
        (["'ab'", "5"], ["exact", "number"]),
        ([r"\frac{x}{2}", "(1, 2)", "p - q", "7", "even", "2x"], ["math", "math", "math", "number", "exact", "math"]),
        (["(1, 2)", "p - q"], ["literal", "exact"]),
        (["1", "", "2"], ["number", "exact", "number"]),
        ([], []),
    ],
)
def test_golds_say_more_together(golds: list[str], graders: list[str]) -> None:
    assert graders == infer_graders(golds)


@pytest.mark.parametrize(
    ("gold", "grader", "is_read"),
    [
        ("Paris", "number", False),
        ("5 km", "number", True),
        ("5", "number:1e-6", True),
        ("Paris", "choice", False),
        ("B) Paris", "choice", True),
        ("Paris", "literal", False),
        ("'Paris'", "literal", True),
        ("(", "regex", False),
        ("a+", "regex", True),
        ("Paris", "exact", True),
        ("Paris", "python:a:b", True),
    ],
)
def test_what_a_grader_can_read(gold: str, grader: str, is_read: bool) -> None:
    assert is_read == reads_gold(gold, grader)


@pytest.mark.parametrize("piece", ["1", " 1", "$", "$a", "a+", "(", "{'", "\\a", "A) ", "1 a", "[", "-", "1,", "x^"])
def test_no_gold_takes_long(piece: str) -> None:
    began = time.perf_counter()
    infer_graders([piece * 2000, r"\a"], questions=[piece * 2000, ""])
    assert time.perf_counter() - began < 2.0
