"""One request on the wire: its body read within limits, its answer written, and its client's leaving noticed."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from shadowprice.gateway._refusals import Headers, RefusedRequestError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = MutableMapping[str, Any]


class ClientLeftError(Exception):
    """Nobody waits for the answer any more."""


class Wire:
    """What ASGI gives us of one request.

    Args:
        scope: Its head.
        receive: Gives what comes.
        send: Takes what goes.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers: Headers = scope["headers"]
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self._receive = receive
        self._send = send
        self._connection: Any = scope.get("shadowprice.connection")
        self._watching: asyncio.Task[None] | None = None
        self.begun = False
        """Whether the head of an answer was sent."""
        self.left = False
        """Whether the client has gone."""

    async def body(self, most: int) -> bytes:
        """All of the body. That it comes in time is for the server to see to.

        Raises:
            RefusedRequestError: It is longer than `most` bytes.
            ClientLeftError: The client has gone meanwhile.
        """
        length = next((value for name, value in self.headers if name == b"content-length"), b"0")
        if not length.isdigit() or len(length) > 15 or int(length) > most:
            raise _too_long(most)
        blocks: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                self.left = True
                raise ClientLeftError
            blocks.append(message.get("body", b""))
            size += len(blocks[-1])
            if size > most:
                raise _too_long(most)
            if not message.get("more_body"):
                return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def watch(self, leaving: Callable[[], None] | None) -> None:
        """Have somebody told when the client leaves; or nobody any more.

        Under another server than ours, a task waits for it: ASGI knows no other way.
        """
        if self._connection is not None:
            self._connection.leaving = leaving
            if self._connection.lost and leaving is not None:  # it was faster
                leaving()
            return
        if self._watching is not None:
            self._watching.cancel()
        self._watching = None if leaving is None else asyncio.create_task(self._wait(leaving))

    async def _wait(self, leaving: Callable[[], None]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        leaving()

    async def begin(self, status: int, headers: Headers) -> None:
        """Send the head of an answer."""
        self.begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, block: bytes) -> None:
        """Send a part of the body."""
        await self._send({"type": "http.response.body", "body": block, "more_body": True})

    async def end(self, block: bytes = b"") -> None:
        """Send the last part of the body."""
        await self._send({"type": "http.response.body", "body": block, "more_body": False})

    async def answer(self, status: int, headers: Headers, content: bytes) -> None:
        """Send a whole answer."""
        await self.begin(status, [*headers, (b"content-length", b"%d" % len(content))])
        await self.end(content)


def _too_long(most: int) -> RefusedRequestError:
    return RefusedRequestError(
        413, f"The body is longer than {most} bytes; send less, or raise 'max-body'.", "request_too_large"
    )
