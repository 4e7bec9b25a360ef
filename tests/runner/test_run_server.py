"""A short round of the live benchmark: the budget holds by the server's own count."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "live_server.py"


@pytest.mark.soak
@pytest.mark.model
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("smollm2")
def test_every_policy_keeps_to_the_budget_by_the_servers_count(tmp_path: Path) -> None:
    options = ["--questions", "48", "--seeds", "1", "--runs", "5", "--json", str(tmp_path / "live.json")]
    subprocess.run([sys.executable, str(SCRIPT), *options], check=True)

    rows = json.loads((tmp_path / "live.json").read_text(encoding="utf-8"))
    assert ["uniform", "clear-lambert", "index", "index", "index"] == [row["policy"] for row in rows]
    for row in rows:
        assert 0.85 * row["budget"] <= row["server"] <= row["spent"] <= row["budget"]
        assert 48 == row["questions"]
        assert 0 == row["failed"] == row["interrupted"]
    right = {row["policy"]: row["right"] for row in rows}
    assert right["index"] > right["uniform"]
