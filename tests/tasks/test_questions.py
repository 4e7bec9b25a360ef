import json

import pytest

from shadowprice._errors import InputError
from shadowprice.grading import find_answer, grade
from shadowprice.tasks import FAMILIES, SYSTEM_PROMPT, TIERS, Family, Question, build_messages, make_questions

by_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


@by_family
def test_a_grader_accepts_the_gold_answer_and_nothing_else(family: Family) -> None:
    for question in make_questions([family.name], count=5):
        assert grade(question.gold, question.gold, question.grader, question.entry)
        assert not grade("no idea", question.gold, question.grader, question.entry)
        assert not grade("", question.gold, question.grader, question.entry)


@by_family
def test_questions_are_distinct_and_entries_survive_json(family: Family) -> None:
    questions = make_questions([family.name], count=60)
    assert len({question.question for question in questions}) == len(questions) > 40
    assert [question.query_id for question in questions] == [f"{family.name}/{n}" for n in range(len(questions))]
    assert not {question.question for question in questions} & {example.question for example in family.examples}
    for question in questions[:5]:
        assert json.loads(json.dumps(question.entry)) == question.entry


@by_family
def test_every_worked_example_ends_with_its_answer(family: Family) -> None:
    for example in family.examples:
        answer = find_answer(example.reply)
        assert answer is not None
        assert answer.end == len(example.reply)


def test_the_same_seed_gives_the_same_questions() -> None:
    names = [FAMILIES[0].name, FAMILIES[-1].name]
    assert make_questions(names, count=5, seed=3) == make_questions(names, count=5, seed=3)
    assert make_questions(names, count=5, seed=3) != make_questions(names, count=5, seed=4)


def test_a_small_family_gives_each_of_its_questions_once() -> None:
    questions = make_questions(["product"], count=1000)
    assert len({question.question for question in questions}) == len(questions) < 200


def test_a_tier_stands_for_its_families() -> None:
    for tier in TIERS:
        drawn = {question.family for question in make_questions([tier], count=1)}
        assert drawn == {family.name for family in FAMILIES if family.tier == tier}


def test_the_default_draw_fills_every_tier() -> None:
    tiers = [question.tier for question in make_questions()]
    assert len(tiers) >= 1500
    assert all(tiers.count(tier) >= 450 for tier in TIERS)


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'nope'.*easy, medium, hard.*product"):
        make_questions(["nope"])
    with pytest.raises(InputError, match="at least 1"):
        make_questions(count=0)
    with pytest.raises(InputError, match="'nope'"):
        build_messages(Question("a", "?", family="nope"))


def test_a_family_is_asked_after_its_worked_examples() -> None:
    (question,) = make_questions(["product"], count=1)
    messages = build_messages(question)
    assert messages[0] == {"role": "system", "content": SYSTEM_PROMPT}
    assert messages[-1] == {"role": "user", "content": question.question}
    assert [message["role"] for message in messages[1:-1]] == ["user", "assistant"] * ((len(messages) - 2) // 2)


def test_other_questions_are_asked_alone_or_as_they_say() -> None:
    assert build_messages(Question("a", "Why?")) == ({"role": "user", "content": "Why?"},)
    messages = ({"role": "user", "content": "How?"},)
    assert build_messages(Question("a", "Why?", messages=messages)) is messages
