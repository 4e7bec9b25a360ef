"""A proxy in front of a real server that does to each request what servers sometimes do."""

import asyncio
import json
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from http_server import Wire

FAULTS: Final = (
    "none",
    "429 with Retry-After",
    "500",
    "reset mid-stream",
    "30 s stall",
    "truncated SSE",
    "malformed JSON",
    "usage missing",
    "usage lying low",
    "cap ignored",
)
OF_GATEWAYS: Final = (
    "none",
    "429 with Retry-After",
    "500",
    "503",
    "no answer",
    "slow start",
    "reset mid-stream",
    "30 s stall",
    "truncated SSE",
    "malformed JSON",
    "garbage",
    "usage missing",
    "usage lying low",
)
"""Those of a server that keeps to its caps: beyond them, no gateway can keep to its budget."""
_STALL: Final = 30.0
_SLOW: Final = 0.7
_AFTER: Final = 4
"""Pieces that come before what goes wrong in the middle of a stream."""


@dataclass
class FaultProxy:
    """Handles the requests of an `http_server`; each of the faults strikes equally often."""

    upstream: str
    """Base URL of the real server."""
    seed: int = 0
    faults: tuple[str, ...] = FAULTS
    struck: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Questions of the requests that each fault has struck."""
    delivered: Counter[str] = field(default_factory=Counter)
    """Pieces with text handed to the client, by fault."""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._deck: list[str] = []

    async def __call__(self, wire: Wire) -> None:
        async with httpx2.AsyncClient(timeout=60.0, trust_env=False) as client:
            if not wire.path.endswith("/chat/completions"):
                answer = await client.request(wire.method, self._url(wire.path))
                await wire.answer(answer.content, answer.status_code, answer.headers.get("content-type", "text/plain"))
                return
            fault = self._draw()
            # A reply that is gone on with stands behind its question.
            asked = [turn["content"] for turn in wire.body["messages"] if turn["role"] == "user"]
            self.struck[fault].append(asked[-1])
            if fault.startswith("429"):
                await wire.answer({"error": {"message": "slow down"}}, 429, headers={"Retry-After": "1"})
            elif fault in ("500", "503"):
                await wire.answer({"error": {"message": "oops"}}, int(fault))
            elif fault == "no answer":
                wire.reset()
            else:
                if fault == "slow start":
                    await asyncio.sleep(_SLOW)
                body = wire.body | ({"max_tokens": 2 * wire.body["max_tokens"]} if fault == "cap ignored" else {})
                with suppress(httpx2.RequestError):  # the real server is gone: the test is over
                    await self._stream(wire, client, body, fault)

    def _draw(self) -> str:
        """Each fault once, in random order, and again."""
        if not self._deck:
            self._deck = list(self.faults)
            self._random.shuffle(self._deck)
        return self._deck.pop()

    def _url(self, path: str) -> str:
        return self.upstream.removesuffix("/v1") + path

    async def _stream(self, wire: Wire, client: httpx2.AsyncClient, body: Any, fault: str) -> None:
        async with client.stream("POST", self._url(wire.path), json=body) as answer:
            await wire.begin_chunked()
            pieces = 0
            async for event in _events(answer):
                chunk = None if event == "[DONE]" else json.loads(event)
                if chunk is not None:
                    event = json.dumps(_lie(chunk, fault))
                    spoke = any(choice.get("delta", {}).get("content") for choice in chunk.get("choices", []))
                    pieces += spoke
                    if pieces > _AFTER and fault in _BREAKS:
                        await self._break(wire, fault, event)
                        return
                    self.delivered[fault] += spoke
                await wire.chunked(f"data: {event}\n\n".encode())
            await wire.send(b"0\r\n\r\n")

    async def _break(self, wire: Wire, fault: str, event: str) -> None:
        if fault == "reset mid-stream":
            wire.reset()
        elif fault == "30 s stall":
            await asyncio.wait_for(wire.gone(), _STALL)
        elif fault == "garbage":
            await wire.chunked(random.Random(self.seed).randbytes(2000))
        elif fault == "truncated SSE":
            await wire.send(f"{len(event):x}\r\n".encode() + f"data: {event[: len(event) // 2]}".encode())
        else:
            await wire.chunked(b'data: {"choices": [{"delta": {"content": \n\n')


_BREAKS: Final = ("reset mid-stream", "30 s stall", "truncated SSE", "malformed JSON", "garbage")


def _lie(chunk: dict[str, Any], fault: str) -> dict[str, Any]:
    if fault == "usage missing":
        return {name: value for name, value in chunk.items() if name not in ("usage", "timings")}
    if fault == "usage lying low":
        low = dict(chunk)
        if "usage" in low:
            low["usage"] = {"completion_tokens": 1, "prompt_tokens": 1, "total_tokens": 2}
        if "timings" in low:
            low["timings"] = {**low["timings"], "predicted_n": 1}
        return low
    return chunk


async def _events(answer: httpx2.Response) -> AsyncIterator[str]:
    async for line in answer.aiter_lines():
        if line.startswith("data: "):
            yield line.removeprefix("data: ")
