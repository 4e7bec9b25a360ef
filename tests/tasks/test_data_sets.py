"""Data sets of Hugging Face: in folders, and on the hub."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest

from shadowprice._errors import InputError
from shadowprice.tasks import read_questions

MMLU = [
    {"question": "What is 1 + 1?", "subject": "algebra", "choices": ["0", "1", "2", "3"], "answer": 2},
    {"question": "Which is a fruit?", "subject": "food", "choices": ["Pear", "Car", "Dog", "Sea"], "answer": 0},
]


def _saved(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """What `datasets.save_to_disk` writes."""
    folder.mkdir(parents=True)
    table = pyarrow.Table.from_pylist(list(rows))
    with pyarrow.ipc.new_stream(folder / "data-00000-of-00001.arrow", table.schema) as stream:
        stream.write_table(table)
    state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_format_type": None, "_split": None}
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    (folder / "dataset_info.json").write_text("{}", encoding="utf-8")


def test_a_folder_with_a_data_set(tmp_path: Path) -> None:
    _saved(tmp_path / "mmlu", MMLU)
    assert [("q1", "C"), ("q2", "A")] == [(one.query_id, one.gold) for one in read_questions(tmp_path / "mmlu")]
    both = tmp_path / "both"
    for split in ("test", "train"):
        _saved(both / split, MMLU)
    (both / "dataset_dict.json").write_text('{"splits": ["train", "test"]}', encoding="utf-8")
    with pytest.raises(InputError, match=r"holds 2 splits: give one of .*both/test, .*both/train"):
        read_questions(both)
    assert 2 == len(read_questions(both / "test"))


def test_a_folder_with_the_files_of_a_repository(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for shard in range(2):
        rows = [{"id": f"{shard}", "question": "A?"}]
        pyarrow.parquet.write_table(
            pyarrow.Table.from_pylist(rows), tmp_path / "data" / f"test-0000{shard}-of-00002.parquet"
        )
    assert ["0", "1"] == [one.query_id for one in read_questions(tmp_path)]
    pyarrow.parquet.write_table(pyarrow.table({"question": ["B?"]}), tmp_path / "data" / "train-00000-of-00001.parquet")
    with pytest.raises(InputError, match="give one of"):
        read_questions(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="a folder without a data set"):
        read_questions(tmp_path / "empty")


def test_state_of_a_saved_data_set_leads_nowhere_else(tmp_path: Path) -> None:
    _saved(tmp_path / "d", MMLU)
    state = {"_data_files": [{"filename": "../../secret.arrow"}]}
    (tmp_path / "d" / "state.json").write_text(json.dumps(state), encoding="utf-8")
    with pytest.raises(InputError, match="names no data files"):
        read_questions(tmp_path / "d")


def test_the_hub_wants_its_extra() -> None:
    try:
        import datasets  # noqa: F401
    except ImportError:
        with pytest.raises(InputError, match=r"needs the extra 'hub': .*shadowprice\[hub\]"):
            read_questions("hf:openai/gsm8k:main:test")
    with pytest.raises(InputError, match="names no data set"):
        read_questions("hf:a/b/c")


def test_names_in_a_saved_data_set_that_are_no_text(tmp_path: Path) -> None:
    _saved(tmp_path / "d", [{"zebra": "1"}])
    (file,) = (tmp_path / "d").glob("*.arrow")
    file.write_bytes(file.read_bytes().replace(b"zebra", b"z\xe7bra"))
    with pytest.raises(InputError, match=r"not a whole Arrow file: save the data set again\.$"):
        read_questions(tmp_path / "d")
