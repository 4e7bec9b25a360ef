"""The first thing that anybody runs, in a process of its own, and the table that the README promises."""

import re
import subprocess
import sys
from pathlib import Path

from shadowprice.policies import POLICIES

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def rows(table: str) -> dict[str, list[float]]:
    lines = [line.split() for line in table.splitlines()]
    return {words[0]: [float(word) for word in words[1:]] for words in lines if words and words[0] in POLICIES}


def test_demo_prints_the_table_of_the_readme(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "shadowprice", "demo", "--report", "report.html"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stderr
    assert str(tmp_path / "report.html") in done.stderr
    assert (tmp_path / "report.html").stat().st_size > 100_000
    promised = next(
        fence for fence in re.findall(r"```\n(.*?)```", README, flags=re.DOTALL) if "clear-lambert" in fence
    )
    printed = rows(done.stdout.split("right answers in %, generated")[0])
    assert list(rows(promised)) == list(printed)
    # Boosted trees may round differently on another processor.
    for policy, accuracies in rows(promised).items():
        assert len(accuracies) == 16
        assert max(abs(a - b) for a, b in zip(accuracies, printed[policy], strict=True)) <= 1.0
