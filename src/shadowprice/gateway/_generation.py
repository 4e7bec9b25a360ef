"""The life of one generation: let in, asked for, counted and priced while it is written, stopped or ended, settled."""

import asyncio
import json
from contextlib import suppress
from math import isfinite
from typing import TYPE_CHECKING, Final

from shadowprice._exchange import Answer, HttpError
from shadowprice._http import NoWayError
from shadowprice._pages import PageError, check_plain, read_body
from shadowprice.engines import MalformedChunkError
from shadowprice.gateway._account import Account
from shadowprice.gateway._call import Call
from shadowprice.gateway._headers import limits, priced, sent_back, sent_on, told
from shadowprice.gateway._heard import Heard
from shadowprice.gateway._keyhole import Tenant
from shadowprice.gateway._protocol import Ending, Json
from shadowprice.gateway._refusals import Headers, RefusedRequestError, in_a_line
from shadowprice.gateway._sse import EventTooLongError
from shadowprice.gateway._upstream import Upstream
from shadowprice.gateway._wire import Wire

if TYPE_CHECKING:
    from shadowprice.gateway._gateway import Gateway

_MOST_REPLY: Final = 32 << 20
_MOST_ERROR: Final = 1 << 20
"""Bytes of a reply that comes whole, and of an error."""
_PARTING: Final = 0.05
"""Seconds that a stream gets to end once it has said that it is over, so that its connection can be used again."""
_OF_STREAMS: Final = (b"content-type", b"cache-control", b"x-accel-buffering")
"""Headers of a stream, which a reply that is handed on whole does not have."""
_NEVER: Final = 1 << 62
_NOT_WRITING: Final = float("inf")
_WAITED: Final = 0.1
"""Seconds of waiting for a client after which its server may have made more than what is kept back for it."""


