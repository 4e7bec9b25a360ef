"""One connection to a server, and what comes on it: HTTP/1.1 as httptools reads it.

A general client costs more than all that is done with a reply here: requests that are nearly alike are built, checked
and wrapped anew each time. This one sends what it is told, hands on what comes, and can do nothing else: no redirects,
no cookies, nothing packed.
"""

import asyncio
import os
import re
import ssl
from collections.abc import Mapping
from typing import Any, Final, cast

import httptools

_MOST_HEAD: Final = 64 << 10
"""Bytes of an answer's status and headers, and of what comes between two pieces of its body, or behind the last."""
_MOST_UNREAD: Final = 128 << 10
"""Bytes of an answer that may wait to be read; a server that sends more waits."""
_OF_OPENSSL: Final = re.compile(r"^\[[^\]]*\] | \(_ssl\.c:\d+\)$")


class HttpError(Exception):
    """A request has come to nothing; it says how, without anything that was sent."""


class LostError(HttpError):
    """The connection ended before the answer did."""


class Connection(asyncio.Protocol):
    """One connection, with one request at a time.

    Args:
        loop: That it lives in.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.transport: asyncio.Transport = cast("asyncio.Transport", None)
        self.lost = False
        """Whether it has ended, or says what nobody asked."""
        self.loop = loop
        self._answer: Answer | None = None

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> "Answer":
        """Send a request.

        Args:
            method: Of HTTP.
            target: What is wanted, as `Route.target` says it.
            headers: All of them, but for the body's length.
            body: None for none.

        Raises:
            ValueError: A header holds the end of a line, or a character that no header can carry.
        """
        try:
            data = _written(method, target, headers, body)
        except ValueError:
            self.abort()  # nobody else has it
            raise
        self._answer = answer = Answer(self)
        self.transport.write(data)
        return answer

    def free(self) -> None:
        """Nobody listens any more; for an answer to say that is whole."""
        self._answer = None

    def abort(self) -> None:
        """Close it at once: TLS would ask the server first."""
        self.lost = True
        self._answer = None
        if self.transport is not None:
            self.transport.abort()

    def tunnelled(self, transport: asyncio.Transport) -> None:
        """What was asked so far was for a proxy, and it goes on inside of what it made."""
        self.transport, self._answer = transport, None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Something has come."""
        if self._answer is not None:
            self._answer.feed(data)
        else:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        self.lost = True
        if self._answer is not None:
            self._answer.ended(exc)


