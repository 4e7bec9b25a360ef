from dataclasses import replace

import pytest

from shadowprice._errors import InputError
from shadowprice.grading import GRADERS, find_answer
from shadowprice.runner import RunSettings
from shadowprice.runner._settings import CUE
from shadowprice.tasks import (
    ANSWER,
    PROTOCOL,
    Asking,
    Question,
    ask_within,
    build_messages,
    fingerprint,
    instruct,
    list_choices,
    make_questions,
)

SUM = Question("q1", "What is 1 + 1?", "2", grader="number")
CAPITAL = Question("q2", "Which is a capital?", "B", grader="choice", choices=("Lyon", "Paris"))
ANSWERS = {
    "number": "2",
    "choice": "B",
    "math": r"\frac{1}{2}",
    "literal": "[1, 2]",
    "exact": "blue",
    "regex": "blue",
    "reasoning-gym": "2",
}


def said(question: Question, asking: Asking | None = None) -> str:
    (*_, last) = build_messages((asking or Asking()).ask(question))
    return last["content"]


def test_a_question_is_told_how_to_end() -> None:
    assert "What is 1 + 1?\n\nEnd with 'Answer: ' and the number." == said(SUM)
    assert "What is 1 + 1?" == said(SUM, Asking(instruction=False))
    assert "Which is a capital?\nA) Lyon\nB) Paris\n\nEnd with 'Answer: ' and the letter." == said(CAPITAL)
    assert said(replace(SUM, grader="number:1e-6")) == said(SUM)


def test_another_wording_gets_another_version() -> None:
    """What beliefs have learnt from is named by its version: raise it with every change of these."""
    endings = {grader: instruct(Question("q", "?", grader=grader)) for grader in GRADERS}
    assert {
        "number": "End with 'Answer: ' and the number.",
        "choice": "End with 'Answer: ' and the letter.",
        "math": "End with 'Answer: ' and the result in LaTeX.",
        "literal": "End with 'Answer: ' and the value as a Python literal.",
        "exact": "End with 'Answer: ' and the final answer.",
        "regex": "End with 'Answer: ' and the final answer.",
        "reasoning-gym": "End with 'Answer: ' and the final answer.",
    } == {grader: endings[grader] for grader in ANSWERS}
    assert "End with the whole code in one block that begins with ```python." == endings["tests"]
    assert {""} == {ending for grader, ending in endings.items() if grader not in (*ANSWERS, "tests")}
    assert "instruction-number-v1" == Asking().protocol(SUM)


@pytest.mark.parametrize("grader", ANSWERS)
@pytest.mark.parametrize("choices", [(), ("Lyon", "Paris")])
def test_what_is_asked_for_is_read_and_its_echo_is_not(grader: str, choices: tuple[str, ...]) -> None:
    question = Question("q", "Which one is it?", grader=grader, choices=choices)
    asked, right = said(question), ANSWERS[grader]
    for echo in (instruct(question), asked, f"You asked: {asked}", f"**{instruct(question)}**", f"> {asked}\n\nHm."):
        assert find_answer(echo, grader) is None, echo
        for end in (f"Answer: {right}", f"**Answer: {right}**", f"Answer: {right}.", f"'Answer: {right}'"):
            for reply in (f"{echo}\n\n{end}", f"It is so.\n{end}\n\n{echo}"):
                answer = find_answer(reply, grader)
                assert answer is not None, reply
                assert right == answer.text.rstrip("'"), reply


def test_the_cue_of_stopped_replies_is_worded_as_the_instruction() -> None:
    assert f"\n{ANSWER}" == CUE
    assert f"'{ANSWER} '" in instruct(SUM)
    assert RunSettings().end_tokens > 0


@pytest.mark.parametrize(
    "text",
    [r"What is 1 + 1? Put it in \boxed{}.", "1 + 1? Write <answer>2</answer>.", "1 + 1?\nAnswer:", "End with #### 2."],
)
def test_a_question_that_tells_itself_how_to_end_is_asked_alone(text: str) -> None:
    question = replace(SUM, question=text)
    assert (text, "plain") == (said(question), Asking().protocol(question))


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("Which? (A) Lyon (B) Paris", True),
        ("Which?\nA. Lyon\nB. Paris", True),
        ("Which?\n[A]: Lyon\n[B]:  Paris", True),
        ("Which: Lyon or Paris?", False),
        ("Which? A) Lyon", False),
        ("Which? A) Paris B) Lyon", False),
    ],
)
def test_choices_are_listed_where_the_text_does_not(text: str, listed: bool) -> None:
    assert list_choices(replace(CAPITAL, question=text)) == ("" if listed else "A) Lyon\nB) Paris")
    assert said(replace(CAPITAL, question=text), Asking(instruction=False)).count("B) Paris") <= 1


def test_more_choices_than_letters() -> None:
    with pytest.raises(InputError, match="'q2' has 27 choices; there are letters for 26"):
        Asking().ask(replace(CAPITAL, choices=tuple("abcdefghijklmnopqrstuvwxyz1")))


