"""The life of one generation: let in, asked for, counted and priced while it is written, stopped or ended, settled."""

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from shadowprice._http import hang_up, unread, words
from shadowprice._pages import PageError, check_plain, decode_json, read_body
from shadowprice._text import shown
from shadowprice.engines import MalformedChunkError
from shadowprice.gateway._call import Call
from shadowprice.gateway._headers import limits, sent_back, sent_on, told
from shadowprice.gateway._meter import Meter
from shadowprice.gateway._protocol import Ending
from shadowprice.gateway._refusals import Headers, RefusedRequestError
from shadowprice.gateway._sse import Event, EventSplitter, EventTooLongError
from shadowprice.gateway._till import Account
from shadowprice.gateway._upstream import UnreachableUpstreamError, Upstream
from shadowprice.gateway._wire import Wire

if TYPE_CHECKING:
    from shadowprice.gateway._gateway import Gateway

_MOST_EVENT: Final = 4 << 20
_MOST_REPLY: Final = 32 << 20
_MOST_ERROR: Final = 1 << 20
"""Bytes of an event, of a reply that comes whole, and of an error."""
_PARTING: Final = 0.05
"""Seconds that a stream gets to end once it has said that it is over, so that its connection can be used again."""
_OF_STREAMS: Final = (b"content-type", b"cache-control", b"x-accel-buffering")
"""Headers of a stream, which a reply that is handed on whole does not have."""
_NEVER: Final = 1 << 62
_NOT_WRITING: Final = float("inf")
_WAITED: Final = 0.1
"""Seconds of waiting for a client after which its server may have made more than what is kept back for it."""
_WHOLE_ENDS: Final = frozenset({"stop", "tool_calls", "function_call", "end_turn", "stop_sequence", "tool_use"})
"""Words for a reply that its model has ended."""


