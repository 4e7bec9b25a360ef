"""Serving it over HTTP: uvicorn with uvloop and httptools, with limits of our own."""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Literal

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shadowprice._errors import InputError
from shadowprice.gateway._gateway import Gateway
from shadowprice.gateway._logs import Errors, Log
from shadowprice.gateway._refusals import RefusedRequestError

_MOST_HEAD: Final = 64 << 10
"""Bytes of a request's line and headers."""
_SLOWEST_HEAD: Final = 20.0
_SLOWEST_BODY: Final = 120.0
"""Seconds for them, and for all of a body."""
_KEEP_ALIVE: Final = 65
"""Seconds for which a connection is kept for the next request: more than balancers in front keep theirs."""


class _Corked:
    """A transport that writes once for all that is written in one pass of the loop: each write is a system call."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._blocks: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Write, in a moment."""
        if not self._blocks:
            self._loop.call_soon(self.flush)
        self._blocks.append(data)

    def flush(self) -> None:
        """Write now."""
        if self._blocks:
            blocks, self._blocks = self._blocks, []
            if self._transport.is_closing():  # the client has gone meanwhile
                return
            self._transport.write(blocks[0] if len(blocks) == 1 else b"".join(blocks))

    def close(self) -> None:
        """Close, once all is written."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class LimitedProtocol(HttpToolsProtocol):
    """HTTP as uvicorn reads it, with bounds on a request's head and on its slowness, and refusals that are JSON."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._head = 0
        self._reads: Literal["nothing", "head", "body"] = "nothing"
        self._waits: Literal["nothing", "head", "body"] = "nothing"
        """What the deadline is for."""
        self._deadline: asyncio.TimerHandle | None = None
        self.lost = False
        """Whether the client has gone."""
        self.leaving: Callable[[], None] | None = None
        """Called when the client goes; set by whoever is at its request; see `Wire.watch`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        super().connection_made(transport)
        with suppress(OSError, AttributeError):
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transport: Any = _Corked(transport, self.loop)
        self._reads = "head"
        self._await()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._reads = "nothing"
        self._await()
        super().connection_lost(exc)
        self.lost = True
        if self.leaving is not None:
            self.leaving()

    def data_received(self, data: bytes) -> None:
        """Something has come."""
        if self._reads != "body":
            self._head += len(data)
        super().data_received(data)
        if self._reads == "head" and self._head > _MOST_HEAD:
            self._refuse_head()
        # Most requests come whole, and a deadline for each costs as much as reading it.
        if self._reads != self._waits:
            self._await()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._reads = "head"

    def on_headers_complete(self) -> None:
        """The head of a request is whole."""
        if self._head > _MOST_HEAD and self._size() > _MOST_HEAD:  # it came in one piece, perhaps with its body
            self._refuse_head()
            return
        self._reads, self._head = "body", 0
        lengths = {value for name, value in self.headers if name == b"content-length"}
        coded = any(name == b"transfer-encoding" for name, _ in self.headers)
        if (lengths and coded) or len(lengths) > 1:
            # Whoever stands before us may read it the other way, and take a part of it for another request.
            self._refuse(400, "The request says its length in two ways; send one.", "invalid_request")
            return
        super().on_headers_complete()
        self.scope["shadowprice.connection"] = self  # type: ignore[typeddict-unknown-key]

    def on_body(self, body: bytes) -> None:
        """A part of a body has come."""
        if self.cycle is not None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._reads = "nothing"
        if self.cycle is not None:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP."""
        del msg
        self._refuse(400, "This is no HTTP request that can be read; send HTTP/1.1.", "invalid_request")

    def _await(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._waits = self._reads
        if self._reads != "nothing":
            seconds = _SLOWEST_HEAD if self._reads == "head" else _SLOWEST_BODY
            self._deadline = self.loop.call_later(seconds, self._too_slow)

    def _too_slow(self) -> None:
        self._deadline = None
        if self._waits == "body" and self.cycle is not None and not self.cycle.response_started:
            said = f"The body had not come in full after {_SLOWEST_BODY:g} s; send it faster."
            self._refuse(408, said, "request_timeout")
        self.transport.close()

    def _size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _refuse_head(self) -> None:
        self._refuse(431, f"The headers are longer than {_MOST_HEAD} bytes; send fewer.", "headers_too_large")

    def _refuse(self, status: int, message: str, code: str) -> None:
        if self.transport.is_closing():
            return
        refusal = RefusedRequestError(status, message, code)
        body = refusal.body()
        head = b"HTTP/1.1 %d Refused\r\nconnection: close\r\ncontent-length: %d\r\n" % (status, len(body))
        head += b"".join(name + b": " + value + b"\r\n" for name, value in refusal.headers())
        self.transport.write(head + b"\r\n" + body)
        self.transport.close()


@contextmanager
def _in_our_words(log: Log) -> Iterator[None]:
    """Have uvicorn's errors told in our log. Its warnings are about requests that clients are told about anyway."""
    logger, errors = logging.getLogger("uvicorn.error"), Errors(log)
    before = logger.level, logger.propagate
    logger.addHandler(errors)
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(errors)
        logger.setLevel(before[0])
        logger.propagate = before[1]


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are heard by whoever serves."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """A socket that clients can come to.

    Raises:
        InputError: The address is none of this machine's, or taken.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((host, port))
        except BaseException:
            made.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or error
        raise InputError(f"Cannot serve at {host}:{port} ({said}); choose another --host or --port.") from error
    return made


async def serve(
    gateway: Gateway,
    place: socket.socket,
    *,
    drain: float,
    ready: Callable[[str], object] = lambda url: None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C; then let what is under way end.

    Args:
        gateway: What is served.
        place: From `listen`; it is closed at the end.
        drain: Seconds that replies under way get to end.
        ready: Told the URL, once clients are taken.
        stop: Set by whoever wants the same as by a signal.
    """
    config = uvicorn.Config(
        gateway,
        http=LimitedProtocol,
        ws="none",
        lifespan="off",
        loop="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()
    wanted = stop or asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError, RuntimeError, ValueError):  # not the main thread
            loop.add_signal_handler(number, wanted.set)
    place.listen(2048)
    beat = asyncio.create_task(gateway.beat())
    serving = asyncio.create_task(server.serve(sockets=[place]))
    stopping = asyncio.create_task(wanted.wait())
    host, port = place.getsockname()[:2]
    ready(f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1")
    with _in_our_words(gateway.log):
        try:
            await asyncio.wait({serving, stopping, beat}, return_when=asyncio.FIRST_COMPLETED)
            await gateway.drain(drain)
        finally:
            server.should_exit = True
            stopping.cancel()
            await asyncio.wait({serving})
            beat.cancel()
            await asyncio.wait({beat})
            await gateway.upstreams.aclose()
    serving.result()


_YOUNG: Final = (20_000, 20, 20)
"""Objects after which the garbage collector looks at the newest, and how often at the older ones."""


@contextmanager
def few_pauses() -> Iterator[None]:
    """Keep the garbage collector from looking again and again at all that was loaded, which takes half a second."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_YOUNG)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def run(main: Any) -> Any:
    """Run a coroutine in a fast loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
