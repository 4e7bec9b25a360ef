"""Results of MMLU-Pro and reasoning-gym, made after the fields of files that those projects have published."""

import json
import zipfile
from pathlib import Path
from typing import Any

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
