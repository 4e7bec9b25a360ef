"""Ten windows at full demand: none makes more than its budget by the server's own clock, and each is used."""

import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gateway_budget.py"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("settings", "windows", "least"),
    [
        (["even"], 2, 0.9),
        pytest.param(["even", "mixed"], 10, 0.97, marks=pytest.mark.soak),
    ],
)
def test_each_window_is_used_and_none_is_exceeded(
    tmp_path: Path, settings: list[str], windows: int, least: float
) -> None:
    kept = tmp_path / "budget.json"
    words = ["--settings", *settings, "--windows", str(windows), "--json", str(kept)]
    said = subprocess.run([sys.executable, str(SCRIPT), *words], stdout=subprocess.PIPE, text=True, check=True).stdout
    print(said)
    found = json.loads(kept.read_text())
    assert set(settings) == set(found)
    for rows in found.values():
        assert windows == len(rows)
        assert [0] * windows == [one["over"] for one in rows]
        assert statistics.mean(one["used"] for one in rows[1:]) >= least