class Answer:
    """The answer to one request, as it comes.

    Args:
        connection: On which it comes.
    """

    def __init__(self, connection: Connection) -> None:
        self.status = 0
        """Of HTTP; 0 until the head has come."""
        self.phrase = ""
        """The server's words for it."""
        self.raw_headers: list[tuple[bytes, bytes]] = []
        """As they came, names in lower case."""
        self.whole = False
        """Whether all of it has come."""
        self.connection = connection
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._fields: dict[str, str] | None = None
        self._blocks: list[bytes] = []
        self._size = 0
        self._aside = 0
        """Bytes since the last piece of the body, if it has begun."""
        self._error: HttpError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.begun = False
        """Whether anything of it has come."""
        self._interim = self._kept = self._until_end = self._paused = False

    @property
    def headers(self) -> Mapping[str, str]:
        """By their names in lower case; the first of each."""
        if self._fields is None:
            self._fields = {}
            for name, value in self.raw_headers:
                self._fields.setdefault(name.decode("latin-1"), value.decode("latin-1"))
        return self._fields

    @property
    def read_up(self) -> bool:
        """Whether all of it has come and was read."""
        return self.whole and not self._blocks

    async def head(self) -> None:
        """Wait for the status and the headers.

        Raises:
            HttpError: They do not come.
        """
        while not self.status:
            if self._error is not None:
                raise self._error
            await self._wait()

    async def read(self) -> bytes:
        """What has come of the body and was not read yet, once there is something; empty at the end.

        What came before a connection broke is read before that is said.

        Raises:
            HttpError: The rest does not come.
        """
        while not self._blocks:
            if self.whole:
                return b""
            if self._error is not None:
                raise self._error
            await self._wait()
        return self.read_nowait()

    def read_nowait(self) -> bytes:
        """What has come of the body and was not read yet, which may be nothing."""
        blocks = self._blocks
        if not blocks:
            return b""
        self._blocks, self._size = [], 0
        if self._paused:
            self._paused = False
            self.connection.transport.resume_reading()
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def part(self) -> bool:
        """Let go of the connection, which is closed at once unless all was read; whether it can be used again.

        Only for `Connections.part`, which keeps it then: nobody else would ever close it. Safe to call twice: the
        connection is somebody else's then.
        """
        if self._parser is None:
            return False
        self._parser = None  # it holds us
        # Who has answered before the request was sent may never read the rest of it.
        sent = not self.connection.lost and self.connection.transport.get_write_buffer_size() == 0
        if self.read_up and self._kept and sent:
            self.connection.free()
            return True
        self.connection.abort()
        return False

    async def _wait(self) -> None:
        self._waiter = self.connection.loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def feed(self, data: bytes) -> None:
        """Bytes have come."""
        if self._error is not None or self._parser is None:
            return
        self.begun = True
        self._aside += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._kept = False
            if not self.whole:
                self._fail(HttpError(f"it does not speak HTTP as it should: {error}"))
        if self._aside > _MOST_HEAD:
            self._fail(HttpError(f"its headers are longer than {_MOST_HEAD} bytes"))
        if self._size > _MOST_UNREAD and not self._paused and not self.connection.lost:
            self._paused = True
            self.connection.transport.pause_reading()
        self._wake()

    def ended(self, error: Exception | None) -> None:
        """The connection has ended."""
        self._kept = False
        if self.whole or self._error is not None:
            return
        if self.status and self._until_end and error is None:
            self.whole = True
        else:
            known = isinstance(error, OSError) and error.errno is not None
            self._error = LostError(words(cast("OSError", error)) if known else "it closed the connection")
        self._wake()

    def _fail(self, error: HttpError) -> None:
        if self._error is None and not self.whole:
            self._error = error
        self._kept = False

    # What the parser calls.

    def on_message_begin(self) -> None:
        """An answer begins; a second one was not asked for."""
        self._kept = False

    def on_status(self, status: bytes) -> None:
        """The server's words for the status, or a part of them."""
        if not self.status:
            self.phrase += status.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; what comes behind the body is none."""
        if not self.status:
            self.raw_headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if self.whole:
            return
        assert self._parser is not None
        status: Any = self._parser.get_status_code()
        if status == 101:
            self._fail(HttpError("it wants to speak something else than HTTP"))
            return
        if not 100 <= status < 600:
            self._fail(HttpError(f"it answers {status:03}, which is no status"))
            return
        if status < 200:  # something before the answer, RFC 9110, section 15.2
            self._interim = True
            return
        self._kept = self._parser.should_keep_alive()
        framed = any(name in (b"content-length", b"transfer-encoding") for name, _ in self.raw_headers)
        self._until_end = not framed and status not in (204, 304)
        self.status = status

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if self.status and not self.whole:
            self._aside = 0
            self._blocks.append(body)
            self._size += len(body)

    def on_message_complete(self) -> None:
        """All has come."""
        if self._interim:
            self._interim, self.phrase = False, ""
            self.raw_headers.clear()
        else:
            self.whole = True


def _written(method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body is not None:
        lines.append(f"content-length: {len(body)}")
    head = "\r\n".join([*lines, "", ""])
    if head.count("\n") != len(lines) + 1 or head.count("\r") != len(lines) + 1 or "\0" in head:
        raise ValueError("a header holds the end of a line")
    data = head.encode("latin-1")
    return data + body if body else data


def words(error: OSError) -> str:
    """What an error of the network says."""
    if isinstance(error, ssl.SSLError):  # its number is of another list
        return _OF_OPENSSL.sub("", str(error))
    number = error.errno  # of names that nobody knows it is below 0, and of another list
    if number and number > 0:
        return os.strerror(number).lower()
    return str(error.strerror or error) or type(error).__name__
