"""What a reply chooses where it is known what may be chosen from."""

import json
from pathlib import Path

import pytest

from shadowprice.grading import emergence, find_answer, grade, is_readable
from shadowprice.runner import judge_again, read_recorded
from shadowprice.tasks import read_questions

CHOICES = ("root", "stem", "The leaf", "seed coat", "$x^2$")


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("stem", "B"),
        ("Stem.", "B"),
        ("**stem**", "B"),
        ("The stem", "B"),
        ("leaf", "C"),
        ("the leaf", "C"),
        ("Seed coat", "D"),
        ("Answer: stem", "B"),
        ("Answer: B) stem", "B"),
        ("B. stem", "B"),
        ("B - stem", "B"),
        ("Answer: $x^2$", "E"),
        ("It carries water up to the leaves.\nstem", "B"),
        ("Answer: b", "B"),
        ("Answer: B) because it carries water", "B"),
        ("Answer: A) the part below, no stem", "A"),
        ("The answer is (A) root", "A"),
    ],
)
def test_the_text_of_a_choice_is_its_letter(reply: str, letter: str) -> None:
    found = find_answer(reply, "choice", choices=CHOICES)
    assert found is not None
    assert is_readable(found.text, "choice", CHOICES)
    assert [one for one in "ABCDE" if grade(found.text, one, "choice", choices=CHOICES)] == [letter]


@pytest.mark.parametrize(
    "reply",
    [
        "Answer: A) stem",
        "A. Stem",
        "(A) The stem.",
        "Answer: **A) stem**",
        "Option A: stem",
        "A – stem",
        "Answer: F",
        "Answer: petal",
    ],
)
def test_a_letter_before_another_choice_chooses_none(reply: str) -> None:
    found = find_answer(reply, "choice", choices=CHOICES)
    assert not is_readable(found.text if found else None, "choice", CHOICES)
    assert not any(grade(found.text if found else "", letter, "choice", choices=CHOICES) for letter in "ABCDEF")


def test_a_list_of_the_choices_chooses_none() -> None:
    assert find_answer("A) root\nB) stem\nC) leaf", "choice", choices=CHOICES[:3]) is None


def test_choices_with_the_same_text_are_chosen_by_letters_alone() -> None:
    assert not grade("none", "A", "choice", choices=("none", "none"))
    assert grade("A", "A", "choice", choices=("none", "none"))


def test_a_letter_that_is_the_text_of_another_choice_is_a_letter() -> None:
    assert grade("B", "B", "choice", choices=("B", "A"))
    assert not grade("B", "A", "choice", choices=("B", "A"))


def test_without_choices_nothing_is_known_of_texts() -> None:
    assert grade("A) stem", "A", "choice")
    assert not grade("stem", "B", "choice")


def test_an_answer_emerges_where_its_text_first_stands() -> None:
    text = "Answer: stem\nLet me see. It carries water.\nAnswer: B"
    known, unknown = emergence(text, "choice", choices=CHOICES), emergence(text, "choice")
    assert known is not None
    assert unknown is not None
    assert (known.position, unknown.position) == (len("Answer: stem"), len(text))


def test_recorded_replies_are_judged_again_by_the_choices_of_the_questions(tmp_path: Path) -> None:
    asked, replies = tmp_path / "q.jsonl", tmp_path / "r.jsonl"
    asked.write_text(json.dumps({"id": "1", "question": "?", "choices": CHOICES[:2], "answer": "stem"}) + "\n")
    replies.write_text(json.dumps({"id": "1", "reply": "Answer: stem"}) + "\n")
    questions = {one.query_id: one for one in read_questions(asked)}
    (reply,) = read_recorded(replies)
    verdict = judge_again(reply, "choice", questions)
    assert (verdict.answer, verdict.correct) == ("stem", True)
