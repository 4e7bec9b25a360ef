"""The column of traces that says how sure the model was."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shadowprice.beliefs import CONFIDENCE_GRID, summarise
from shadowprice.traces import TRACE_SCHEMA, pack_confidence
from shadowprice.traces._confidence import confidence_of


def table(*values: Any) -> pa.Table:
    return pa.table({"confidence": pa.array(values, TRACE_SCHEMA.field("confidence").type)})


def test_what_is_written_is_read_to_the_thousandth() -> None:
    rng = np.random.default_rng(0)
    told, tokens = np.column_stack([-rng.exponential(0.3, 50), rng.exponential(0.5, 50)]), np.arange(1, 51)
    packed = pack_confidence([(a, b) for a, b in told], tokens.tolist(), 51, (40, 44))
    found = confidence_of(table(packed, None))
    assert found is not None
    whole = summarise(told, tokens, 51)
    np.testing.assert_allclose(found[0, : len(whole)], whole, atol=5.1e-4)
    assert np.isnan(found[0, len(whole) :]).all()
    assert np.isnan(found[1]).all()
    assert packed is not None
    assert told[40:44].mean(axis=0) == pytest.approx([packed["answer"][0], packed["answer"][2]], abs=5.1e-4)


def test_nothing_and_the_same_of_every_token_are_not_kept() -> None:
    assert pack_confidence([], [], 10, (0, 3)) is None
    assert pack_confidence([(0.0, 0.0)] * 20, list(range(1, 21)), 20, (0, 3)) is None


def test_what_a_file_cannot_mean_is_not_known() -> None:
    wild = [float("nan"), None, 1e30, -0.2] + [0.5] * 100
    found = confidence_of(table({"mean": wild, "lowest": wild, "entropy": wild, "slope": wild[:3], "answer": []}, None))
    assert found is not None
    assert (2, len(CONFIDENCE_GRID), 4) == found.shape
    assert [20.0] * 4 == found[0, 2].tolist()
    # Where one of the four is missing, nothing is known.
    assert 1 == np.isfinite(found).all(axis=2).sum() == np.isfinite(found).any(axis=2).sum()


@pytest.mark.parametrize("none", [table(None, None), pa.table({"other": [1, 2]})])
def test_files_without_it_have_none(none: pa.Table) -> None:
    assert confidence_of(none) is None
