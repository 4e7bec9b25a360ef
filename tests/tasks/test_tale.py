import pytest

from shadowprice.tasks import FAMILIES, Family, Question, ask_for_estimate, ask_within, build_messages, read_estimate

SUM = Question("sum/0", "What is 1 + 1?", "2")


def test_the_first_call_asks_for_a_number_and_not_for_the_answer() -> None:
    (message,) = ask_for_estimate(SUM)
    assert "user" == message["role"]
    assert message["content"].endswith("Task: What is 1 + 1?")
    assert "Do not answer the task." in message["content"]


@pytest.mark.parametrize(
    ("reply", "estimate"),
    [
        ("[[80]]", 80),
        ("About [[ 12 ]] tokens", 12),
        ("[[80]] or [[90]]", 80),
        ("2 + 2 needs [[35]]", 35),
        ("some 40 tokens", 40),
        ("[[0]]", 1),
        ("[[100000]]", 256),
        ("9999999999999999", 256),
        ("I cannot say.", 256),
        ("", 256),
    ],
)
def test_an_estimate_is_read_and_held_to_what_can_be(reply: str, estimate: int) -> None:
    assert estimate == read_estimate(reply, 256)


def test_the_second_call_names_the_estimate() -> None:
    plain, within = build_messages(SUM), ask_within(SUM, 35)
    assert [turn["role"] for turn in plain] == [turn["role"] for turn in within]
    assert plain[-1]["content"] + "\nUse at most 35 tokens." == within[-1]["content"]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_worked_examples_keep_to_their_own_estimates(family: Family) -> None:
    question = Question(f"{family.name}/0", "What?", "x", dataset=family.name, family=family.name)
    estimates = [turn["content"] for turn in ask_for_estimate(question) if turn["role"] == "assistant"]
    within = [turn["content"] for turn in ask_within(question, 9) if turn["role"] == "user"]
    assert len(family.examples) == len(estimates) == len(within) - 1
    for estimate, asked, example in zip(estimates, within, family.examples, strict=False):
        number = read_estimate(estimate, 10_000)
        assert asked == f"{example.question}\nUse at most {number} tokens."
        # Near enough to what a tokenizer counts: no fewer than its words, no more than its letters.
        assert len(example.reply.split()) <= number <= len(example.reply)
    assert "What?\nUse at most 9 tokens." == within[-1]
