"""Parquet files of others, read whole or refused in one sentence."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shadowprice._errors import InputError
from shadowprice._parquet import read_parquet


def content() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"zebra": ["a", "b"]}), stream, compression="none")
    return stream.getvalue()


def test_a_whole_file_is_read() -> None:
    assert {"zebra": ["a", "b"]} == read_parquet(io.BytesIO(content()), "t.parquet").to_pydict()


@pytest.mark.parametrize(
    "damaged",
    [b"", b"PAR1", b"PAR1 and no more", content()[:-9], content().replace(b"zebra", b"z\xe7bra"), b"\0" * 4000],
)
def test_what_is_damaged_is_refused_in_one_sentence(damaged: bytes) -> None:
    with pytest.raises(
        InputError, match=r"^t\.parquet is not a readable Parquet file \(damaged or cut short\?\): .+\.$"
    ):
        read_parquet(io.BytesIO(damaged), "t.parquet")
