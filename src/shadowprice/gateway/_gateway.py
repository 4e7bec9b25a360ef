"""What is served: generations by the market, some pages of the servers as they are, and how the gateway does."""

import asyncio
import json
import secrets
import time
from contextlib import suppress
from itertools import count
from typing import Final

from shadowprice._exchange import HttpError
from shadowprice._http import NoWayError
from shadowprice._pages import PageError, read_body
from shadowprice._pulse import Pulse
from shadowprice.gateway._alike import Shapes
from shadowprice.gateway._call import read_call
from shadowprice.gateway._chat import Chat, Completions
from shadowprice.gateway._generation import Generation
from shadowprice.gateway._headers import limits, sent_back, sent_on
from shadowprice.gateway._keyhole import Keyhole
from shadowprice.gateway._logs import Log, where
from shadowprice.gateway._messages import Messages
from shadowprice.gateway._protocol import AbstractProtocol
from shadowprice.gateway._refusals import RefusedRequestError, not_found
from shadowprice.gateway._responses import Responses
from shadowprice.gateway._till import Till
from shadowprice.gateway._upstream import Upstreams
from shadowprice.gateway._wire import ClientLeftError, Receive, Scope, Send, Wire
from shadowprice.gateway._worth import Worth

_GENERATING: Final[dict[str, AbstractProtocol]] = {
    one.path: one for one in (Chat(), Completions(), Responses(), Messages())
}
_PASSED: Final = {"/v1/models": "GET", "/v1/embeddings": "POST"}
"""Pages that generate nothing, which are the servers' own."""
_OWN: Final = ("/healthz", "/readyz", "/")
"""Pages about itself."""
_LOOKS: Final = ("GET", "HEAD", "OPTIONS")
"""How they are asked for: balancers look after a server with any of these."""
_MOST_PASSED: Final = 64 << 20
"""Bytes of a page of theirs."""
_PROCESS: Final = secrets.token_hex(4)
"""Two that share a ledger begin requests at the same moment."""
_COUNTER: Final = count()
_TICK: Final = 1.0


