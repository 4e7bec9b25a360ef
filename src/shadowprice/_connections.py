"""Connections to one server that are kept, and what becomes of a request that one of them has lost."""

import io
import time
from collections.abc import Mapping
from typing import Final

import aiohttp
from yarl import URL

from shadowprice._http import is_unreachable, open_session

_AT_ONCE: Final = 0.5
"""Seconds within which a connection that was closed before is found to be lost; later, its server was at work."""
_LARGE: Final = 1 << 20
"""Bytes of a request that are sent at once."""


class Connections:
    """Sends requests over kept connections. To be used in one event loop.

    A server may close a connection that was kept just when the next request comes; llama.cpp does, often. Other kept
    ones may be closed as well, so such a request is sent once more on a connection of its own.

    Args:
        url: Of the server, or any page of it.
        headers: Sent with every request.
        proxy: What stands between.
    """

    def __init__(self, url: str, *, headers: Mapping[str, str] | None = None, proxy: str | None = None) -> None:
        self._url, self._headers, self._proxy = url, headers, proxy
        self._session: aiohttp.ClientSession | None = None
        self._once: aiohttp.ClientSession | None = None
        self.kept = False
        """Whether a connection may have been kept for a further request; for whoever reads responses to say."""

    async def request(
        self, method: str, url: URL, body: bytes | None, headers: Mapping[str, str] | None = None
    ) -> aiohttp.ClientResponse:
        """Send a request; the response's body is yet to be read. Redirects are not followed.

        Raises:
            aiohttp.ClientError: There is no way to the server, or the connection broke before an answer came.
        """
        if self._session is None:
            self._session = self._open(keep=True)
        began = time.monotonic()
        try:
            return await _send(self._session, method, url, body, headers)
        except (aiohttp.ClientOSError, aiohttp.ClientConnectionResetError, aiohttp.ServerDisconnectedError) as lost:
            if not self.kept or is_unreachable(lost) or time.monotonic() - began > _AT_ONCE:
                raise
        if self._once is None:
            self._once = self._open(keep=False)
        return await _send(self._once, method, url, body, headers)

    async def aclose(self) -> None:
        """Close all connections."""
        for session in (self._session, self._once):
            if session is not None:
                await session.close()

    def _open(self, *, keep: bool) -> aiohttp.ClientSession:
        return open_session(self._url, headers=self._headers, proxy=self._proxy, keep=keep)


async def _send(
    session: aiohttp.ClientSession, method: str, url: URL, body: bytes | None, headers: Mapping[str, str] | None
) -> aiohttp.ClientResponse:
    data = body if body is None or len(body) <= _LARGE else io.BytesIO(body)
    return await session.request(method, url, data=data, headers=headers, allow_redirects=False)