class Generation:
    """One request that generates.

    Args:
        gateway: Whose it is.
        call: What is asked for.
        wire: Where the answer goes.
        name: The request's own name.
    """

    def __init__(self, gateway: "Gateway", call: Call, wire: Wire, name: str) -> None:
        self.call = call
        self.name = name
        self._gateway = gateway
        self._till = gateway.till
        self._wire = wire
        self._worth = gateway.worth.open(call)
        self._meter = Meter(call.choices)
        self._gathering = call.protocol.gathering(keep=not call.stream)
        self._account = Account(
            name,
            self._worth.hopes,
            self._worth.most,
            choices=call.choices,
            weight=float(call.choices),
            enough=self._worth.enough,
        )
        self._upstream: Upstream | None = None
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        self.begun = self.heard = self._loop.time()
        """When it began, and when its server was last heard of, by the loop's clock."""
        self._heard_at = gateway.pulse.now()
        """The same, by a clock that nothing stops."""
        self._due = _NEVER
        """Tokens at which the market is asked."""
        self._outcome = ""
        self._over = False
        """Whether its server has said that the stream is over."""
        self._splitter: EventSplitter | None = None
        self._writing = _NOT_WRITING
        """When the client was last given something that it has not taken yet, by the loop's clock."""
        self._prompt = 0
        self._broken_off = False
        """Whether its task was cancelled by us, and for which outcome."""

    async def serve(self) -> None:
        """Do all of it.

        Raises:
            RefusedRequestError: Nothing was answered yet, and this is what to answer.
        """
        await self._till.admit(self._account)
        self._gateway.generations.add(self)
        watching = self._loop.create_task(self._watch())
        try:
            await self._ask_and_answer()
        except asyncio.CancelledError:
            if not self._broken_off:
                self._settle(self._outcome or "interrupted", cut=True)
                raise
            await self._broken()
        finally:
            watching.cancel()
            self._gateway.generations.discard(self)
            self._settle(self._outcome or "failed", cut=True)
            if self._upstream is not None:
                self._upstream.running -= 1

    def break_off(self, outcome: str) -> None:
        """End it from outside, because nobody waits for it, or its server has fallen silent."""
        if self._task is not None and not self._broken_off:
            self._broken_off, self._outcome = True, outcome
            self._task.cancel()

    async def _watch(self) -> None:
        await self._wire.gone()
        if self._outcome:
            return
        self._wire.left = True
        if self._upstream is None or self._upstream.on_leave == "abort":
            self.break_off("client left")

    async def _broken(self) -> None:
        """It was broken off: pay for it, and say so if somebody is there to hear it."""
        assert self._task is not None
        self._task.uncancel()
        self._settle(self._outcome, cut=True)
        if self._wire.left:
            return
        refusal = RefusedRequestError(504, "The server stopped answering; ask again.", "upstream_timeout")
        if not self._wire.begun:
            raise refusal
        await self._wire.end(_error_event(refusal))

    async def _ask_and_answer(self) -> None:
        response = await self._ask()
        try:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            check_plain(response)
            if response.status >= 300:
                await self._pass_refusal(response)
            elif kind == "text/event-stream":
                await self._stream(response)
            else:
                await self._take_whole(response)
        except (PageError, EventTooLongError, MalformedChunkError, ValueError) as error:
            await self._fail(f"The server's reply cannot be read ({_line(error)})")
        except aiohttp.ClientError as error:
            self._take_rest(response)
            await self._fail(f"The server's reply broke off ({_line(words(error))})")
        except asyncio.CancelledError:
            self._take_rest(response)
            raise
        finally:
            self._part(response)

    def _take_rest(self, response: aiohttp.ClientResponse) -> None:
        """Count what had arrived unread, which was made and is to be paid for."""
        if self._splitter is not None:
            with suppress(EventTooLongError, MalformedChunkError, ValueError):
                self._take(self._splitter.feed(unread(response.content)))

    async def _ask(self) -> aiohttp.ClientResponse:
        """Send the request to the best server that takes it."""
        said = ""
        headers = sent_on(self._wire.headers, keys=self._gateway.keyhole.open)
        headers |= {"content-type": "application/json", "accept": "text/event-stream"}
        for upstream in self._gateway.upstreams.order(self.call.model):
            each = self._account.cap // self.call.choices
            body = self.call.protocol.written(self.call.body, each, upstream.dialect)
            content = json.dumps(body).encode()
            self._leave_upstream(upstream)
            try:
                response = await upstream.ask("POST", self.call.protocol.path, content, headers)
            except UnreachableUpstreamError as error:
                said = _line(error)
                continue
            except aiohttp.ClientError as error:
                said = _line(words(error))
                break
            upstream.answered()
            self._hear()
            self._due = self._next_due(self._account.granted)
            return response
        self._settle("failed", cut=False)
        raise RefusedRequestError(502, f"No server took the request ({said}); ask again.", "upstream_unreachable")

    def _leave_upstream(self, upstream: Upstream) -> None:
        if self._upstream is not None:
            self._upstream.running -= 1
        self._upstream = upstream
        upstream.running += 1

    async def _pass_refusal(self, response: aiohttp.ClientResponse) -> None:
        """The server says no: its words go on, without what is secret in them."""
        assert self._upstream is not None
        content = await read_body(response, _MOST_ERROR)
        address = self._upstream.address
        safe = address.redact(content.decode("utf-8", "replace")).encode()
        self._settle("refused by server", cut=False, status=response.status)
        headers = sent_back(response.raw_headers)
        await self._wire.answer(response.status, [*headers, *self._explained("refused by server", 0)], safe)

    async def _take_whole(self, response: aiohttp.ClientResponse) -> None:
        """A server that does not stream has made all of it by now; it is counted, and goes on as it is."""
        self._due = _NEVER
        self._account.generated = self._account.cap  # until it is known better
        content = await read_body(response, _MOST_REPLY)
        event = decode_json(content)
        if not isinstance(event, dict):
            raise MalformedChunkError("a reply that is no object")
        self._count(event)
        self._account.generated = self._meter.tokens
        outcome = self._ended()
        self._settle(outcome, cut=False, status=response.status)
        headers = [*sent_back(response.raw_headers), *self._explained(outcome, self._meter.tokens)]
        await self._wire.answer(response.status, headers, content)

    async def _stream(self, response: aiohttp.ClientResponse) -> None:
        """Read a stream and hand it on, until it ends, or the market ends it."""
        splitter = self._splitter = EventSplitter(_MOST_EVENT)
        content, wire = response.content, self._wire
        if self.call.stream:
            await wire.begin(response.status, [*sent_back(response.raw_headers), *self._explained("begun", None)])
        while block := await content.readany():
            self._hear()
            await self._hand_on(splitter.feed(block))
            if self._over or self._outcome:
                break
            if self._meter.tokens >= self._due and not self._may_go_on():
                while more := content.read_nowait():
                    await self._hand_on(splitter.feed(more))
                if not self._over and not self._outcome:
                    self._outcome = "stopped"
                break
        if self._outcome in ("stopped", "cut"):
            await self._stop(response)
        elif self._outcome == "failed" or not self._whole_by_now():
            await self._fail("The server's reply ended before it was over")
        else:
            await self._finish(response)

    async def _hand_on(self, events: list[Event]) -> None:
        out = self._take(events)
        if out and self.call.stream and not self._wire.left:
            self._writing = self._loop.time()
            await self._wire.write(out)
            self._writing = _NOT_WRITING

    def _take(self, events: list[Event]) -> bytes:
        """Count events; the bytes of those that the client gets."""
        out: list[bytes] = []
        protocol, usage = self.call.protocol, self.call.usage
        for event in events:
            if event.data is None:
                out.append(event.raw)
                continue
            if event.data == protocol.done:
                self._over = True
                break
            data = decode_json(event.data)
            if not isinstance(data, dict):
                raise MalformedChunkError("an event that is no object")
            self._count(data)
            account = self._account
            if self._meter.tokens > account.cap and not self._whole_by_now():
                self._outcome = "cut"
                break
            if not protocol.hides(data, usage=usage):
                out.append(event.raw)
                self._gathering.add(data)
            elif not self.call.stream:
                self._gathering.add(data)
            if self._outcome == "failed":
                break
        self._account.generated = max(self._account.generated, self._meter.tokens)
        return b"".join(out)

    def _count(self, event: dict[str, Any]) -> None:
        for index, reading in self.call.protocol.read(event):
            if reading.error is not None:
                self._outcome = "failed"
                return
            self._meter.take(index, reading)
            self._worth.saw(reading)
        usage = event.get("usage")
        if isinstance(usage, dict) and isinstance(prompt := usage.get("prompt_tokens"), int):
            self._prompt = prompt

    def _hear(self) -> None:
        self.heard = self._loop.time()
        self._heard_at = self._gateway.pulse.now()

    def _whole_by_now(self) -> bool:
        return len(self._meter.finished) >= self.call.choices

    def _next_due(self, granted: int) -> int:
        """When to ask again: a little before what is granted is made, as servers do not wait for the answer."""
        if granted >= self._account.cap:
            return _NEVER
        early = self._upstream.overshoot if self._upstream is not None else 0
        return max(self._meter.tokens + 1, granted - early)

    def _may_go_on(self) -> bool:
        tokens = self._meter.tokens
        if tokens >= self._account.cap or self._whole_by_now():
            self._due = _NEVER
            return True
        granted = self._till.grant(self._account, tokens, self._worth.running(tokens))
        if granted <= tokens:
            return False
        self._due = self._next_due(granted)
        return True

    async def _stop(self, response: aiohttp.ClientResponse) -> None:
        """The market has stopped it, or it goes on beyond its cap: its client gets an end that is well formed."""
        hang_up(response)
        ending = self._ending()
        self._settle(self._outcome, cut=True)
        if self._wire.left:
            return
        if self.call.stream:
            await self._wire.end(self._gathering.last_words(ending))
        else:
            await self._answer_whole(response, ending)

    async def _finish(self, response: aiohttp.ClientResponse) -> None:
        """It has ended by itself."""
        outcome = self._ended()
        self._settle(outcome, cut=False)
        if not self._wire.left:
            if self.call.stream:
                done = self.call.protocol.done
                await self._wire.end(b"data: " + done + b"\n\n" if self._over and done else b"")
            else:
                await self._answer_whole(response, None)
        if not response.content.at_eof():
            try:
                async with asyncio.timeout(_PARTING):
                    await response.content.readany()
            except (TimeoutError, aiohttp.ClientError):
                pass

    async def _answer_whole(self, response: aiohttp.ClientResponse, ending: Ending | None) -> None:
        content = json.dumps(self._gathering.whole(ending)).encode()
        headers = [
            pair for pair in sent_back(response.raw_headers) if pair[0] not in (b"content-type", b"cache-control")
        ]
        headers += [(b"content-type", b"application/json"), *self._explained(self._outcome, self._meter.tokens)]
        await self._wire.answer(response.status, headers, content)

    async def _fail(self, why: str) -> None:
        """The reply cannot be gone on with: it is paid for, and the client is told."""
        self._settle("failed", cut=True)
        refusal = RefusedRequestError(502, f"{why}; ask again.", "upstream_broken")
        if self._wire.left:
            return
        if not self._wire.begun:
            raise refusal
        await self._wire.end(_error_event(refusal))

    def _ended(self) -> str:
        """How a reply that its server has ended did end."""
        ends = self._meter.finished.values()
        return "finished" if ends and all(end in _WHOLE_ENDS for end in ends) else "length"

    def _ending(self) -> Ending:
        seen = self._meter.indices if self._meter.indices else range(self.call.choices)
        left = [index for index in seen if index not in self._meter.finished]
        explained = {"outcome": self._outcome, "granted": self._account.granted, "price": self._account.price}
        return Ending(
            f"shadowprice-{self.name}",
            self.call.model,
            left,
            self._meter.tokens,
            self._prompt,
            self.call.usage or not self.call.stream,
            explained,
        )

    def _explained(self, outcome: str, generated: int | None) -> Headers:
        till, account = self._till, self._account
        return [
            *told(account.price, account.granted, outcome, generated),
            (b"x-shadowprice-request", self.name.encode()),
            *limits(till.window.budget, till.left, till.until_renewed()),
        ]

    def _settle(self, outcome: str, *, cut: bool, status: int = 200) -> None:
        """Pay for it, once.

        Args:
            outcome: How it ended, in a word or two.
            cut: Whether its server may have made more than was read.
            status: Of HTTP, as its server gave it.
        """
        account = self._account
        if account.run is None:
            return
        self._outcome = outcome
        read = max(account.generated, self._meter.tokens)
        tokens = read
        if cut and read < account.cap and self._upstream is not None and not self._whole_by_now():
            beyond = self._upstream.overshoot if read else 0
            # Whoever waits for a slow client does not hear what its server makes meanwhile.
            waited = self._loop.time() - self._writing > _WAITED
            late = bool(read) and (waited or self._gateway.pulse.was_late(self._heard_at))
            tokens = account.cap if late else min(account.cap, read + beyond)
        payload = {
            "route": self.call.protocol.path,
            "model": self.call.model,
            "choices": self.call.choices,
            "granted": account.granted,
            "cap": account.cap,
            "read": read,
            "price": account.price,
        }
        self._till.settle(account, tokens, outcome, payload)
        self._worth.close(self._meter.tokens, finished=outcome == "finished")
        if self._gateway.log.requests:
            self._gateway.log.tell(
                "request",
                request=self.name,
                stream=self.call.stream,
                status=status,
                outcome=outcome,
                tokens=tokens,
                seconds=round(self._loop.time() - self.begun, 3),
                **payload,
            )

    def _part(self, response: aiohttp.ClientResponse) -> None:
        """Let go of the connection, which is kept if the response was read to its end."""
        if response.content.at_eof():
            if self._upstream is not None:
                self._upstream.kept = True
            response.release()
        else:
            hang_up(response)


def _error_event(refusal: RefusedRequestError) -> bytes:
    return b"data: " + refusal.body() + b"\n\n"


def _line(error: Exception | str) -> str:
    text = shown(str(error))
    return text if len(text) <= 200 else text[:199] + "…"
