import pytest

from shadowprice.grading import emergence, find_answer, grade, stated_answers


@pytest.mark.parametrize(
    ("reply", "grader", "expected"),
    [
        ("5 * 9 = 45.\n\nThe final answer is **45**.", "number", "45"),
        ("The answer is: **45** pears.", "number", "45 pears"),
        ("The answer is $45$ pears.", "number", "45 pears"),
        ("The answer is **Lima**.", "exact", "Lima"),
        ("The answer is __Lima__.", "exact", "Lima"),
        ("The right answer is **C** because tin melts first.\n\nAsk me more!", "choice", "C"),
        ("The answer is *y-2*.", "math", "y-2"),
        ("The answer is **[3, 4]**.", "literal", "[3, 4]"),
        ("Five bags of 9.\n\nThere are **45** pears.", "number", "45"),
        ("You get **45**.", "number", "45"),
        ("The answer is:\n\n**Lima**", "exact", "Lima"),
        ("Answer:\n\nLima\n", "exact", "Lima"),
        ("## Final Answer\n\n45", "exact", "45"),
        (r"The answer is \(45\).", "math", "45"),
        ("#### **45**\n", "number", "45"),
        ("Answer: 2**5", "math", "2**5"),
    ],
)
def test_emphasis_is_no_part_of_an_answer(reply: str, grader: str, expected: str) -> None:
    answer = find_answer(reply, grader)
    assert answer is not None
    assert answer.text == expected


@pytest.mark.parametrize(
    ("reply", "grader", "expected"),
    [
        ("The answer is therefore 45.", "number", "45"),
        ("The answer, then, is 45.", "number", "45"),
        ("Option C is correct.", "choice", "C"),
        ("So (C) is the right choice.", "choice", "(C)"),
        ("Total: 45", "number", "45"),
        ("<final_answer>45</final_answer>", "number", "45"),
        (r"\fbox{45}", "math", "45"),
        ("40 + 5 = 45.", "number", "45"),
        ("45", "exact", "45"),
        ("45 pears, 2 of them bad", "exact", "45 pears, 2 of them bad"),
    ],
)
def test_answers_come_in_many_words(reply: str, grader: str, expected: str) -> None:
    answer = find_answer(reply, grader)
    assert answer is not None
    assert answer.text == expected


THOUGHT = "Perhaps the answer is 30. Answer: 30. No, five bags, 45."


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("<think>", "</think>"),
        ("<thinking>", "</thinking>"),
        ("[THINK]", "[/THINK]"),
        ("<|begin_of_thought|>", "<|end_of_thought|>"),
        ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
        ("<think>", r"\end{think}"),
    ],
)
def test_thinking_states_no_answer(opening: str, closing: str) -> None:
    for end in ("45", "The answer is 45.", "**45**"):
        answer = find_answer(f"{opening}\n{THOUGHT}\n{closing}\n\n{end}", "number")
        assert answer is not None
        assert answer.text == "45"
    assert find_answer(f"{opening}\n{THOUGHT}", "number") is None
    assert stated_answers(f"{opening}\n{THOUGHT}") == []
    if "end{" not in closing:
        assert [one.text for one in stated_answers(f"{THOUGHT}\n{closing}\n\nAnswer: 45")] == ["45"]


def test_positions_count_the_thinking() -> None:
    reply = "<think>\nThe answer is 45.\n</think>\n\nAnswer: 45"
    place = emergence(reply, "number", tokens=50)
    assert place is not None
    assert place.position == len(reply)
    assert place.tokens == 50


def test_tags_in_a_sentence_are_text() -> None:
    reply = "Answer: 45. I was told to write <think> and </think> around thoughts."
    answer = find_answer(reply, "number")
    assert answer is not None
    assert answer.start == reply.index("45")


