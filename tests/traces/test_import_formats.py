"""What each format says arrives in the columns of a trace. The files in data/ were written by the tools themselves."""

import json
import math
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from shadowprice.traces import AskedQuestion, ImportSettings, import_logs, read_traces, write_traces

DATA = Path(__file__).parent / "data"
EVAL = DATA / "inspect-sums.eval"
(SAMPLES,) = DATA.glob("samples_*.jsonl")


def write_lines(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def taken(*paths: Path, **settings: Any) -> list[dict[str, Any]]:
    """Import, write, read back, and give the rows."""
    table = import_logs(paths, ImportSettings(**settings)).table
    target = paths[0].parent / "written.parquet"
    write_traces(table, target)
    rows: list[dict[str, Any]] = read_traces(target).table.to_pylist()
    return rows


def inspect_sample(**fields: Any) -> dict[str, Any]:
    reply = {"role": "assistant", "content": "So 1 + 1 = 2.\nAnswer: 2", "source": "generate"}
    return {
        "id": "one",
        "epoch": 1,
        "input": "1 + 1?",
        "target": "2",
        "messages": [{"role": "user", "content": "1 + 1?", "source": "input"}, reply],
        "output": {"choices": [{"message": reply, "stop_reason": "stop"}], "usage": {"output_tokens": 20}},
        "scores": {"match": {"value": "C", "answer": "2"}},
        "model_usage": {"m": {"output_tokens": 20}, "judge": {"output_tokens": 99}},
    } | fields


HEADER = {"version": 2, "eval": {"task": "t", "model": "m", "model_generate_config": {"max_tokens": 64, "seed": 3}}}


def eval_log(path: Path, *samples: dict[str, Any], header: str = "header.json") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for sample in samples:
            archive.writestr(f"samples/{sample['id']}_epoch_{sample['epoch']}.json", json.dumps(sample))
        archive.writestr(header, json.dumps(HEADER))
    return path


def skipped(*paths: Path, **settings: Any) -> dict[str, int]:
    reasons: dict[str, int] = {}
    for log in import_logs(paths, ImportSettings(**settings)).logs:
        reasons |= log.skipped
    return reasons


def test_a_log_that_inspect_ai_wrote(tmp_path: Path) -> None:
    path = Path(shutil.copy(EVAL, tmp_path))
    rows = taken(path)
    assert ["sums/q-0", "sums/q-0", "sums/q-1", "sums/q-1", "sums/q-2", "sums/q-2"] == sorted(
        row["query_id"] for row in rows
    )
    first = next(row for row in rows if row["query_id"] == "sums/q-0" and row["sample_index"] == 0)
    assert {
        "question": "What is 4 + 5? End with 'Answer: N'.",
        "gold": "9",
        "completion": "4 + 5 = 9",
        "answer": "9",
        "correct": True,
        "completion_tokens": 8,
        "answer_tokens": 8,
        "max_tokens": 24,
        "temperature": 0.5,
        "finish_reason": "stop",
        "model": "openai-api/local/smollm2",
        "dataset": "sums",
    }.items() <= first.items()
    assert ["length", "length"] == [row["finish_reason"] for row in rows if row["query_id"] == "sums/q-2"]
    assert 90 == sum(row["completion_tokens"] for row in rows)


def test_samples_that_lm_evaluation_harness_wrote(tmp_path: Path) -> None:
    for file in (SAMPLES, *DATA.glob("results_*.json")):
        shutil.copy(file, tmp_path)
    rows = taken(tmp_path / SAMPLES.name, filter="flexible-extract", chars_per_token=3)
    lines = [json.loads(line) for line in SAMPLES.read_text().splitlines()]
    replies = [line["resps"][0][0] for line in lines if line["filter"] == "flexible-extract"]
    assert replies == [row["completion"] for row in rows]
    assert [math.ceil(len(reply) / 3) for reply in replies] == [row["completion_tokens"] for row in rows]
    assert ["What is 2 + 3?", "What is 4 + 5?", "What is 60 + 6?"] == [row["question"] for row in rows]
    assert {"smollm2"} == {row["model"] for row in rows}
    assert 1 == sum(row["correct"] for row in rows)
    imported = import_logs([tmp_path / SAMPLES.name])
    assert 3 == imported.logs[0].imported == imported.logs[0].estimated
    assert {"the same reply under the filter 'flexible-extract' (--filter takes it instead)": 3} == imported.logs[
        0
    ].skipped


@pytest.mark.parametrize(("value", "correct"), [("C", True), ("I", False), ("P", False), (1, True), (0.5, False)])
def test_scores_of_inspect_ai(tmp_path: Path, value: Any, correct: bool) -> None:
    (row,) = taken(eval_log(tmp_path / "a.eval", inspect_sample(scores={"s": {"value": value}})))
    assert row["correct"] is correct
    assert (row["completion_tokens"], row["max_tokens"], row["seed"], row["finish_reason"]) == (20, 64, 3, "stop")
    assert row["answer_tokens"] == 20  # the answer is the end of the reply


def test_an_answer_in_the_middle_emerges_there(tmp_path: Path) -> None:
    reply = {"role": "assistant", "content": "Answer: 2\n" + "x" * 30, "source": "generate"}
    sample = inspect_sample(
        messages=[],
        output={"choices": [{"message": reply}], "usage": {"output_tokens": 40}},
        scores={"s": {"value": 1}},
    )
    (row,) = taken(eval_log(tmp_path / "a.eval", sample))
    assert (row["answer"], row["answer_tokens"], row["completion_tokens"]) == ("2", 9, 40)


def test_reasoning_is_counted_before_the_reply(tmp_path: Path) -> None:
    shown = [{"type": "reasoning", "reasoning": "Hm. " * 25}, {"type": "text", "text": "Answer: 2\n12345678901"}]
    usage = {"output_tokens": 30, "reasoning_tokens": 10}
    for name, content in (("shown", shown), ("hidden", shown[1]["text"])):
        reply = {"role": "assistant", "content": content}
        sample = inspect_sample(output={"choices": [{"message": reply}], "usage": usage}, messages=[])
        (row,) = taken(eval_log(tmp_path / f"{name}.eval", sample))
        assert (row["completion_tokens"], row["answer_tokens"]) == (30, 10 + math.ceil(20 * 9 / 21))
        assert ("<think>\nHm. " in row["completion"]) is (name == "shown")


def test_reasoning_that_the_provider_counts_apart(tmp_path: Path) -> None:
    usage = {"output_tokens": 5, "reasoning_tokens": 100}
    reply = {"role": "assistant", "content": "Answer: 2"}
    sample = inspect_sample(output={"choices": [{"message": reply}], "usage": usage}, messages=[])
    assert 105 == taken(eval_log(tmp_path / "a.eval", sample))[0]["completion_tokens"]


def test_several_turns_are_one_reply(tmp_path: Path) -> None:
    turns = [{"role": role, "content": text} for role, text in (("user", "Q"), ("assistant", "A"), ("user", "R"))]
    last = {"role": "assistant", "content": "Answer: 2"}
    sample = inspect_sample(
        messages=[*turns, last], output={"choices": [{"message": last}], "usage": {"output_tokens": 3}}
    )
    (row,) = taken(eval_log(tmp_path / "a.eval", sample))
    assert (row["completion"], row["completion_tokens"]) == ("A\n\nAnswer: 2", 20)  # of the model, not of the judge


def test_epochs_are_samples_in_order(tmp_path: Path) -> None:
    samples = [inspect_sample(epoch=epoch, scores={"s": {"value": int(epoch == 3)}}) for epoch in (3, 1, 2)]
    rows = taken(eval_log(tmp_path / "a.eval", *samples))
    assert [(0, False), (1, False), (2, True)] == [(row["sample_index"], row["correct"]) for row in rows]


def test_an_evaluation_that_did_not_end(tmp_path: Path) -> None:
    imported = import_logs([eval_log(tmp_path / "a.eval", inspect_sample(), header="_journal/start.json")])
    assert 1 == imported.table.num_rows
    assert ("the evaluation did not end; its finished samples were taken",) == imported.logs[0].notes


def test_what_inspect_ai_did_not_finish_is_skipped_and_counted(tmp_path: Path) -> None:
    nan = float("nan")
    path = eval_log(
        tmp_path / "a.eval",
        inspect_sample(id="a"),
        inspect_sample(id="b", error={"message": "x"}),
        inspect_sample(id="c", scores=None),
        inspect_sample(id="d", scores={"s": {"value": nan}}),
        inspect_sample(id="e", scores={"s": {"value": 7}}),
        inspect_sample(id="f", output={"choices": []}),
        inspect_sample(id="g", scores={"s": {"value": [1]}}),
    )
    assert {
        "the sample ended in an error": 1,
        "no score": 2,
        "the score is not between 0 and 1": 1,
        "no reply": 1,
        "the score is neither C, I, yes, no nor a number": 1,
    } == skipped(path)
    assert {"the sample ended in an error": 1, "no reply": 1} == skipped(path, grader="exact")


def test_a_limit_is_a_cut_off_reply(tmp_path: Path) -> None:
    (row,) = taken(eval_log(tmp_path / "a.eval", inspect_sample(limit={"type": "token", "limit": 20})))
    assert "length" == row["finish_reason"]


def test_choices_attachments_and_turns_of_the_question(tmp_path: Path) -> None:
    digest = "0123456789abcdef" * 2
    sample = inspect_sample(
        input=[{"role": "system", "content": "S"}, {"role": "user", "content": f"attachment://{digest}"}],
        choices=["red", "blue"],
        attachments={digest: "Which?"},
    )
    assert "Which?\nA) red\nB) blue" == taken(eval_log(tmp_path / "a.eval", sample))[0]["question"]


def test_one_of_several_scores_is_chosen(tmp_path: Path) -> None:
    scores = {"a": {"value": "I"}, "b": {"value": {"x": 0, "y": 1}}}
    path = eval_log(tmp_path / "a.eval", inspect_sample(scores=scores))
    assert not taken(path)[0]["correct"]
    assert ("verdicts are those of 'a'; --metric takes another of a, b/x, b/y",) == import_logs([path]).logs[0].notes
    assert taken(path, metric="b/y")[0]["correct"]


def batch_line(custom_id: str, text: str, **fields: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    body = {"model": "m", "choices": [choice], "usage": {"completion_tokens": 10}} | fields
    return {"id": "b", "custom_id": custom_id, "response": {"status_code": 200, "body": body}, "error": None}


def request_line(custom_id: str, text: str, gold: str | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": text}]}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body} | (
        {"metadata": {"gold": gold}} if gold else {}
    )


def test_batch_output_is_joined_with_its_input(tmp_path: Path) -> None:
    asked = write_lines(tmp_path / "in.jsonl", request_line("a", "1 + 1?", "2"), request_line("b", "2 + 2?", "4"))
    failed = {"id": "c", "custom_id": "b", "response": None, "error": {"code": "batch_expired"}}
    refused = batch_line("b", "x") | {"response": {"status_code": 500, "body": {}}}
    output = write_lines(
        tmp_path / "out.jsonl", batch_line("b", "Answer: 5"), failed, batch_line("a", "Answer: 2."), refused
    )
    rows = {row["query_id"]: row for row in taken(output, asked)}
    assert ("1 + 1?", "2", True, 10) == tuple(
        rows["a"][name] for name in ("question", "gold", "correct", "completion_tokens")
    )
    assert not rows["b"]["correct"]
    assert {"the request failed": 2} == skipped(output, asked)


def test_batch_output_with_a_questions_file(tmp_path: Path) -> None:
    usage = {"completion_tokens": 50, "completion_tokens_details": {"reasoning_tokens": 30}}
    output = write_lines(
        tmp_path / "out.jsonl", batch_line("a", "It is (B).\nAnswer: B", usage=usage), batch_line("x", "Answer: 1")
    )
    known = {"a": AskedQuestion("Which?", "B", "choice", dataset="quiz", tier="easy")}
    (row,) = taken(output, questions=known)
    assert (True, "quiz", "easy", 50, 50) == tuple(
        row[name] for name in ("correct", "dataset", "tier", "completion_tokens", "answer_tokens")
    )
    assert {"no question of this id (give the batch's input as well, or --questions)": 1} == skipped(
        output, questions=known
    )


def test_several_choices_share_the_tokens(tmp_path: Path) -> None:
    choices = [
        {"message": {"role": "assistant", "content": text}, "finish_reason": reason}
        for text, reason in (("Answer: 2", "stop"), ("y" * 27, "length"))
    ]
    output = write_lines(tmp_path / "out.jsonl", batch_line("a", "", choices=choices, usage={"completion_tokens": 40}))
    rows = taken(output, write_lines(tmp_path / "in.jsonl", request_line("a", "1 + 1?", "2")))
    assert [(10, True, "stop"), (30, False, "length")] == [
        (row["completion_tokens"], row["correct"], row["finish_reason"]) for row in rows
    ]


@pytest.mark.parametrize(("text", "right"), [("Answer: 2\n\nThe", True), ("Answer: 2", False), ("1 + 1 = 2", False)])
def test_the_endpoint_responses(tmp_path: Path, text: str, right: bool) -> None:
    body = {
        "model": "m",
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
            {"type": "message", "content": [{"type": "output_text", "text": text}]},
        ],
        "usage": {"output_tokens": 90, "output_tokens_details": {"reasoning_tokens": 60}},
        "incomplete_details": {"reason": "max_output_tokens"},
    }
    line = {"custom_id": "a", "response": {"status_code": 200, "body": body}}
    asked = {"custom_id": "a", "body": {"input": "1 + 1?", "metadata": {"answer": "2"}}}
    (row,) = taken(write_lines(tmp_path / "out.jsonl", line), write_lines(tmp_path / "in.jsonl", asked))
    assert ("1 + 1?", right, 90, "length") == tuple(
        row[name] for name in ("question", "correct", "completion_tokens", "finish_reason")
    )


def lm_line(doc_id: int, reply: Any, **fields: Any) -> dict[str, Any]:
    return {
        "doc_id": doc_id,
        "doc": {"question": f"{doc_id} + 1?"},
        "target": str(doc_id + 1),
        "arguments": {"gen_args_0": {"arg_0": "Q", "arg_1": {"until": ["Q:"], "max_gen_toks": 99}}},
        "resps": [reply if isinstance(reply, list) else [reply]],
        "filtered_resps": ["2"],
        "filter": "none",
        "metrics": ["exact_match"],
        "exact_match": 1.0,
    } | fields


def test_the_answer_that_a_filter_cut_out(tmp_path: Path) -> None:
    (row,) = taken(write_lines(tmp_path / "samples_t.jsonl", lm_line(1, "So it is 2 apples. " + "x" * 21)))
    assert ("t/1", "2", 3, 10, 99) == tuple(
        row[name] for name in ("query_id", "answer", "answer_tokens", "completion_tokens", "max_tokens")
    )
    assert row["finish_reason"] is None


def test_repeats_of_lm_evaluation_harness_need_a_grader(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "s.jsonl", lm_line(1, ["Answer: 2", "Answer: 3"]), lm_line(2, "Answer: 3"))
    assert {"several replies under one verdict (--grader grades each)": 2} == skipped(path)
    assert [True, False, True] == [row["correct"] for row in taken(path, grader="exact")]


def test_samples_of_older_versions(tmp_path: Path) -> None:
    line = lm_line(1, "Answer: 2", doc={"text": "?"}, acc=0.0)
    line["arguments"] = [["Q: 1 + 1? A:", {"until": ["Q:"]}]]
    del line["metrics"], line["exact_match"]
    (row,) = taken(write_lines(tmp_path / "s.jsonl", line))
    assert ("Q: 1 + 1? A:", False) == (row["question"], row["correct"])


def zeroeval_item(number: int, answer: str, **fields: Any) -> dict[str, Any]:
    return {
        "session_id": f"main#{number}",
        "chat_history": ["the whole prompt"],
        "model_input": "x",
        "output": [json.dumps({"reasoning": "…", "answer": answer}, ensure_ascii=False)],
        "generator": "m",
        "configs": {"engine": "vllm", "temperature": 0.0, "max_tokens": 4096},
        "dataset": "gsm",
        "question": f"Question {number}?",
        "answer": "1 + 1 = 2\n#### 18",
    } | fields


def test_results_of_zeroeval(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    items = [zeroeval_item(0, "$18"), zeroeval_item(1, "19"), zeroeval_item(2, "x", output=[])]
    path.write_text(json.dumps(items, indent=2))
    rows = taken(path)
    assert [("gsm/main#0", "18", True, "$18"), ("gsm/main#1", "18", False, "19")] == [
        (row["query_id"], row["gold"], row["correct"], row["answer"]) for row in rows
    ]
    assert [(4096, 0.0, "m", "Question 0?")] == [
        (row["max_tokens"], row["temperature"], row["model"], row["question"]) for row in rows[:1]
    ]
    assert all(row["answer_tokens"] <= row["completion_tokens"] for row in rows)
    assert {"no reply": 1} == skipped(path)


def test_logs_of_one_model_are_merged(tmp_path: Path) -> None:
    first = eval_log(tmp_path / "a.eval", inspect_sample())
    second = eval_log(tmp_path / "b.eval", inspect_sample(scores={"s": {"value": "I"}}), inspect_sample(id="two"))
    rows = taken(first, second)
    assert [("t/one", 0, True), ("t/one", 1, False), ("t/two", 0, True)] == [
        (row["query_id"], row["sample_index"], row["correct"]) for row in rows
    ]
    again = tmp_path / "again.parquet"
    (tmp_path / "written.parquet").rename(again)
    assert 6 == len(taken(again, first, second))


def test_our_own_columns_pass_through(tmp_path: Path, sums_file: Path) -> None:
    own = read_traces(sums_file).table
    again = import_logs([sums_file]).table
    for name in own.column_names:
        assert own[name].to_pylist() == again[name].to_pylist()
    assert [0, 1] * 90 == again["sample_index"].to_pylist()


def test_halves_of_characters_do_not_spoil_a_log(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "s.jsonl", lm_line(1, "odd \ud83d text"))
    assert "\\ud83d" in path.read_text()
    assert "odd \ufffd text" == taken(path)[0]["completion"]


def test_large_logs_come_in_pieces(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "s.jsonl", *(lm_line(number, "Answer: 2 " * 20) for number in range(5000)))
    seen: list[tuple[int, int]] = []
    table = import_logs([path], progress=lambda size, rows: seen.append((size, rows))).table
    assert 5000 == table.num_rows == sum(rows for _, rows in seen)
    assert path.stat().st_size == sum(size for size, _ in seen)
    assert isinstance(table, pa.Table)


def test_choices_of_the_questions_tell_what_their_texts_choose(tmp_path: Path) -> None:
    lines = [{"id": "a", "response": "Answer: stem"}, {"id": "a", "response": "Answer: A) stem"}]
    known = {"a": AskedQuestion("Which?", "B", "choice", choices=("root", "stem"))}
    rows = taken(write_lines(tmp_path / "log.jsonl", *lines), questions=known)
    assert [True, False] == [row["correct"] for row in rows]