class Gateway:
    """An ASGI application.

    Args:
        till: Market and ledger.
        upstreams: Who generates.
        worth: What is believed of requests.
        keyhole: Who may ask.
        log: Told what happens.
        most_body: Bytes of a request's body.
        timeout: Seconds for a whole reply.
        stall: Seconds to wait for each piece of a reply.
        thinking: Tokens of reasoning in a reply, at most, for servers that can cap it.
    """

    def __init__(
        self,
        till: Till,
        upstreams: Upstreams,
        worth: Worth,
        *,
        keyhole: Keyhole,
        log: Log,
        most_body: int = 8 << 20,
        timeout: float = 600.0,
        stall: float = 120.0,
        thinking: int | None = None,
    ) -> None:
        self.till = till
        self.upstreams = upstreams
        self.worth = worth
        self.keyhole = keyhole
        self.log = log
        self.pulse = Pulse()
        self.generations: set[Generation] = set()
        """Those under way."""
        self.shapes = Shapes()
        self.thinking = thinking
        self.draining = False
        """Whether nothing new is let in."""
        self._most_body = most_body
        self._timeout = timeout
        self._stall = stall

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise ValueError(f"This serves HTTP, not {scope['type']}.")
        wire = Wire(scope, receive, send)
        try:
            await self._answer(wire)
        except RefusedRequestError as refusal:
            if refusal.status == 429:
                refusal.more += limits(self.till.window.budget, self.till.left, self.till.until_renewed())
            if not wire.left:
                await wire.answer(refusal.status, refusal.headers(), b"" if wire.method == "HEAD" else refusal.body())
        except ClientLeftError:
            pass
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # one request must not take the others with it
            self.log.tell("error", kind=type(error).__name__, route=wire.path[:100], where=where(error))
            broken = RefusedRequestError(500, "The gateway failed; its log says where.", "internal_error")
            if wire.begun and not wire.left:
                await wire.end(b"data: " + broken.body() + b"\n\n")
            elif not wire.left:
                await wire.answer(500, broken.headers(), broken.body())

    async def beat(self) -> None:
        """Let time pass, until cancelled: windows, prices, servers that have fallen silent."""
        pulse = asyncio.create_task(self.pulse.beat())
        watch = asyncio.create_task(self.upstreams.watch())
        loop = asyncio.get_running_loop()
        try:
            while True:
                wait, before = min(_TICK, max(0.001, self.till.until_renewed())), loop.time()
                await asyncio.sleep(wait)
                self.till.tick()
                now = loop.time()
                late = max(0.0, now - before - wait)
                for one in list(self.generations):
                    one.heard = min(now, one.heard + late)  # whoever stands still hears nothing, and others spoke
                    if now - one.heard > self._stall or now - one.begun > self._timeout:
                        one.break_off("stalled")
        finally:
            pulse.cancel()
            watch.cancel()

    async def drain(self, seconds: float) -> None:
        """Let nothing new in, and wait until what is under way has ended, or stop it after so long."""
        self.draining = True
        self.log.tell("draining", running=len(self.generations))
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.generations:
                    await asyncio.sleep(0.02)
        for one in list(self.generations):
            one.break_off("interrupted")
        while self.generations:
            await asyncio.sleep(0.02)

    async def _answer(self, wire: Wire) -> None:
        protocol = _GENERATING.get(wire.path)
        if protocol is not None and wire.method == "POST":
            tenant = self.keyhole.check(wire.headers)
            self._check_open()
            call = read_call(protocol, await wire.body(self._most_body))
            await Generation(self, call, wire, _new_name(), tenant).serve()
        elif wire.path in _OWN:
            _check_method(wire, *_LOOKS)
            await (self._tell_place(wire) if wire.path == "/" else self._tell_health(wire))
        elif wire.path in _PASSED or protocol is not None:
            allowed = "POST" if protocol is not None else _PASSED[wire.path]
            _check_method(wire, allowed)
            self.keyhole.check(wire.headers)
            self._check_open()
            await self._pass(wire, allowed)
        else:
            raise not_found(wire.path)

    def _check_open(self) -> None:
        if self.draining:
            raise RefusedRequestError(503, "The gateway is about to end; ask another one.", "draining", wait=1.0)

    async def _pass(self, wire: Wire, method: str) -> None:
        """A page of a server's, as it is."""
        content = await wire.body(self._most_body) if method == "POST" else None
        model = ""
        if content is not None:
            with suppress(RefusedRequestError):
                model = read_call(_GENERATING["/v1/completions"], content).model
        headers = sent_on(wire.headers, keys=self.keyhole.open)
        if content is not None:
            headers["content-type"] = "application/json"
        said = ""
        for upstream in self.upstreams.order(model):
            try:
                async with asyncio.timeout(self._timeout):
                    response = await upstream.ask(method, wire.path, content, headers)
                    upstream.answered()
                    try:
                        answer = await read_body(response, _MOST_PASSED)
                    finally:
                        upstream.connections.part(response)
            except NoWayError as error:
                said = str(error)
                continue
            except (HttpError, PageError, TimeoutError) as error:
                said = str(error) or "it took too long"
                break
            if response.status >= 400:
                answer = upstream.address.redact(answer.decode("utf-8", "replace")).encode()
            await wire.answer(response.status, sent_back(response.raw_headers), answer)
            return
        raise RefusedRequestError(502, f"No server gave the page ({said[:200]}); ask again.", "upstream_unreachable")

    async def _tell_health(self, wire: Wire) -> None:
        takes = not self.draining and self.upstreams.healthy and not self.till.broken
        ready = takes or wire.path == "/healthz"
        state = {"status": "ok" if ready else "not ready", "running": len(self.generations)}
        await wire.answer(200 if ready else 503, [(b"content-type", b"application/json")], json.dumps(state).encode())

    async def _tell_place(self, wire: Wire) -> None:
        window = self.till.window
        state = {"name": "shadowprice", "docs": "docs/gateway.md", "routes": [*_GENERATING, *_PASSED]}
        headers = limits(window.budget, self.till.left, self.till.until_renewed())
        await wire.answer(200, [(b"content-type", b"application/json"), *headers], json.dumps(state).encode())


def _check_method(wire: Wire, *allowed: str) -> None:
    if wire.method not in allowed:
        more = [(b"allow", ", ".join(allowed).encode())]
        said = f"Ask {wire.path} with {' or '.join(allowed)}."
        raise RefusedRequestError(405, said, "method_not_allowed", more=more)


def _new_name() -> str:
    """A name for a request. Later ones sort behind earlier ones: what is written together lies together then."""
    return f"{time.time_ns() // 100_000:012x}-{_PROCESS}{next(_COUNTER) & 0xFFFF:04x}"
