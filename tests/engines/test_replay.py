import asyncio
from contextlib import aclosing

import pytest

from shadowprice import engines
from shadowprice._errors import EngineError, InputError
from shadowprice.engines import Delta, ReplayEngine, Reply, Request
from shadowprice.testing import MockEngine


def ask(request_id: str = "a", max_tokens: int = 100) -> Request:
    return Request(request_id, ({"role": "user", "content": "Why?"},), max_tokens)


def replay(engine: ReplayEngine, request: Request) -> list[Delta]:
    async def read() -> list[Delta]:
        return [delta async for delta in engine.stream(request)]

    return asyncio.run(read())


@pytest.mark.parametrize("step", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("text", ["", "x", "Because it is so. 😀"])
def test_a_reply_is_replayed_whole_at_any_step(text: str, step: int) -> None:
    deltas = replay(ReplayEngine({"a": Reply(text, 7)}, step=step), ask())
    assert "".join(delta.text for delta in deltas) == text
    assert [delta.tokens for delta in deltas] == [*range(step, 7, step), 7]
    assert [delta.finish_reason for delta in deltas] == [None] * (len(deltas) - 1) + ["stop"]


@pytest.mark.parametrize(
    ("cap", "text", "tokens", "reason"),
    [(1, "ab", 1, "length"), (3, "abcdef", 3, "length"), (4, "abcdefgh", 4, "stop")],
)
def test_the_cap_binds_exactly(cap: int, text: str, tokens: int, reason: str) -> None:
    deltas = replay(ReplayEngine({"a": Reply("abcdefgh", 4)}, step=2), ask(max_tokens=cap))
    assert "".join(delta.text for delta in deltas) == text
    assert (deltas[-1].tokens, deltas[-1].finish_reason) == (tokens, reason)


def test_a_function_answers_requests() -> None:
    engine = ReplayEngine(lambda request: Reply(request.request_id, 2, "length"), model="parrot")
    assert engine.model == "parrot"
    assert replay(engine, ask("xy")) == [Delta("x", 1), Delta("y", 2, "length")]


def test_an_unknown_request_is_an_engine_error() -> None:
    with pytest.raises(EngineError, match="Request b is not among the 1 recorded"):
        replay(ReplayEngine({"a": Reply("x", 1)}), ask("b"))


@pytest.mark.parametrize("options", [{"step": 0}, {"delay": -1.0}, {"delay": float("nan")}])
def test_options_are_checked(options: dict[str, float]) -> None:
    with pytest.raises(InputError):
        ReplayEngine({}, **options)  # type: ignore[arg-type]


def test_replies_interleave_without_a_delay() -> None:
    order: list[tuple[str, int]] = []

    def answer(request: Request) -> Reply:
        return Reply("", 2)

    async def read(engine: ReplayEngine, request: Request) -> None:
        async for delta in engine.stream(request):
            order.append((request.request_id, delta.tokens))  # noqa: PERF401

    async def read_both() -> None:
        engine = ReplayEngine(answer)
        await asyncio.gather(read(engine, ask("a")), read(engine, ask("b")))

    asyncio.run(read_both())
    assert order == [("a", 1), ("b", 1), ("a", 2), ("b", 2)]


def test_exported_names_are_sorted_and_complete() -> None:
    assert engines.__all__ == sorted(engines.__all__, key=lambda name: (not name.isupper(), name))
    assert set(engines.__all__) == {name for name in vars(engines) if not name.startswith("_")}


def test_a_mock_counts_what_was_generated_and_not_read() -> None:
    engine = MockEngine({"r1": Reply("abcdefgh", 8)}, overshoot=3)

    async def read(tokens: int) -> None:
        async with aclosing(engine.stream(Request("r1", (), 7))) as deltas:
            async for delta in deltas:
                if delta.tokens == tokens:
                    return

    asyncio.run(read(2))
    assert 5 == engine.generated["r1"]
    asyncio.run(read(6))
    assert 5 + 7 == engine.generated["r1"] == asyncio.run(engine.total_generated())
    assert 2 == len(engine.requests)


def test_a_mock_fails_as_it_is_told() -> None:
    busy = EngineError("Busy.", retryable=True)
    engine = MockEngine(
        lambda request: Reply("abcd", 4), fail=lambda request, time: busy if time == 1 else None, fail_after=2
    )

    async def read() -> list[Delta]:
        return [delta async for delta in engine.stream(Request("r1", (), 9))]

    with pytest.raises(EngineError, match=r"Busy\."):
        asyncio.run(read())
    assert 2 == engine.generated["r1"]
    assert "abcd" == "".join(delta.text for delta in asyncio.run(read()))
    assert 6 == engine.generated["r1"]
    with pytest.raises(InputError, match="`overshoot` and `fail_after` must be 0 or more, not -1 and 0"):
        MockEngine({}, overshoot=-1)
