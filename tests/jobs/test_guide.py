"""What the guide shows of the three calls works as it stands, with the embedded model."""

import json
import shutil
from pathlib import Path

import pytest

GUIDE = (Path(__file__).parents[2] / "docs" / "guide.md").read_text(encoding="utf-8")


@pytest.mark.model
def test_the_calls_that_the_guide_shows(
    smollm2: Path,
    scripted_traces: Path,
    small_fits: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = GUIDE.partition("do is one call each:")[2].partition("```python\n")[2].partition("```")[0]
    monkeypatch.chdir(tmp_path)
    shutil.copy(scripted_traces, "traces.parquet")
    rows = [f"What is {number} + 2?,{number + 2}" for number in range(20)]
    Path("mine.csv").write_text("\n".join(["question,answer", *rows]) + "\n", encoding="utf-8")

    exec(compile(shown, "guide.md", "exec"), {})

    verdict, *rest = capsys.readouterr().out.splitlines()
    assert verdict.endswith(".")
    assert "right answers for" in rest[-1]
    answers = [json.loads(line) for line in Path("answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert 20 == len(answers)
    assert any(line["response"] for line in answers)
    assert {"mine.csv", "mine.shadow", "answers.jsonl", "answers.jsonl.ledger"} <= {
        one.name for one in tmp_path.iterdir()
    }