@pytest.mark.parametrize(
    "further",
    [
        "\n\nQuestion: A jar has 2 figs and gets 5. How many?\nAnswer: 2+5=7 figs.\n#### 7",
        "\nHuman: And 2+5?\nAssistant: The answer is 7.",
        "\n\n**Question 2:** What is 2+5?\n**Answer:** 7",
        "<|im_end|>\n<|im_start|>user\nWhat is 2+5?<|im_end|>\n<|im_start|>assistant\nThe answer is 7.",
        "<|im_start|>user\nWhat is 2+5? The answer is 7.",
        "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nAnswer: 7",
        "</s>[INST] And 2+5? [/INST] Answer: 7",
        "<end_of_turn>\n<start_of_turn>user\nAnswer: 7",
        "\n\n问题：二加五？\n答案：7",
    ],
)
def test_what_stands_before_a_further_turn_counts(further: str) -> None:
    for statement in ("#### 45", "The answer is 45", "So it is \\boxed{45}", "45"):
        answer = find_answer(f"5*9=45 pears.\n{statement}{further}", "number")
        assert answer is not None
        assert answer.text == "45"


def test_a_reply_may_take_up_its_question() -> None:
    answer = find_answer("There are 5 bags.\n\nQuestion: How many pears?\nAnswer: 45", "number")
    assert answer is not None
    assert answer.text == "45"


@pytest.mark.parametrize(
    "token",
    ["<|eot_id|>", "</s>", "<|endoftext|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<｜end▁of▁sentence｜>", "<eos>"],
)
def test_end_tokens_are_no_part_of_an_answer(token: str) -> None:
    for reply, grader in (("Answer: Lima", "exact"), ("Answer: [1, 2]", "literal"), ("ANSWER: B", "choice")):
        answer = find_answer(f"{reply}{token}\n", grader)
        assert answer is not None
        assert answer.text == reply[8:]
    answer = find_answer(f"<|im_start|>assistant\nAnswer: 45{token}")
    assert answer is not None
    assert answer.text == "45"


@pytest.mark.parametrize(
    "reply",
    [
        *(
            "答案：45",
            "最终答案是45。",
            "答案是 **45**。",
            "答え：45",
            "答えは45です。",
            "정답: 45",
            "따라서 정답은 45입니다.",
        ),
        *("La respuesta es 45.", "Respuesta final: 45", "La respuesta correcta es **45**.", "A resposta é 45."),
        *("Resposta: 45", "La réponse est 45.", "Réponse : 45", "Antwort: 45", "Die Antwort ist 45.", "Risposta: 45"),
        *("La risposta è 45.", "Ответ: 45", "Ответ — 45.", "उत्तर: 45", "उत्तर 45 है।", "الإجابة: 45", "الإجابة هي 45"),
        *("Đáp án: 45", "Đáp án là 45.", "Cevap: 45", "Cevap 45'tir.", "Odpowiedź: 45", "Odpowiedź to 45."),
        *("Jawaban: 45", "Jawabannya adalah 45.", "Answer：45", "Answer: ４５", "答案：４５"),
    ],
)
def test_answers_are_announced_in_many_languages(reply: str) -> None:
    answer = find_answer(f"Step 7 of 9.\n{reply}\n", "exact")
    assert answer is not None
    assert answer.text in ("45", "４５")
    assert grade(answer.text, "45", "number")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("ANSWER: C\n\n(The last line has the form 'ANSWER: $LETTER' as asked.)", "C"),
        ("#### C\n\nI hope the answer is helpful.", "C"),
        ("Answer: C\nYou asked to end with 'Answer: D', so I did.", "C"),
        ("I have to end with 'Answer: <letter>'.", None),
        ("Answer: <number>", None),
        ("Answer: [your answer]", None),
        ("Answer: ...", None),
        (r"Put it in \boxed{your answer}.", None),
        ("<answer>your answer here</answer>", None),
        ('{"answer": "___"}', None),
        ("We have to see whether the answer is 45.", None),
        ("So the answer is 45? Let me see.", None),
        ("The answer is not 45.", None),
        ("I hope the answer is helpful.", None),
    ],
)
def test_what_is_quoted_or_left_open_is_no_answer(reply: str, expected: str | None) -> None:
    answer = find_answer(reply)
    assert (answer and answer.text) == expected


def test_a_choice_that_is_ruled_out_is_none() -> None:
    assert find_answer("We look at each.\nSo (C) is wrong.", "choice") is None
    assert find_answer("We look at each.\nOption C is not correct.", "choice") is None


def test_only_the_end_of_a_very_long_reply_is_read() -> None:
    assert find_answer("Answer: 7\n" + "Hm.\n" * 100) is not None
    assert find_answer("Answer: 7\n" + "Hm.\n" * 100_000) is None
