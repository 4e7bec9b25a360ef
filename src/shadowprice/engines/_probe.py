"""Finding out, with a few dozen tokens, what a server does with what it is asked."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from shadowprice._errors import InputError
from shadowprice.engines._address import ServerAddress
from shadowprice.engines._base import CountedBy, Request
from shadowprice.engines._chat import ChatConnection
from shadowprice.engines._confidence import Confidence, is_real
from shadowprice.engines._dialects import CapField, Dialect, build_body, get_dialect
from shadowprice.engines._identify import Server, identify, read_counter
from shadowprice.engines._observe import Observation, observe
from shadowprice.engines._probed import CONFIDENCE, Finding, ProbeReport, Verdict

_PROMPT: Final = "Write a long story about a fox."
_CAP: Final = 8
"""Tokens of a short reply."""
_CLOSED: Final = 64
"""Cap of the reply that is closed early; what a server that does not stop costs."""
_CLOSE_AFTER: Final = 4
"""Pieces after which it is closed."""
_LATE: Final = 8
"""Tokens that may be under way when a server hears that it shall stop."""
_THINKING_SLACK: Final = 4
"""Tokens that the tags around reasoning may cost."""
_SETTLE: Final = 3.0
"""Seconds that a server's metrics get to settle."""


async def probe(
    url: str,
    model: str | None = None,
    *,
    api_key: str | None = None,
    dialect: str | None = None,
    timeout: float = 120.0,
    stall: float = 60.0,
) -> ProbeReport:
    """Try out what a server obeys. Costs some 60 tokens, 90 if the model reasons, 190 where nothing is obeyed.

    Args:
        url: Base URL of the API.
        model: The model's name on that server; may be left out where there is only one.
        api_key: Sent as a bearer token.
        dialect: How to ask; by default what the server seems to be, or openai.
        timeout: Seconds for each reply.
        stall: Seconds to wait for anything.

    Raises:
        InputError: The URL or the dialect is none, or the model is left open.
        EngineError: The server cannot be reached, or gives no reply at all.
    """
    address = ServerAddress(url, api_key)
    server = await asyncio.to_thread(identify, address)
    spoken = get_dialect(dialect or server.dialect or "openai")
    connection = ChatConnection(address, timeout=timeout, stall=stall)
    try:
        trial = _Trial(connection, server, spoken, choose_model(server, address, model))
        await trial.run()
    finally:
        await connection.aclose()
    return trial.report()


def choose_model(server: Server, address: ServerAddress, model: str | None) -> str:
    """The model to ask: the one that was named, or the only one.

    Raises:
        InputError: None was named, and the server has not exactly one.
    """
    if model is not None:
        return model
    if len(server.models) == 1:
        return server.models[0]
    if not server.models:
        raise InputError(f"{address.shown} does not list its models: name one with --model.")
    some = ", ".join(server.models[:8]) + (", …" if len(server.models) > 8 else "")
    raise InputError(f"{address.shown} has {len(server.models)} models ({some}): choose one with --model.")


