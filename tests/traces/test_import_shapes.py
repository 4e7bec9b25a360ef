"""Shapes in which people publish their logs, and nobody named a format: containers, names, verdicts, right answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from shadowprice._errors import InputError
from shadowprice.traces import Imported, ImportSettings, import_logs


def written(path: Path, content: Any, indent: int | None = None) -> Path:
    path.write_text(json.dumps(content, indent=indent, ensure_ascii=False), encoding="utf-8")
    return path


def lines(path: Path, records: list[Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def read(path: Path, **settings: Any) -> tuple[list[dict[str, Any]], Imported]:
    imported = import_logs([path], ImportSettings(**settings))
    rows: list[dict[str, Any]] = imported.table.to_pylist()
    return rows, imported


def refusal(path: Path, **settings: Any) -> str:
    with pytest.raises(InputError) as error:
        read(path, **settings)
    assert "\n" not in str(error.value)
    return str(error.value).replace(f"{path.parent}/", "")


ASKED = [
    {"input": "How many jars are 3 crates of 4?", "prediction": "3 x 4 = 12. So the answer is 12.", "target": "12"},
    {"input": "How many jars are 2 crates of 4?", "prediction": "2 x 4 = 6. So the answer is 6.", "target": "8"},
]


@pytest.mark.parametrize("indent", [None, 2])
def test_the_only_list_of_an_object(tmp_path: Path, indent: int | None) -> None:
    path = written(tmp_path / "jars.json", {"note": "not for training", "tags": ["a"], "outputs": ASKED}, indent)
    rows, imported = read(path)
    assert [(row["gold"], row["answer"], row["correct"]) for row in rows] == [("12", "12", True), ("8", "6", False)]
    assert imported.logs[0].format == "columns"
    assert "graded here, as the golds ask: number for 2" in imported.logs[0].notes[1]


@pytest.mark.parametrize("indent", [None, 4])
def test_records_by_their_number_as_opencompass_writes_them(tmp_path: Path, indent: int | None) -> None:
    turns = [
        {"role": "HUMAN", "prompt": "先"},
        {"role": "BOT", "prompt": "好"},
        {"role": "HUMAN", "prompt": "选A还是B?"},
    ]
    records = {
        "0": {"origin_prompt": turns, "prediction": "[正确答案]B<eoa>", "refr": "正确答案:B。"},
        "1": {"origin_prompt": "选C还是D?", "prediction": "[正确答案]C<eoa>", "refr": "正确答案:D。"},
    }
    rows, imported = read(written(tmp_path / "law.json", records, indent))
    assert [(row["query_id"], row["question"], row["gold"], row["correct"]) for row in rows] == [
        ("law/0", "选A还是B?", "B", True),
        ("law/1", "选C还是D?", "D", False),
    ]
    assert imported.logs[0].format == "columns"


def test_an_object_that_is_itself_a_row_stays_one(tmp_path: Path) -> None:
    record = {"question": "1 + 1?", "messages": [{"role": "user", "content": "1 + 1?"}], "reply": "2", "gold": "2"}
    ((row,), _) = read(written(tmp_path / "one.json", record))
    assert (row["question"], row["correct"]) == ("1 + 1?", True)


def test_several_lists_and_what_follows_an_object_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.json", {"easy": ASKED, "hard": ASKED})
    assert "not a log of a known format" in refusal(path)
    with pytest.raises(InputError, match=r"holds several lists \('easy', 'hard'\)"):
        import_logs([path], format="columns")
    path.write_text('{"outputs":\n[{"input": "Q", "prediction": "A", "target": "A"}]} more')
    with pytest.raises(InputError, match="more follows behind the object"):
        import_logs([path], format="columns")


def test_verdicts_under_other_names(tmp_path: Path) -> None:
    record = {"prompt": "Q", "response": "The answer is 4.", "pred": "4", "gold": "4", "result": False}
    ((row,), imported) = read(lines(tmp_path / "a.jsonl", [record]))
    assert (row["correct"], row["gold"]) == (False, "4")
    assert "correct=result" in imported.logs[0].notes[0]


def test_right_answers_say_where_the_answer_stands_also_beside_verdicts(tmp_path: Path) -> None:
    reply = "There are **12** jars in them. " + "That is all that there is to say. " * 2
    record = {"question": "Q", "response": f"{reply}\n\n12\n", "gold": "12", "correct": False}
    ((row,), imported) = read(lines(tmp_path / "a.jsonl", [record]))
    assert (row["answer"], row["correct"]) == ("12", False)
    assert not any("graded here" in note for note in imported.logs[0].notes)


def test_a_result_that_is_no_verdict_is_left_alone(tmp_path: Path) -> None:
    record = {"prompt": "Q", "response": "The answer is 4.", "gold": "4"}
    path = lines(tmp_path / "a.jsonl", [record | {"result": "passed"}, record | {"result": "failed: timed out"}])
    rows, imported = read(path)
    assert [row["correct"] for row in rows] == [True, True]
    assert "correct=" not in imported.logs[0].notes[0]


def test_the_harness_of_qwen_math(tmp_path: Path) -> None:
    worked = "First 3.\n#### 12"
    record = {"idx": 7, "question": "Q", "gt_cot": "First 3.", "gt": "12", "answer": worked, "solution": worked}
    record |= {"code": ["So \\boxed{12}.", "So 13."], "pred": ["12", "13"], "report": [None, None]}
    rows, _ = read(lines(tmp_path / "test.jsonl", [record | {"score": [True, False]}]))
    assert [(row["query_id"], row["sample_index"], row["gold"], row["correct"]) for row in rows] == [
        ("test/7", 0, "12", True),
        ("test/7", 1, "12", False),
    ]
    assert [row["completion"] for row in rows] == record["code"]


def test_lists_of_outputs_and_of_verdicts(tmp_path: Path) -> None:
    record = {"question_content": "Add two.", "question_id": "1_A", "output_list": ["def a(): ...", "def b(): ..."]}
    rows, _ = read(written(tmp_path / "code.json", [record | {"graded_list": [False, True], "pass@1": 0.5}]))
    assert [(row["query_id"], row["correct"], row["question"]) for row in rows] == [
        ("code/1_A", False, "Add two."),
        ("code/1_A", True, "Add two."),
    ]


def test_a_solution_is_the_reply_where_nothing_else_was_judged(tmp_path: Path) -> None:
    record = {"task_id": "f/1", "prompt": "def f():", "canonical_solution": "pass", "solution": "def f(): return 1"}
    ((row,), imported) = read(lines(tmp_path / "a.jsonl", [record | {"is_solved": True}]))
    assert (row["completion"], row["gold"], row["correct"]) == ("def f(): return 1", None, True)
    assert "reply=solution, correct=is_solved" in imported.logs[0].notes[0]
    ((row,), _) = read(lines(tmp_path / "a.jsonl", [{"prompt": "Q", "reply": "It is 2.", "solution": "2"}]))
    assert (row["gold"], row["correct"]) == ("2", True)


def test_right_answers_in_worked_solutions_are_their_final_parts(tmp_path: Path) -> None:
    worked = "3 crates of 4 are <<3*4=12>>12.\n#### 12"
    records = [
        {
            "id": 0,
            "question": "Q0",
            "model_output": "<think>12? 13!</think>Step 1.\n#### \\$12.00",
            "ground_truth_answer": worked,
        },
        {"id": 1, "question": "Q1", "model_output": "It is 13.", "ground_truth_answer": worked},
    ]
    rows, _ = read(lines(tmp_path / "a.jsonl", records))
    assert [(row["gold"], row["correct"]) for row in rows] == [("12", True), ("12", False)]


def test_answers_that_stand_not_in_the_replies_are_the_reference_answers(tmp_path: Path) -> None:
    records = [{"question": f"{n} + 1?", "reply": f"It is {n + (n > 3) + 1}.", "answer": str(n + 1)} for n in range(6)]
    rows, _ = read(lines(tmp_path / "a.jsonl", records))
    assert [row["correct"] for row in rows] == [True] * 4 + [False] * 2
    records = [record | {"answer": record["reply"][6:-1]} for record in records]
    assert "may be the reference answer, or what was read from the reply" in refusal(
        lines(tmp_path / "a.jsonl", records)
    )


def test_replies_in_objects_inside_a_row_are_named(tmp_path: Path) -> None:
    inner = {"is_correct": True, "solution": "It is 2."}
    path = lines(tmp_path / "a.jsonl", [{"question": "1 + 1?", "ground_truth": "A: 2", "small": inner, "large": inner}])
    said = refusal(path)
    assert "none of its columns (question, ground_truth, small, large) says that it is the reply" in said
    taken = "question=question,reply=small.solution,correct=small.is_correct"
    assert said.endswith(f"There are replies in small, large: --columns {taken} takes one of them.")
    ((row,), _) = read(path, columns=dict(pair.split("=") for pair in taken.split(",")))
    assert (row["completion"], row["correct"]) == ("It is 2.", True)


def test_replies_that_nobody_can_judge_are_refused_by_what_is_missing(tmp_path: Path) -> None:
    path = written(tmp_path / "a.json", [{"instruction": "Name a city.", "output": "Rome.", "generator": "m"}])
    assert refusal(path) == (
        "No reply could be taken from a.json: 1 with no reference answer to grade by (give --questions)."
    )


def test_what_makes_one_doubt_a_log_is_said(tmp_path: Path) -> None:
    records = [{"question": f"Q{n}", "output": "I can not say", "gold": "7"} for n in range(12)]
    _, imported = read(lines(tmp_path / "a.jsonl", records))
    notes = " ".join(imported.logs[0].notes)
    assert "of the 12 replies that were graded here 12 state no answer that can be found, and count as wrong" in notes
    assert "12 of 12 replies have at most 24 characters" in notes
    _, imported = read(lines(tmp_path / "a.jsonl", [record | {"output": "It is 8. " * 9} for record in records]))
    assert "none of the 12 replies that were graded here is right" in " ".join(imported.logs[0].notes)
    _, imported = read(lines(tmp_path / "a.jsonl", [record | {"output": "因为它是七所以" * 9} for record in records]))
    assert "give --chars-per-token 1.5" in " ".join(imported.logs[0].notes)
    _, imported = read(lines(tmp_path / "a.jsonl", [record | {"output": "So it goes. It is 7."} for record in records]))
    assert len(imported.logs[0].notes) == 3  # columns, graders, short replies


def test_long_right_answers_are_said_to_be_no_help(tmp_path: Path) -> None:
    record = {"question": "Why?", "output": "Because of the moon.", "gold": "The tides are due to the moon. " * 9}
    _, imported = read(lines(tmp_path / "a.jsonl", [record]))
    assert "1 golds are longer than 200 characters, which no reply repeats" in " ".join(imported.logs[0].notes)


def test_results_of_lm_evaluation_harness_with_the_samples_inside(tmp_path: Path) -> None:
    def sample(number: int, settings: Any, resps: list[Any], **more: Any) -> dict[str, Any]:
        document = {"doc_id": number, "doc": {"question": f"Q{number}"}, "target": "12", "arguments": [["Q", settings]]}
        return (
            document | {"resps": [resps], "filtered_resps": resps, "filter": "none", "metrics": ["exact_match"]} | more
        )

    content = {
        "results": {"jars": {"exact_match,none": 1.0}},
        "configs": {"jars": {}},
        "samples": {
            "jars": [
                sample(0, {"max_gen_toks": 64}, ["It is 12."], exact_match=1.0),
                sample(0, {"max_gen_toks": 64}, ["It is 12."], exact_match=0.0, filter="strict"),
            ],
            "choices": [sample(0, " A", [[-1.5, False]], exact_match=1.0)],
        },
        "config": {"model": "hf", "model_args": "load_in_4bit=True,pretrained=maker/m"},
    }
    for indent in (None, 2):
        path = written(tmp_path / "results.json", content, indent)
        ((row,), imported) = read(path)
        assert (row["query_id"], row["model"], row["correct"], row["max_tokens"]) == ("jars/0", "maker/m", True, 64)
        assert imported.logs[0].skipped == {
            "a task of log-likelihoods, where nothing is written": 1,
            "the same reply under the filter 'strict' (--filter takes it instead)": 1,
        }
        assert read(path, filter="strict")[0][0]["correct"] is False
    path = written(tmp_path / "results.json", {key: content[key] for key in ("results", "configs", "config")})
    assert "results of lm-evaluation-harness without the replies" in refusal(path)


def test_a_whole_run_of_reasoning_gym(tmp_path: Path) -> None:
    reply = {"model_answer": "12", "full_model_response": "So <answer>12</answer>", "score": 1.0}
    result = {"question": "Q", "expected_answer": "12", "completions": [reply, reply | {"score": 0.01}]}
    datasets = [{"name": "jars", "category": "sums", "results": [result]}]
    content = {"metadata": {"model": "maker/m"}, "categories": [{"name": "sums", "datasets": datasets}]}
    for indent in (None, 2):
        rows, imported = read(written(tmp_path / "results.json", content, indent))
        assert imported.logs[0].format == "reasoning-gym"
        assert [(row["dataset"], row["model"], row["correct"]) for row in rows] == [
            ("jars", "maker/m", True),
            ("jars", "maker/m", False),
        ]


def test_outputs_of_mmlu_pro_by_local_models(tmp_path: Path) -> None:
    record = {"question_id": 70, "question": "Which?", "options": ["x", "y"], "answer": "B", "category": "law"}
    path = written(tmp_path / "out.json", [record | {"pred": "B", "generated_text": "So the answer is (B)."}])
    ((row,), imported) = read(path)
    assert imported.logs[0].format == "mmlu-pro"
    assert (row["completion"], row["correct"], row["query_id"]) == ("So the answer is (B).", True, "mmlu-pro/70")