def test_messages_and_families_are_asked_as_they_are() -> None:
    (family,) = make_questions(["plus"], count=1)
    own = replace(SUM, messages=({"role": "user", "content": "1 + 1, please"},))
    for asking in (Asking(), Asking(system="Be kind.", template="{{ question }}!"), Asking(instruction=False)):
        assert (family, own) == (asking.ask(family), asking.ask(own))
        assert (PROTOCOL, "messages") == (asking.protocol(family), asking.protocol(own))


def test_the_protocol_tells_ways_of_asking_apart() -> None:
    kind, stern = Asking(system="Be kind."), Asking(system="Be stern.")
    first, second = Asking(template="{{ question }}!"), Asking(template="{{ question }}?")
    all_ways = [
        Asking(),
        Asking(instruction=False),
        kind,
        stern,
        first,
        second,
        replace(kind, template="{{ question }}!"),
    ]
    protocols = [asking.protocol(SUM) for asking in all_ways]
    assert len(set(protocols)) == len(protocols) == len({fingerprint([asking.ask(SUM)]) for asking in all_ways})
    assert "plain" == protocols[1]
    assert protocols[2].startswith("system-")
    assert protocols[2].endswith("+instruction-number-v1")
    assert [None, None, protocols[2].partition("+")[0]] == [asking.options for asking in all_ways[:3]]
    messages = tuple({"role": role, "content": "Hm."} for role in ("system", "user"))
    assert Asking().protocol(replace(SUM, messages=messages)).startswith("messages-")


def test_a_limit_of_tokens_comes_after_the_instruction() -> None:
    (system, user) = ask_within(Asking(system="Be kind.").ask(SUM), 25)
    assert {"role": "system", "content": "Be kind."} == system
    assert user["content"].endswith("and the number.\nUse at most 25 tokens.")


def test_a_template_makes_the_message() -> None:
    template = (
        "{% if grader == 'choice' %}\nChoose ({{ query_id }}): {{ question }}\n"
        "{% for choice in choices %}\n{{ choice.letter }}: {{ choice.text }}\n{% endfor %}\n{% endif %}\n"
        "{{ instruction }}"
    )
    asking = Asking(template=template)
    wanted = "Choose (q2): Which is a capital?\nA: Lyon\nB: Paris\nEnd with 'Answer: ' and the letter."
    assert wanted == said(CAPITAL, asking)
    assert wanted.rpartition("\n")[0] + "\n" == said(CAPITAL, replace(asking, instruction=False))


def test_a_question_is_a_value_and_never_a_template() -> None:
    evil = "{{ 7 * 7 }}{% for x in range(9) %}{{ ''.__class__.__mro__ }}{% endfor %}<b>&</b>"
    question = Question("{{ 1/0 }}", evil, choices=(evil, "b"), grader="choice")
    asking = Asking(template="{{ query_id }}|{{ question }}|{{ choices[0].text }}")
    assert f"{{{{ 1/0 }}}}|{evil}|{evil}" == said(question, asking)
    assert evil in said(question)


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        (
            "a\n{{ qestion }}",
            "t.jinja, line 2: there is no 'qestion'; a template can use question, choices, instruction",
        ),
        ("{{ question }\n", "t.jinja, line 1: not a Jinja template"),
        ("\n{% for c in choices %}", "t.jinja, line 2: not a Jinja template"),
        ("{{ question|shout }}", "t.jinja, line 1: not a Jinja template (No filter named 'shout'"),
        ("\n\n{% include 'other' %}", "t.jinja, line 3: a template cannot use other files"),
        ("{% import 'os' as os %}", "t.jinja, line 1: a template cannot use other files"),
    ],
)
def test_a_template_that_cannot_be(template: str, complaint: str) -> None:
    with pytest.raises(InputError) as caught:
        Asking(template=template, template_name="t.jinja")
    assert str(caught.value).startswith(complaint)


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        (
            "\n{% for c in choices %}\n{{ c.txt }}{% endfor %}",
            "t.jinja, line 3: cannot be filled for the question 'q2'",
        ),
        (
            "{{ question.__class__.__mro__ }}",
            "t.jinja, line 1: cannot be filled for the question 'q2' (access to attri",
        ),
        ("{{ 1 / 0 }}", "t.jinja, line 1: cannot be filled for the question 'q2' (division by zero); correct"),
        ("{{ choices.append(1) }}", "t.jinja, line 1: cannot be filled"),
        ("{# nothing #}", "t.jinja: nothing is left of it for the question 'q2'; use {{ question }} in it."),
    ],
)
def test_a_template_that_fails(template: str, complaint: str) -> None:
    asking = Asking(template=template, template_name="t.jinja")
    with pytest.raises(InputError) as caught:
        asking.ask(CAPITAL)
    assert str(caught.value).startswith(complaint)


@pytest.mark.parametrize("system", ["", " \n"])
def test_a_blank_system_message(system: str) -> None:
    with pytest.raises(InputError, match="The system message is blank"):
        Asking(system=system)