class Generation:
    """One request that generates.

    Args:
        gateway: Whose it is.
        call: What is asked for.
        wire: Where the answer goes.
        name: The request's own name.
        tenant: Who asks.
    """

    def __init__(self, gateway: "Gateway", call: Call, wire: Wire, name: str, tenant: Tenant) -> None:
        self.call = call
        self.name = name
        self._gateway = gateway
        self._till = gateway.till
        self._wire = wire
        self._worth = gateway.worth.open(call)
        self._heard = Heard(call, self._worth.saw, gateway.shapes)
        self._account = Account(
            name,
            self._worth.hopes,
            self._worth.most,
            choices=call.choices,
            weight=call.choices * tenant.weight,
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
        self._whose = {"tenant": tenant.name} if tenant.name else {}
        """For the books."""
        self._sent = False
        """Whether a server may have begun."""
        self._writing = _NOT_WRITING
        """When the client was given something that it has not taken yet, by the loop's clock."""
        self._outcome = ""
        self._broken_off = False
        """Whether its task was cancelled by us."""

    async def serve(self) -> None:
        """Do all of it.

        Raises:
            RefusedRequestError: Nothing was answered yet, and this is what to answer.
        """
        try:
            await self._till.admit(self._account)
        except RefusedRequestError as refusal:
            refusal.more.append((b"x-shadowprice-request", self.name.encode()))
            known = isfinite(self._account.price)  # only once the market was asked
            refusal.more += [priced(self._account.price)] * known
            if self._gateway.log.requests:
                what = {"route": self.call.protocol.path, "model": self.call.model, **self._whose}
                price = self._account.price if known else None
                self._gateway.log.tell("refused", request=self.name, why=refusal.code, price=price, **what)
            raise
        except asyncio.CancelledError:  # it may have been let in by now
            self._settle("interrupted", cut=False)
            raise
        self._heard.cap = self._account.cap
        self._gateway.generations.add(self)
        self._wire.watch(self._client_left)
        try:
            await self._ask_and_answer()
        except asyncio.CancelledError:
            if not self._broken_off:
                self._settle("interrupted", cut=True)
                raise
            await self._broken()
        finally:
            self._wire.watch(None)
            self._gateway.generations.discard(self)
            self._settle(self._outcome or "failed", cut=True)
            if self._upstream is not None:
                self._upstream.running -= 1

    def break_off(self, outcome: str) -> None:
        """End it from outside, because nobody waits for it, or its server has fallen silent."""
        if self._task is not None and not self._broken_off:
            self._broken_off, self._outcome = True, outcome
            self._task.cancel()

    def _client_left(self) -> None:
        if self._account.run is None:  # it has ended, and so has its answer
            return
        self._wire.left = True
        if self._upstream is None or self._upstream.on_leave == "abort":
            self.break_off("client left")

    async def _broken(self) -> None:
        """It was broken off: pay for it, and say so if somebody is there to hear it."""
        assert self._task is not None
        self._task.uncancel()
        self._settle(self._outcome, cut=True)
        if self._outcome == "interrupted":
            await self._say(RefusedRequestError(503, "The gateway has ended; ask another one.", "draining"))
        else:
            await self._say(RefusedRequestError(504, "The server stopped answering; ask again.", "upstream_timeout"))

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
            await self._fail(f"The server's reply cannot be read ({in_a_line(error)})")
        except HttpError as error:
            await self._fail(f"The server's reply broke off ({in_a_line(error)})")
        except asyncio.CancelledError:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)  # what stands in the socket comes in with the loop's next pass
            self._take_rest(response)
            raise
        finally:
            self._part(response)

    async def _ask(self) -> Answer:
        """Send the request to the best server that takes it."""
        said = ""
        headers = sent_on(self._wire.headers, keys=self._gateway.keyhole.open)
        headers |= {"content-type": "application/json", "accept": "text/event-stream"}
        protocol, each = self.call.protocol, self._account.cap // self.call.choices
        for upstream in self._gateway.upstreams.order(self.call.model):
            if self._upstream is not None:
                self._upstream.running -= 1
            self._upstream = upstream
            upstream.running += 1
            body = protocol.written(self.call.body, each, upstream.dialect, self._gateway.thinking)
            self._sent = True
            try:
                response = await upstream.ask("POST", protocol.path, json.dumps(body).encode(), headers)
            except NoWayError as error:
                self._sent, said = False, in_a_line(error)
                continue
            except HttpError as error:
                said = in_a_line(error)
                self._settle("failed", cut=True, why=said)
                raise RefusedRequestError(
                    502, f"The server gave no answer ({said}); ask again.", "upstream_broken"
                ) from None
            upstream.answered()
            self._hear()
            self._due = self._next_due(self._account.granted)
            return response
        self._settle("failed", cut=False, why=said)
        raise RefusedRequestError(502, f"No server took the request ({said}); ask again.", "upstream_unreachable")

    async def _pass_refusal(self, response: Answer) -> None:
        """The server says no: its words go on, without what is secret in them."""
        assert self._upstream is not None
        content = await read_body(response, _MOST_ERROR)
        if response.status < 400:  # whoever followed it would ask past the budget
            await self._fail(f"The server sends its clients elsewhere ({response.status})")
            return
        safe = self._upstream.address.redact(content.decode("utf-8", "replace")).encode()
        # Who stands before a server gives up waiting for it when it has long been writing.
        self._settle("refused by server", cut=response.status in (502, 504), status=response.status)
        headers = sent_back(response.raw_headers)
        await self._wire.answer(response.status, [*headers, *self._explained("refused by server", 0)], safe)

    async def _take_whole(self, response: Answer) -> None:
        """A server that does not stream has made all of it by now; it is counted, and goes on as it is."""
        self._account.generated = self._account.cap  # until it is known better
        content = await read_body(response, _MOST_REPLY)
        self._heard.take_whole(content)
        self._account.generated = self._heard.meter.exact()
        outcome = "finished" if self._heard.finished else "length"
        self._settle(outcome, cut=False, status=response.status)
        headers = [*sent_back(response.raw_headers), *self._explained(outcome, self._account.generated)]
        await self._wire.answer(response.status, headers, content)

    async def _stream(self, response: Answer) -> None:
        """Read a stream and hand it on, until it ends, or the market ends it."""
        heard = self._heard
        if self.call.stream:
            headers = [*sent_back(response.raw_headers), *self._explained("begun", None)]
            await self._wire.begin(response.status, headers)
        stopped = False
        while block := await response.read():
            self._hear()
            await self._hand_on(block)
            if heard.over or heard.failed or heard.beyond:
                break
            if heard.meter.tokens >= self._due and not self._may_go_on():
                await asyncio.sleep(0)  # what stands in the socket comes in with the loop's next pass
                while not (heard.over or heard.failed or heard.beyond) and (more := response.read_nowait()):
                    await self._hand_on(more)
                stopped = not (heard.over or heard.failed)
                break
        if heard.failed:
            await self._fail("The server failed", told=True)
        elif stopped or heard.beyond:
            await self._stop(response, "beyond its cap" if heard.beyond else "stopped")
        elif heard.over or heard.whole:
            await self._finish(response)
        else:
            await self._fail("The server's reply ended before it was over")

    async def _hand_on(self, block: bytes) -> None:
        out = self._heard.take(block)
        self._account.generated = self._heard.meter.tokens
        if out and self.call.stream and not self._wire.left:
            self._writing = self._loop.time()
            await self._wire.write(out)
            self._writing = _NOT_WRITING

    def _take_rest(self, response: Answer) -> None:
        """Count what had arrived unread, which was made and is to be paid for."""
        with suppress(EventTooLongError, MalformedChunkError, ValueError):
            self._heard.take(response.read_nowait())

    def _part(self, response: Answer) -> None:
        assert self._upstream is not None
        self._upstream.connections.part(response)

    def _hear(self) -> None:
        self.heard = self._loop.time()
        self._heard_at = self._gateway.pulse.now()

    def _next_due(self, granted: int) -> int:
        """When to ask again: a little before what is granted is made, as servers do not wait for the answer."""
        if granted >= self._account.cap:
            return _NEVER
        early = self._upstream.overshoot if self._upstream is not None else 0
        return max(self._heard.meter.tokens + 1, granted - early)

    def _may_go_on(self) -> bool:
        tokens = self._heard.meter.exact()
        if tokens >= self._account.cap or self._heard.whole:
            self._due = _NEVER
            return True
        granted = self._till.grant(self._account, tokens, self._worth.running(tokens))
        if granted > tokens:
            self._due = self._next_due(granted)
        return granted > tokens

    async def _stop(self, response: Answer, outcome: str) -> None:
        """It is stopped here: its client gets an end that is well formed."""
        self._part(response)
        account = self._account
        explained = {"outcome": outcome, "granted": account.granted, "price": account.price}
        ending = self._heard.ending(self.name, explained)
        self._settle(outcome, cut=True)
        if self._wire.left:
            return
        if self.call.stream:
            await self._wire.end(self._heard.gathering.last_words(ending))
        else:
            await self._answer_whole(response, ending)

    async def _finish(self, response: Answer) -> None:
        """It has ended by itself."""
        self._settle("finished" if self._heard.finished else "length", cut=False)
        if not self._wire.left:
            if self.call.stream:
                await self._wire.end(self._heard.farewell)
            else:
                await self._answer_whole(response, None)
        if not response.read_up:
            with suppress(TimeoutError, HttpError):
                async with asyncio.timeout(_PARTING):
                    await response.read()

    async def _answer_whole(self, response: Answer, ending: Ending | None) -> None:
        content = json.dumps(self._heard.gathering.whole(ending)).encode()
        headers = [pair for pair in sent_back(response.raw_headers) if pair[0] not in _OF_STREAMS]
        headers += [(b"content-type", b"application/json"), *self._explained(self._outcome, self._heard.meter.exact())]
        await self._wire.answer(response.status, headers, content)

    async def _fail(self, why: str, *, told: bool = False) -> None:
        """The reply cannot be gone on with: it is paid for, and the client is told, if the server has not done so."""
        self._settle("failed", cut=True, why=why)
        if told and self._wire.begun and not self._wire.left:
            await self._wire.end()
        else:
            await self._say(RefusedRequestError(502, f"{why}; ask again.", "upstream_broken"))

    async def _say(self, refusal: RefusedRequestError) -> None:
        """Tell the client why it gets no reply, or no more of it.

        Raises:
            RefusedRequestError: Nothing was answered yet.
        """
        if self._wire.left:
            return
        if not self._wire.begun:
            raise refusal
        await self._wire.end(b"data: " + refusal.body() + b"\n\n")

    def _explained(self, outcome: str, generated: int | None) -> Headers:
        till, account = self._till, self._account
        return [
            *told(account.price, account.granted, outcome, generated),
            (b"x-shadowprice-request", self.name.encode()),
            *limits(till.window.budget, till.left, till.until_renewed()),
        ]

    def _settle(self, outcome: str, *, cut: bool, status: int | None = None, why: str = "") -> None:
        """Pay for it, once.

        Args:
            outcome: How it ended, in a word or two.
            cut: Whether its server may have made more than was read.
            status: Of HTTP, as its server gave it.
            why: What went wrong.
        """
        account = self._account
        if account.run is None:
            return
        self._outcome = outcome
        read = max(account.generated, self._heard.meter.exact())
        tokens = read + self._unread(read, outcome) if cut else read
        payload = {
            "route": self.call.protocol.path,
            "model": self.call.model,
            "choices": self.call.choices,
            "granted": account.granted,
            "cap": account.cap,
            "read": read,
            "price": account.price,
            **self._whose,
        }
        self._till.settle(account, tokens, outcome, payload)
        self._worth.close(read, finished=outcome == "finished")
        log = self._gateway.log
        if log.requests:
            took = round(self._loop.time() - self.begun, 3)
            failed = outcome == "failed" and not self._wire.begun
            more: Json = {"stream": self.call.stream, "status": status or (502 if failed else 200)}
            more |= {"tokens": tokens, "seconds": took} | ({"why": why} if why else {})
            log.tell("request", request=self.name, outcome=outcome, **more, **payload)

    def _unread(self, read: int, outcome: str) -> int:
        """Tokens that its server may have made beyond what was read, of those that it was allowed."""
        if not self._sent or self._upstream is None or (self._heard.whole and not self._heard.beyond):
            return 0
        cap = self._account.cap
        if not read and not self._upstream.hides_nothing:
            return cap
        if read and outcome == "stalled":  # what stands between may have fallen silent, and not the server
            return max(0, cap - read)
        # Whoever waits for a slow client, or stands still, does not hear what a server makes meanwhile.
        waited = self._loop.time() - self._writing > _WAITED
        if waited or self._gateway.pulse.was_late(self._heard_at):
            return max(0, cap - read)
        if read > cap:
            return max(0, self._upstream.overshoot - (read - cap))
        return min(self._upstream.overshoot, cap - read)