@dataclass(slots=True)
class _Trial:
    """One run of all checks, in order."""

    connection: ChatConnection
    server: Server
    dialect: Dialect
    model: str
    cap: CapField = "max_tokens"
    tokens: int = 0
    counted_by: CountedBy = "deltas"
    findings: list[Finding] = field(default_factory=list)

    async def run(self) -> None:
        first = await self._check_caps()
        self._check_stream(first)
        await self._check_stop(first)
        await self._check_seed()
        self._check_usage(first)
        await self._check_reasoning(first)
        await self._check_confidence()
        await self._check_close()

    def report(self) -> ProbeReport:
        return ProbeReport(
            url=self.connection.address.shown,
            model=self.model,
            server=self.server.software,
            version=self.server.version,
            dialect=self.dialect.name,
            cap=self.cap,
            counted_by=self.counted_by,
            models=self.server.models,
            tokens=self.tokens,
            probed_at=datetime.now(UTC).isoformat(timespec="seconds"),
            findings=tuple(self.findings),
        )

    def _say(self, check: str, verdict: Verdict, detail: str) -> None:
        self.findings.append(Finding(check, verdict, detail))

    async def _ask(self, request: Request, *, close_after: int | None = None) -> Observation:
        body = build_body(request, self.model, replace(self.dialect, cap=self.cap))
        seen = await observe(self.connection, body, request.max_tokens, close_after=close_after)
        self.tokens += seen.tokens
        return seen

    async def _check_caps(self) -> Observation:
        """Both names of the cap; the dialect's own goes last and stays, unless only the other one binds."""
        own = self.dialect.cap
        other: CapField = "max_tokens" if own == "max_completion_tokens" else "max_completion_tokens"
        seen: dict[CapField, Observation] = {}
        for name in (other, own):
            self.cap = name
            seen[name] = await self._ask(_request(_CAP))
        for name in (own, other):
            self._say(f"{name} binds", *_cap_verdict(seen[name]))
        if _cap_verdict(seen[other])[0] == "yes" and _cap_verdict(seen[own])[0] == "no":
            self.cap = other
        first = seen[self.cap]
        if first.refusal is not None:
            raise first.refusal
        return first

    def _check_stream(self, first: Observation) -> None:
        streamed = not first.whole and first.pieces > 1
        pieces = _many(first.pieces, "piece")
        self._say("it streams", "yes" if streamed else "no", f"{_many(first.tokens, 'token')} came in {pieces}")

    async def _check_stop(self, first: Observation) -> None:
        words = first.text.split()
        if len(words) < 3:
            self._say("stop strings end a reply", "not tested", f"the reply has no word to stop at: {first.text!r}")
            return
        seen = await self._ask(_request(_CAP, stop=(words[1],)))
        self._say("stop strings end a reply", *_stop_verdict(seen, words[1]))

    async def _check_seed(self) -> None:
        seen = [await self._ask(_request(_CAP, temperature=1.0, seed=seed)) for seed in (1, 1, 2)]
        refusal = next((one.refusal for one in seen if one.refusal), None)
        first, again, other = (one.thinking + one.text for one in seen)
        if refusal is not None:
            self._say("seeds are obeyed", "no", str(refusal))
        elif first != again:
            self._say("seeds are obeyed", "no", f"the same seed gave {first!r} and {again!r}")
        elif first == other:
            self._say("seeds are obeyed", "unclear", f"two seeds gave the same: {first!r}")
        else:
            self._say("seeds are obeyed", "yes", f"one seed gave {first!r} twice, another {other!r}")

    def _check_usage(self, first: Observation) -> None:
        self.counted_by = "usage" if first.running == "usage" else "timings" if first.running else "deltas"
        if first.usage is None:
            self._say("usage is reported", "no", "tokens are counted by the pieces that arrive")
            self._say("usage agrees with the pieces", "not tested", "there is no usage")
        else:
            self._say("usage is reported", "yes", f"{_many(first.usage, 'token')}")
            self._say("usage agrees with the pieces", *_usage_verdict(first.usage, first.pieces))
        running = {"usage": "by usage in every piece", "timings": "by timings in every piece"}
        self._say(
            "tokens are counted on the way",
            "yes" if first.running else "no",
            running.get(first.running or "", "only the pieces can be counted"),
        )

    async def _check_reasoning(self, first: Observation) -> None:
        tagged = first.text.lstrip().startswith("<think>")
        if not (first.thinking or tagged or first.thinking_tokens):
            self._say("reasoning is told apart", "not tested", "the model did not reason")
            return
        told = "in a field of its own" if first.thinking else "no: it stands between tags in the text"
        self._say("reasoning is told apart", "yes" if first.thinking else "no", told)
        count = first.thinking_tokens
        verdict: Verdict = "yes" if count else "no" if count is None else "unclear"
        said = "no count of it" if count is None else f"it says {_many(count, 'token')}"
        self._say("reasoning tokens are reported", verdict, said)
        if self.dialect.think is None:
            self._say("a cap on reasoning binds", "not tested", f"{self.dialect.software} has no field for it")
            return
        seen = await self._ask(_request(4 * _CAP, thinking_tokens=_CAP))
        self._say("a cap on reasoning binds", *_thinking_verdict(seen))

    async def _check_confidence(self) -> None:
        self._say(CONFIDENCE, *_confidence_verdict(await self._ask(replace(_request(_CAP), confidence=True))))

    async def _check_close(self) -> None:
        check = "closing the stream stops it"
        before = await self._counter()
        if before is None:
            self._say(check, "not tested", "the server shows no metrics that count tokens")
            return
        seen = await self._ask(_request(_CLOSED), close_after=_CLOSE_AFTER)
        if seen.refusal is not None or seen.pieces < _CLOSE_AFTER:
            self._say(check, "not tested", f"the reply ended after {_many(seen.pieces, 'piece')}")
            return
        generated = await self._settled(before) - before
        self.tokens += max(0, generated - seen.tokens)
        stopped = generated <= _CLOSE_AFTER + _LATE
        detail = f"closed after {_many(seen.pieces, 'piece')} of at most {_CLOSED}; metrics count {generated} tokens"
        self._say(check, "yes" if stopped else "no", detail)

    async def _counter(self) -> int | None:
        if self.server.counter is None:
            return None
        return await asyncio.to_thread(read_counter, self.connection.address, self.server.counter)

    async def _settled(self, before: int) -> int:
        """The count, once it has moved and stands still; some servers count a request when they have let go of it."""
        count = before
        for _ in range(round(_SETTLE / 0.3)):
            await asyncio.sleep(0.3)
            last, count = count, await self._counter() or count
            if count == last != before:
                break
        return count


