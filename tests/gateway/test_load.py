"""The load benchmark runs, with few requests, and finds what it says it measures."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gateway_load.py"


@pytest.mark.soak
def test_the_load_benchmark_measures_all_three(tmp_path: Path) -> None:
    kept, plot = tmp_path / "load.json", tmp_path / "load.svg"
    words = ["--rounds", "1", "--seconds", "0.3", "--clients", "4", "--rate", "20", "--memory", "40"]
    done = subprocess.run(
        [sys.executable, SCRIPT, *words, "--json", kept, "--plot", plot], stdout=subprocess.PIPE, text=True, check=True
    )
    assert max(map(len, done.stdout.splitlines())) <= 80
    found = json.loads(kept.read_text())
    rows = {(row["kind"], row["name"]): row for row in found["rows"]}
    kinds, names = ("full 2", "full 16", "timed"), ("no proxy", "bare aiohttp", "shadowprice")
    assert {(kind, name) for kind in kinds for name in names} == set(rows)
    assert all(row["done"] > 0 for row in rows.values())
    assert all((row["cpu"] > 0.0) == (name != "no proxy") for (kind, name), row in rows.items() if kind != "timed")
    # Pieces come 15 ms apart, whoever stands between.
    timed = [row for (kind, _), row in rows.items() if kind == "timed"]
    assert all(row["first_half"] >= 14.0 and row["gap_most"] >= 14.0 for row in timed)
    assert [40] == [row["requests"] for row in found["memory"]][-1:]
    assert plot.stat().st_size > 0
