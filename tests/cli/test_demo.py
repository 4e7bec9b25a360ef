"""The first thing that anybody runs, in a process of its own, and the table that the README promises."""

import re
import subprocess
import sys
from pathlib import Path

from shadowprice.policies import POLICIES

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def rows(table: str) -> dict[str, list[float]]:
    """Accuracies by policy."""
    lines = [(line.split()[:1], re.findall(r"\d+\.\d", line)) for line in table.splitlines()]
    return {first[0]: [float(number) for number in numbers] for first, numbers in lines if set(first) & set(POLICIES)}


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
    allocated, generated = done.stdout.split("right answers in %, generated")
    printed = rows(generated)
    assert list(POLICIES) == list(rows(promised)) == list(printed) == list(rows(allocated))
    # Boosted trees may round differently on another processor.
    for policy, accuracies in rows(promised).items():
        assert len(accuracies) == 16
        assert max(abs(a - b) for a, b in zip(accuracies, printed[policy], strict=True)) <= 1.0
