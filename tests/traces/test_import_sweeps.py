"""Budget sweeps: accuracy at forced budgets."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shadowprice._errors import InputError
from shadowprice.traces import SWEEP_SCHEMA, import_logs, read_sweeps, write_sweeps

CSV = """query_id,budget,correct,samples,question,tier
a,256,3,4,"What, if?",easy
b,64,0,4,B?,
a,64,1,4,,
b,256,2,4,B?,
"""


def write(path: Path, text: str = CSV) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_sweep_from_csv(tmp_path: Path) -> None:
    sweep = read_sweeps(write(tmp_path / "s.csv"))
    assert (["a", "b"], ["What, if?", "B?"]) == (sweep.query_ids, sweep.questions)
    assert [0, 0, 1, 1] == sweep.query.tolist()
    assert [64, 256, 64, 256] == sweep.budget.tolist()
    assert [1, 3, 0, 2] == sweep.right.tolist()
    assert [4, 4, 4, 4] == sweep.samples.tolist()


def test_one_line_per_reply_adds_up(tmp_path: Path) -> None:
    sweep = read_sweeps(write(tmp_path / "s.csv", "query_id,budget,correct\na,64,true\na,64,False\na,64,1\n"))
    assert ([64], [2], [3]) == (sweep.budget.tolist(), sweep.right.tolist(), sweep.samples.tolist())
    assert [""] == sweep.questions


def test_parquet_and_there_and_back(tmp_path: Path) -> None:
    columns = {"query_id": [1, 1, 2], "budget": [64.0, 64.0, 32.0], "correct": [True, False, True]}
    pq.write_table(pa.table(columns), tmp_path / "in.parquet")
    table = import_logs([tmp_path / "in.parquet", write(tmp_path / "s.csv")]).table
    assert table.schema == SWEEP_SCHEMA
    write_sweeps(table, tmp_path / "out.parquet")
    sweep = read_sweeps(tmp_path / "out.parquet")
    assert ["1", "2", "a", "b"] == sweep.query_ids
    assert [1, 1, 1, 3, 0, 2] == sweep.right.tolist()
    assert sweep.right.tolist() == table["correct"].to_pylist()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("query_id,budget\na,1\n", "s.csv lacks the column correct; a sweep needs query_id, budget, correct"),
        ("query_id,budget,correct\n", "The sweep holds no rows"),
        ("query_id,budget,correct\n,1,1\n", "s.csv, line 2, field 'query_id': blank"),
        ("query_id,budget,correct\na,1.5,1\n", "s.csv, line 2, field 'budget': is 1.5; it must be a whole number"),
        ("query_id,budget,correct\na,-1,1\n", "s.csv, line 2, field 'budget': is -1; it must be a whole number"),
        ("query_id,budget,correct\na,nan,1\n", "s.csv, line 2, field 'budget': is nan; it must be a whole number"),
        ("query_id,budget,correct\na,1,0.5\n", "s.csv, line 2, field 'correct': is 0.5; it must be a whole number"),
        ("query_id,budget,correct\na,1\n", "s.csv, line 2, field 'correct': is None; it must be a whole number"),
        ("query_id,budget,correct\na,1,2\n", "s.csv, line 2, field 'correct': 2 right of 1 samples"),
        ("query_id,budget,correct,samples\na,1,0,0\n", "s.csv, line 2, field 'samples': is 0; give 1 or more"),
        ("query_id,budget,correct\na,1,1,1\n", "s.csv, line 2: more cells than columns"),
        ('query_id,budget,correct\n"a,1,1\n', "s.csv is neither readable CSV nor Parquet"),
        ("query_id,budget,correct,question\na,1,1,A\na,2,1,B\n", "s.csv, line 3: the query_id 'a' already stands for"),
    ],
)
def test_a_sweep_that_is_none(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(InputError) as error:
        read_sweeps(write(tmp_path / "s.csv", text))
    assert str(error.value).removeprefix(f"{tmp_path}/").startswith(complaint)


def test_sweeps_and_replies_do_not_mix(tmp_path: Path, sums_file: Path) -> None:
    with pytest.raises(InputError, match="is no budget sweep, but others are"):
        import_logs([sums_file, write(tmp_path / "s.csv")])