def _request(
    cap: int, *, temperature: float = 0.0, seed: int = 1, stop: tuple[str, ...] = (), thinking_tokens: int | None = None
) -> Request:
    messages = ({"role": "user", "content": _PROMPT},)
    return Request("probe", messages, cap, temperature, seed, stop, thinking_tokens)


def _cap_verdict(seen: Observation) -> tuple[Verdict, str]:
    if seen.refusal is not None:
        return "no", str(seen.refusal)
    if seen.tokens > seen.cap:
        return "no", f"asked for {seen.cap} tokens, got {seen.tokens} or more"
    said = f"asked for {seen.cap} tokens, got {seen.tokens}, finish_reason {seen.finish}"
    return ("yes" if seen.finish == "length" else "unclear"), said


def _stop_verdict(seen: Observation, word: str) -> tuple[Verdict, str]:
    if seen.refusal is not None:
        return "no", str(seen.refusal)
    if word in seen.text:
        return "no", f"asked to stop at {word!r}, got {seen.text!r}"
    if seen.finish != "stop":
        return "unclear", f"asked to stop at {word!r}, which {seen.text!r} does not hold"
    return "yes", f"asked to stop at {word!r}, got {seen.text!r}, finish_reason stop"


def _usage_verdict(usage: int, pieces: int) -> tuple[Verdict, str]:
    if usage < pieces:
        return "no", f"it says {usage}, but {pieces} pieces arrived: the higher count is taken"
    if usage > pieces:
        return "unclear", f"it says {usage}, {_many(pieces, 'piece')} arrived: a piece may hold several tokens"
    return "yes", f"both are {usage}"


def _thinking_verdict(seen: Observation) -> tuple[Verdict, str]:
    if seen.refusal is not None:
        return "no", str(seen.refusal)
    said = f"asked for {_CAP} tokens of reasoning among {seen.cap}"
    count = max(seen.thought, seen.thinking_tokens or 0)
    if not count:
        return "unclear", f"{said}, but the model did not reason this time"
    return ("yes" if count <= _CAP + _THINKING_SLACK else "no"), f"{said}, got {count}"


def _confidence_verdict(seen: Observation) -> tuple[Verdict, str]:
    """Real where most tokens have one, and not all the same."""
    if seen.refusal is not None:
        return "no", str(seen.refusal)
    told = len(seen.confidence)
    if not told:
        return "no", "they were asked for, and none came"
    if not is_real(seen.confidence):
        return "no", f"{_many(told, 'token')} came with {seen.confidence[0].logprob:g} each, which no model means"
    said = f"{told} of {_many(seen.tokens, 'token')} came with one, of {_spread(seen.confidence)}"
    return ("yes" if 2 * told > seen.tokens else "unclear"), said


def _spread(tokens: Sequence[Confidence]) -> str:
    values = [one.logprob for one in tokens]
    return f"{min(values):.2f} to {max(values):.2f}"


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
