"""What a reply costs when the server does not say so, says it wrong, or hides it in fields that nobody reads."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from http_server import Serve, Wire
from shadowprice._errors import EngineError
from shadowprice.engines import Delta, OpenAIEngine, Request

CAP = 20
END = {"choices": [{"delta": {}, "finish_reason": "stop"}]}


def piece(delta: Any = None, **choice: Any) -> dict[str, Any]:
    return {"choices": [{**({} if delta is None else {"delta": delta}), **choice}]}


def usage(tokens: Any, **more: Any) -> dict[str, Any]:
    return {"choices": [], "usage": {"completion_tokens": tokens, **more}}


def ask(serve: Serve, *chunks: Any, cap: int = CAP) -> tuple[list[Delta], list[str]]:
    """The deltas of a reply of these chunks, and what the engine says about it in the end."""

    async def reply(wire: Wire) -> None:
        await wire.begin()
        for chunk in chunks:
            await wire.event(chunk)

    async def work() -> tuple[list[Delta], list[str]]:
        async with OpenAIEngine(serve(reply).url, "m") as engine:
            request = Request("q7", ({"role": "user", "content": "Hi."},), cap)
            return [delta async for delta in engine.stream(request)], engine.remarks()

    deltas, remarks = asyncio.run(work())
    assert sorted(delta.tokens for delta in deltas) == [delta.tokens for delta in deltas]
    return deltas, remarks


FLOODS = {
    "message": piece({"content": "a "}, message=None),
    "function_call": piece({"function_call": {"arguments": "a"}}),
    "tool_calls": piece({"tool_calls": [{"index": 0, "function": {"arguments": "a "}}]}),
    "reasoning_details": piece({"reasoning_details": [{"type": "reasoning.text", "text": "a "}]}),
    "sealed reasoning": piece({"reasoning_details": [{"type": "reasoning.encrypted", "data": "QUJD"}]}),
    "refusal": piece({"refusal": "a "}),
    "audio": piece({"audio": {"data": "QUJD"}}),
    "text": piece(text="a "),
    "something new": piece({"invented": {"yesterday": ["a"]}}),
    "something new beside it": piece({}, invented="a"),
    "empty content": piece({"content": ""}),
    "no content": piece({}),
    "an empty message": piece(message={"content": ""}),
    "roles": piece({"role": "assistant", "content": None}),
    "ends": piece({}, finish_reason="stop"),
    "empty content with usage": piece({"content": ""}) | {"usage": {"completion_tokens": 1}},
}


@pytest.mark.parametrize("kind", FLOODS)
@pytest.mark.parametrize("lie", [False, True])
def test_every_piece_counts_whatever_it_holds_and_the_cap_cuts(serve: Serve, kind: str, lie: bool) -> None:
    chunk = FLOODS[kind] | ({"usage": {"completion_tokens": 1}} if lie else {})
    deltas, _ = ask(serve, *[chunk] * 3 * CAP)
    assert "length" == deltas[-1].finish_reason
    # The first and the last chunk of a stream may be empty, and one may sum it up.
    assert CAP + 1 == deltas[-1].tokens


@pytest.mark.parametrize("first", [[], [piece({"role": "assistant", "content": ""})]])
@pytest.mark.parametrize("end", [END, piece({"content": ""}, finish_reason="stop"), piece(None, finish_reason="stop")])
@pytest.mark.parametrize("summary", [[], [usage(2)], [piece({}) | {"usage": {"completion_tokens": 2}}]])
def test_the_frame_of_a_stream_costs_nothing(serve: Serve, first: list[Any], end: Any, summary: list[Any]) -> None:
    deltas, remarks = ask(serve, *first, piece({"content": "a"}), piece({"content": " b"}), end, *summary)
    assert (2, "stop", []) == (deltas[-1].tokens, deltas[-1].finish_reason, remarks)


@pytest.mark.parametrize("name", ["content", "reasoning_content", "reasoning"])
def test_a_long_piece_is_charged_by_its_text_and_cut(serve: Serve, name: str) -> None:
    deltas, remarks = ask(serve, *[piece({name: "word " * 50})] * 10)
    assert (50, "length", "deltas") == (deltas[-1].tokens, deltas[-1].finish_reason, deltas[-1].counted_by)
    assert "" == "".join(delta.text + delta.thinking for delta in deltas)
    assert [
        "In 1 reply the server counts nothing and its pieces hold several tokens: the least that their text can be is "
        "charged, which may be too little.",
        "In 1 reply the server went on beyond its cap and was cut off: what it made after that is not seen.",
    ] == remarks


def test_two_hundred_thousand_words_in_one_piece(serve: Serve) -> None:
    deltas, remarks = ask(serve, piece({"reasoning_content": "word " * 200_000}), END)
    assert (200_000, "length") == (deltas[-1].tokens, deltas[-1].finish_reason)
    assert len(remarks) == 2


def test_a_word_in_two_pieces_is_one(serve: Serve) -> None:
    deltas, _ = ask(serve, piece({"content": "Hel"}), piece({"content": "lo"}), usage(2), END)
    assert [1, 2, 2] == [delta.tokens for delta in deltas]


@pytest.mark.parametrize("usage", [None, {"completion_tokens": 1}])
def test_a_whole_reply_is_charged_by_its_text(serve: Serve, usage: Any) -> None:
    async def reply(wire: Wire) -> None:
        message = {"content": "word " * 50}
        await wire.answer({"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage})

    async def work() -> tuple[int, list[str]]:
        async with OpenAIEngine(serve(reply).url, "m") as engine:
            try:
                async for delta in engine.stream(Request("q7", ({"role": "user", "content": "Hi."},), CAP)):
                    tokens = delta.tokens
            except EngineError as error:
                tokens = error.tokens
            return tokens, engine.remarks()

    tokens, (remark,) = asyncio.run(work())
    assert 50 == tokens
    assert ("counts nothing" if usage is None else "less than half of what arrived") in remark


@pytest.mark.parametrize(
    ("count", "absurd"),
    [
        ("1e300", True),
        ("1e999", True),
        (f"{2 * 10**15}", True),
        (f"{10**9 + 1}", True),
        ("7" * 4000, True),
        ("Infinity", False),
        ("NaN", False),
        ("-5", False),
        ('"12"', False),
        ("[3]", False),
        ("true", False),
    ],
    ids=lambda given: str(given)[:20],
)
def test_a_count_that_is_none_is_ignored(serve: Serve, count: str, absurd: bool) -> None:
    summary = json.dumps(usage("COUNT", reasoning_tokens="COUNT")).replace('"COUNT"', count)
    deltas, remarks = ask(serve, piece({"content": "a"}), END, summary)
    assert (1, "stop", "deltas", None) == (
        deltas[-1].tokens,
        deltas[-1].finish_reason,
        deltas[-1].counted_by,
        deltas[-1].thinking_tokens,
    )
    said = ["In 1 reply the server reports a count above 1,000,000,000, which is none: it is ignored."]
    assert (said if absurd else []) == remarks


def test_a_count_above_the_cap_is_believed_and_said(serve: Serve) -> None:
    deltas, remarks = ask(serve, piece({"content": "a"}), END, usage(10**9))
    assert (10**9, "stop", "usage") == (deltas[-1].tokens, deltas[-1].finish_reason, deltas[-1].counted_by)
    assert ["more than twice what the text can hold" in remark for remark in remarks] == [True]


def test_hidden_reasoning_that_is_counted_is_nothing_odd(serve: Serve) -> None:
    deltas, remarks = ask(
        serve, piece({"content": "a"}), END, usage(5000, completion_tokens_details={"reasoning_tokens": 4998}), cap=6000
    )
    assert (5000, 4998, []) == (deltas[-1].tokens, deltas[-1].thinking_tokens, remarks)


def test_more_reasoning_than_tokens_is_not_reported(serve: Serve) -> None:
    deltas, _ = ask(serve, piece({"content": "a"}), END, usage(5, reasoning_tokens=10**9))
    assert (5, 5) == (deltas[-1].tokens, deltas[-1].thinking_tokens)


def test_counts_that_are_too_low_are_said_for_all_replies_together(serve: Serve) -> None:
    async def reply(wire: Wire) -> None:
        await wire.begin()
        for _ in range(20 if wire.body["seed"] else 5):
            await wire.piece("word ")
        await wire.finish("stop", 1)

    async def work() -> AsyncIterator[list[str]]:
        async with OpenAIEngine(serve(reply).url, "m") as engine:
            yield engine.remarks()
            for seed in (0, 1, 2):
                async for _ in engine.stream(Request("q7", (), 100, seed=seed)):
                    pass
                yield engine.remarks()
            # A reply that is stopped early counts as well.
            async with aclosing(engine.stream(Request("q7", (), 3, seed=1))) as deltas:
                await anext(deltas)
            yield engine.remarks()

    async def all_of_them() -> list[list[str]]:
        return [remarks async for remarks in work()]

    said = "the server's count is less than half of what arrived: what arrived is charged."
    assert [[], [], [f"In 1 reply {said}"], [f"In 2 replies {said}"], [f"In 2 replies {said}"]] == asyncio.run(
        all_of_them()
    )
