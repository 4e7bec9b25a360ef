"""Results of MMLU-Pro, reasoning-gym and lighteval, made after fields that those projects have published."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shadowprice._errors import InputError
from shadowprice.traces import Imported, ImportSettings, import_logs

ITEM = {
    "question_id": 70,
    "question": "How many jars are in three crates of 24?",
    "options": ["48", "72", "96"],
    "answer": "B",
    "answer_index": 1,
    "cot_content": "",
    "category": "math",
    "src": "own",
}


def read(path: Path, **settings: Any) -> tuple[list[dict[str, Any]], Imported]:
    imported = import_logs([path], ImportSettings(**settings))
    rows: list[dict[str, Any]] = imported.table.to_pylist()
    return rows, imported


def test_outputs_of_mmlu_pro(tmp_path: Path) -> None:
    path = tmp_path / "math_result.json"
    items = [
        ITEM | {"pred": "B", "response": "3 · 24 = 72. The answer is (B)."},
        ITEM | {"pred": "A", "response": "The answer is (A)."},
        ITEM | {"pred": None, "response": "So it is option B.\nAnswer: B"},
        ITEM | {"pred": None, "response": ""},
    ]
    path.write_text(json.dumps(items))
    rows, imported = read(path, model="m")
    assert imported.logs[0].format == "mmlu-pro"
    assert imported.logs[0].skipped == {"no reply": 1}
    assert [(row["correct"], row["answer"]) for row in rows] == [(True, "B"), (False, "A"), (True, "B")]
    assert {row["question"] for row in rows} == {f"{ITEM['question']}\nA) 48\nB) 72\nC) 96"}
    assert {(row["query_id"], row["dataset"], row["gold"]) for row in rows} == {("mmlu-pro/70", "mmlu-pro/math", "B")}


def test_a_zip_of_outputs_of_mmlu_pro_names_the_model(tmp_path: Path) -> None:
    path = tmp_path / "model_outputs_Small-7B_5shots.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("out/math.json", json.dumps([ITEM | {"pred": "B", "model_outputs": "The answer is (B)."}]))
        archive.writestr("out/summary.json", json.dumps({"acc": 1}))
        archive.writestr("__MACOSX/out/math.json", "x")
    ((row,), imported) = read(path)
    assert (row["model"], row["correct"], row["completion"]) == ("Small-7B", True, "The answer is (B).")
    assert imported.logs[0].notes == ("'out/summary.json' is no list of replies and was left out",)


def result(**fields: Any) -> dict[str, Any]:
    return {"question": "Who is a fool?", "expected_answer": "Zoe"} | fields


def reply(answer: str, score: float) -> dict[str, Any]:
    return {"model_answer": answer, "full_model_response": f"Hm.\n<answer>{answer}</answer>", "score": score}


def test_results_of_reasoning_gym_with_several_completions(tmp_path: Path) -> None:
    path = tmp_path / "logic" / "knights.json"
    path.parent.mkdir()
    completions = [reply("Zoe", 1.0), reply("Zoe is", 0.65), {"full_model_response": None, "score": 0.0}]
    content = {
        "name": "knights",
        "category": "logic",
        "config": {"size": 1},
        "results": [result(completions=completions)],
    }
    path.write_text(json.dumps(content, indent=2))
    (tmp_path / "summary.json").write_text(json.dumps({"model": "maker/m", "total_datasets": 1}))
    rows, imported = read(path)
    assert imported.logs[0].format == "reasoning-gym"
    assert imported.logs[0].skipped == {"no reply": 1}
    assert [(row["correct"], row["answer"], row["sample_index"]) for row in rows] == [
        (True, "Zoe", 0),
        (False, "Zoe is", 1),
    ]
    assert {(row["dataset"], row["model"]) for row in rows} == {("knights", "maker/m")}


def test_older_results_of_reasoning_gym(tmp_path: Path) -> None:
    path = tmp_path / "knights.json"
    content = {"dataset_name": "knights", "model": "maker/m", "results": [result(**reply("Zoe", 1.0), metadata="{}")]}
    path.write_text(json.dumps(content, indent=2))
    ((row,), _) = read(path)
    assert (row["model"], row["correct"], row["gold"]) == ("maker/m", True, "Zoe")
    assert row["query_id"].startswith("knights/")
    path.write_text(json.dumps(content | {"results": {}}, indent=2))
    with pytest.raises(InputError, match="no results of single questions"):
        read(path)


def test_details_of_lighteval(tmp_path: Path) -> None:
    path = tmp_path / "details_jars|0_2026-01-01T00-00-00.000000.parquet"
    doc = {"query": "3 crates of 24?", "choices": ["48", "72"], "gold_index": [1], "id": "5", "task_name": "jars|0"}
    rows = [
        {
            "doc": doc,
            "metric": {"em": 1.0, "f1": 0.5},
            "model_response": {"text": ["It is 72."], "output_tokens": [[3, 4]]},
        },
        {"doc": doc, "metric": {"em": 0.0, "f1": 0.5}, "model_response": {"text": [], "output_tokens": []}},
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    ((row,), imported) = read(path)
    assert imported.logs[0].format == "lighteval"
    assert imported.logs[0].notes == ("verdicts are those of 'em'; --metric takes another of em, f1",)
    assert imported.logs[0].skipped == {"no reply (a task of log-likelihoods?)": 1}
    assert (row["query_id"], row["gold"], row["correct"], row["completion_tokens"]) == ("jars|0/5", "72", True, 2)


def test_older_details_of_lighteval(tmp_path: Path) -> None:
    path = tmp_path / "details_jars_2024-01-01T00-00-00.000000.parquet"
    row = {"example": "3 crates of 24?", "full_prompt": "Q: 3 crates of 24?", "gold": ["72"], "metrics": {"em": 1}}
    several = row | {"predictions": ["72", "71"], "cont_tokens": [[1], [2]], "metrics": {"em": 1}}
    pq.write_table(pa.Table.from_pylist([row | {"predictions": ["72"], "cont_tokens": [[1]]}, several]), path)
    ((only,), imported) = read(path)
    assert (only["question"], only["correct"], only["query_id"]) == ("3 crates of 24?", True, "jars/0")
    assert imported.logs[0].skipped == {"several replies under one verdict (--grader grades each)": 2}
    assert [row["correct"] for row in read(path, grader="number")[0]] == [True, True, False]
    pq.write_table(pa.Table.from_pylist([row | {"predictions": "['72']"}]), path)
    with pytest.raises(InputError, match="column 'predictions': a text in which lighteval"):
        read(path)
