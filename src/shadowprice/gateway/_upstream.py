"""The servers that generate, and whether they can be asked."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Literal

from yarl import URL

from shadowprice._connections import Connections
from shadowprice._errors import EngineError, InputError
from shadowprice._exchange import Answer
from shadowprice._http import NoWayError
from shadowprice._pages import PLAIN
from shadowprice.engines import DIALECTS, Dialect, Server, ServerAddress, get_dialect, identify, split_url

OnLeave = Literal["abort", "drain"]
_OVERSHOOT: Final = 4
"""Tokens that a server makes between the last piece that was read and its noticing that nobody reads on."""
_OVERSHOOT_NEARBY: Final = 2
"""The same for a server on this machine."""
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0
"""Seconds for which a server that could not be reached is asked only if no other can be."""
_LOOK: Final = 5.0
"""Seconds for a look at whether a server is back."""


@dataclass(frozen=True, slots=True)
class UpstreamChoice:
    """A server as somebody names it."""

    url: str
    """Base URL; ``vllm+http://host:8000/v1`` names the dialect."""
    key: str | None = field(default=None, repr=False)
    """Sent to it as a bearer token."""
    on_leave: OnLeave = "abort"
    """What becomes of a reply whose client has left: it is stopped, or read to its end, which the market may set."""
    overshoot: int | None = None
    """Tokens to allow for what it makes after it was told to stop; 4, or 2 on this machine."""


class Upstream:
    """One server. To be used in one event loop.

    Args:
        choice: What was named.

    Raises:
        InputError: The URL, the key, or what shall happen when a client leaves is not what it should be.
    """

    def __init__(self, choice: UpstreamChoice) -> None:
        named, url = split_url(choice.url)
        if choice.on_leave not in ("abort", "drain"):
            raise InputError(f"'on-leave' is {choice.on_leave!r:.40}; write abort or drain.")
        self.address = ServerAddress(url, choice.key)
        self.on_leave = choice.on_leave
        usual = _OVERSHOOT_NEARBY if self.address.local else _OVERSHOOT
        self.overshoot = usual if choice.overshoot is None else choice.overshoot
        self.named = named
        self.dialect: Dialect = DIALECTS[named or "openai"]
        self.models: tuple[str, ...] = ()
        self.running = 0
        """Replies that it is asked for."""
        self.failures = 0
        """Times in a row that it could not be reached."""
        self._until = 0.0
        self.connections = Connections(self.address.shown, proxy=self.address.proxy())
        self._own = self.address.headers()
        self._urls: dict[str, URL] = {}

    @property
    def hides_nothing(self) -> bool:
        """Whether it sends each token as it makes it, so that of whom nothing came has made next to nothing.

        A server of which nobody knows what it is may think for a minute first, or have something before it that hands
        on replies when they are whole.
        """
        return self.dialect.name != "openai"

    @property
    def healthy(self) -> bool:
        """Whether it could be reached when it was last asked, or that is some time ago."""
        return not self.failures or time.monotonic() >= self._until

    def identified(self, server: Server) -> None:
        """Take over what a server says of itself."""
        self.models = server.models
        if self.named is None and server.dialect is not None:
            self.dialect = get_dialect(server.dialect)

    async def look(self) -> bool:
        """Find out what it is; whether it could be reached."""
        try:
            self.identified(await asyncio.to_thread(identify, self.address))
        except EngineError:
            self.failed()
            return False
        self.answered()
        return True

    def failed(self) -> None:
        """It could not be reached."""
        self._until = time.monotonic() + min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**self.failures)
        self.failures = min(self.failures + 1, 10)

    def answered(self) -> None:
        """It could be reached."""
        self.failures = 0

    async def ask(self, method: str, path: str, content: bytes | None, headers: dict[str, str]) -> Answer:
        """Send a request; the answer's body is yet to be read, and then given to `connections.part`.

        Args:
            method: Of HTTP.
            path: Below the server's root, as ours are: ``/v1/models``.
            content: The body.
            headers: Of the client's, those that go on.

        Raises:
            NoWayError: Nobody took it.
            HttpError: The connection broke before an answer came.
        """
        url = self._urls.get(path)
        if url is None:  # making one takes as long as reading a reply
            url = self._urls[path] = self.address.asked(self.address.endpoint(path.removeprefix("/v1")))
        sent = {**headers, **PLAIN, **self._own}
        try:
            return await self.connections.request(method, url, content, sent)
        except NoWayError:
            self.failed()
            raise

    async def aclose(self) -> None:
        """Close all connections."""
        await self.connections.aclose()


class Upstreams:
    """All servers.

    Args:
        upstreams: At least one.
    """

    def __init__(self, upstreams: Sequence[Upstream]) -> None:
        self.all = tuple(upstreams)

    @property
    def healthy(self) -> bool:
        """Whether any can be asked."""
        return any(one.healthy for one in self.all)

    def order(self, model: str) -> list[Upstream]:
        """Whom to ask for a model, the best first: those that have it and can be reached, the least busy among them."""
        having = [one for one in self.all if model in one.models] or list(self.all)
        return sorted(having, key=lambda one: (not one.healthy, one.running))

    async def watch(self) -> None:
        """Look after those that cannot be reached, until cancelled."""
        while True:
            await asyncio.sleep(_FIRST_PAUSE)
            for one in self.all:
                if one.failures and one.healthy:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_LOOK):
                            await one.look()

    async def aclose(self) -> None:
        """Close all connections."""
        for one in self.all:
            await one.aclose()
