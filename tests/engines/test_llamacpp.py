import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from shadowprice._errors import EngineError, InputError
from shadowprice.engines import Delta, LlamaCppEngine, Request

pytestmark = pytest.mark.model

CONTEXT = 256


@pytest.fixture(scope="module")
def engine(smollm2: Path) -> Iterator[LlamaCppEngine]:
    engine = LlamaCppEngine("smollm2", context=CONTEXT)
    yield engine
    asyncio.run(engine.aclose())


def ask(content: str = "Write a long story about a fox.", max_tokens: int = 20, **options: object) -> Request:
    return Request("r1", ({"role": "user", "content": content},), max_tokens, **options)  # type: ignore[arg-type]


async def read(engine: LlamaCppEngine, request: Request) -> list[Delta]:
    return [delta async for delta in engine.stream(request)]


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


@pytest.mark.parametrize("cap", [1, 7, 40])
def test_the_cap_binds_exactly(engine: LlamaCppEngine, cap: int) -> None:
    deltas = asyncio.run(read(engine, ask(max_tokens=cap)))
    assert (deltas[-1].tokens, deltas[-1].finish_reason) == (cap, "length")
    assert engine.count_tokens(text_of(deltas)) == cap
    assert [delta.finish_reason for delta in deltas[:-1]] == [None] * (len(deltas) - 1)


def test_every_delta_counts_exactly(engine: LlamaCppEngine) -> None:
    """Emoji take several tokens each, and come as one delta."""
    request = ask("Repeat: 😀🎉🚀🦊🐙😀🎉🚀🦊🐙", 20, temperature=0.3, seed=3)
    deltas = asyncio.run(read(engine, request))
    assert any(not delta.text.isascii() for delta in deltas)
    for number, delta in enumerate(deltas[:-1], start=1):
        assert engine.count_tokens(text_of(deltas[:number])) == delta.tokens
    assert deltas[-1].tokens == 20


def test_the_end_of_a_reply_is_a_token(engine: LlamaCppEngine) -> None:
    """A reply that the model ends itself costs one token more than its text."""
    deltas = asyncio.run(read(engine, ask("Say hi.", 200)))
    assert deltas[-1].finish_reason == "stop"
    assert engine.count_tokens(text_of(deltas)) == deltas[-1].tokens - 1


def test_stop_strings_end_the_reply(engine: LlamaCppEngine) -> None:
    whole = text_of(asyncio.run(read(engine, ask())))
    word = whole.split()[3]
    deltas = asyncio.run(read(engine, ask(stop=(word,))))
    assert deltas[-1].finish_reason == "stop"
    assert text_of(deltas) == whole[: whole.index(word)]


def test_a_single_greedy_request_is_reproducible(engine: LlamaCppEngine) -> None:
    first, second = (asyncio.run(read(engine, ask(max_tokens=30))) for _ in range(2))
    assert first == second


def test_seeds_choose_the_sample(engine: LlamaCppEngine) -> None:
    texts = [text_of(asyncio.run(read(engine, ask(temperature=1.0, seed=seed)))) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.slow
def test_more_requests_than_slots_run_at_once(engine: LlamaCppEngine) -> None:
    async def read_many() -> list[list[Delta]]:
        requests = [ask(max_tokens=5 + number, temperature=0.8, seed=number) for number in range(18)]
        return await asyncio.gather(*(read(engine, request) for request in requests))

    before = engine.generated_tokens()
    replies = asyncio.run(read_many())
    assert [deltas[-1].tokens for deltas in replies] == list(range(5, 23))
    assert engine.generated_tokens() - before == sum(range(5, 23))


def settled(engine: LlamaCppEngine) -> int:
    """The count, once closed requests are in it and no longer grow."""
    count = -1
    while count != (count := engine.generated_tokens()):
        time.sleep(0.3)
    return count


def test_closing_stops_the_generation(engine: LlamaCppEngine) -> None:
    async def read_ten() -> int:
        async with aclosing(engine.stream(ask(max_tokens=400))) as deltas:
            async for delta in deltas:
                if delta.tokens == 10:
                    return delta.tokens
        raise AssertionError

    before = settled(engine)
    assert asyncio.run(read_ten()) == 10
    assert 10 <= settled(engine) - before <= 14
    assert asyncio.run(read(engine, ask(max_tokens=5)))[-1].tokens == 5


def test_cancelling_stops_the_generation_and_waiting_requests(engine: LlamaCppEngine) -> None:
    async def cancel() -> None:
        tasks = [asyncio.create_task(read(engine, ask(max_tokens=400))) for _ in range(20)]
        await asyncio.sleep(0.5)
        for task in tasks:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in done)

    before = settled(engine)
    asyncio.run(cancel())
    assert settled(engine) - before < 20 * 100
    assert asyncio.run(read(engine, ask(max_tokens=5)))[-1].tokens == 5


def test_a_prompt_beyond_the_context_is_an_engine_error(engine: LlamaCppEngine) -> None:
    with pytest.raises(EngineError, match=rf"^Request r1: .*exceeds the available context size \({CONTEXT} tokens\)"):
        asyncio.run(read(engine, ask("word " * 2 * CONTEXT)))
    with pytest.raises(EngineError, match=r"^Request r1: .*must contain 'content'"):
        asyncio.run(read(engine, Request("r1", ({"role": "user"},), 5)))


def test_a_reply_beyond_the_context_is_an_engine_error(engine: LlamaCppEngine) -> None:
    request = ask("Once upon a time there was a fox. " * 22 + "Write a long story about a fox.", 100)
    with pytest.raises(EngineError, match=rf"context of {CONTEXT} tokens was full after \d+ of 100 tokens"):
        asyncio.run(read(engine, request))


def test_pieces_join_to_the_text(engine: LlamaCppEngine) -> None:
    text = "  naïve 😀 12345\n\n你好 <|im_end|> "
    assert b"".join(engine.tokenize(text)) == text.encode()
    assert engine.tokenize("") == []
    assert engine.count_tokens("Hello world") == 2


def test_bad_numbers_and_files_are_refused(smollm2: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="`parallel` must be at least 1"):
        LlamaCppEngine(parallel=0)
    truncated = tmp_path / "truncated.gguf"
    with smollm2.open("rb") as file:
        truncated.write_bytes(file.read(3_000_000))
    with pytest.raises(EngineError, match=r"could not load .*truncated\.gguf"):
        LlamaCppEngine(truncated)


PROGRAM = """
import asyncio, os, sys
from shadowprice.engines import LlamaCppEngine, Request
assert "xllamacpp" not in sys.modules
async def main():
    if hasattr(os, "sched_setaffinity"):  # on one core, a server that is closed at once has hardly begun
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    engine = LlamaCppEngine(sys.argv[1], parallel=2)
    assert engine.model == "SmolLM2-135M-Instruct.Q4_1"
    if sys.argv[2] == "closed":
        await engine.aclose()
        await engine.aclose()
        try:
            await anext(engine.stream(Request("a", (), 1)))
        except Exception as error:
            print(error)
    else:
        async for delta in engine.stream(Request("a", ({"role": "user", "content": "Count."},), 1000)):
            if delta.tokens == 3:
                break
        print("left")
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("closed", "The engine of SmolLM2-135M-Instruct.Q4_1 was closed: make a new one."),
        ("abandoned", "left"),
    ],
)
def test_a_program_ends_cleanly(smollm2: Path, end: str, said: str) -> None:
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(smollm2), end]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, said + "\n", "")
