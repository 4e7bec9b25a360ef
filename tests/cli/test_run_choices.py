"""What a run makes of replies to multiple choice is what `record` and `grade` make of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from http_server import Serve, Wire

Command = Callable[..., Any]


@pytest.mark.parametrize(
    ("said", "right"),
    [("stem", 1), ("Answer: the stem", 1), ("Answer: B", 1), ("Answer: A) stem", 0), ("Answer: root", 0)],
)
def test_the_same_verdict_everywhere(shadowprice: Command, serve: Serve, tmp_path: Path, said: str, right: int) -> None:
    async def reply(wire: Wire) -> None:
        if not wire.path.endswith("/chat/completions"):
            await wire.answer({"data": [{"id": "m"}]})
            return
        await wire.begin()
        await wire.piece(said)
        await wire.finish(usage=4)

    questions, answers, traces = tmp_path / "q.jsonl", tmp_path / "a.jsonl", tmp_path / "t.parquet"
    line = {"id": "1", "question": "What carries water?", "choices": ["root", "stem"], "answer": "stem"}
    questions.write_text(json.dumps(line) + "\n", encoding="utf-8")
    engine = ("--engine", serve(reply).url, "--model", "m", "--json")
    run = shadowprice("run", questions, "--policy", "uniform", "--budget", "50", *engine, "-o", answers)
    assert right == json.loads(run.out)["right"], run.err
    recorded = shadowprice("record", questions, "--samples", "1", *engine, "-o", traces)
    assert right == json.loads(recorded.out)["right"], recorded.err
    for graded in (("grade", answers), ("grade", answers, "--questions", questions)):
        assert right == json.loads(shadowprice(*graded, "--json").out)["right"]
