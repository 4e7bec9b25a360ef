"""How servers are reached: URLs, proxies, TLS, and what goes wrong in words that hold neither URLs nor headers."""

import asyncio
import base64
import os
import re
import socket
import ssl
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.request import getproxies, proxy_bypass

import aiohappyeyeballs
import truststore
from yarl import URL

from shadowprice._errors import InputError
from shadowprice._exchange import Connection, HttpError, words

_CONNECT: Final = 10.0
"""Seconds until a server must have taken a connection, the search for its address and TLS included."""
_FIRST: Final = 0.25
"""Seconds that the first of a server's addresses gets before the next one is tried beside it, RFC 8305."""
_REMEMBERED: Final = 10.0
"""Seconds for which a server's addresses are remembered."""
_AS_WRITTEN: Final = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*")
"""URLs of these characters only are sent as they are; whatever else is in one is quoted."""
_BUNDLES: Final = (
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
)
"""Where Linux keeps the certificates that it trusts; a Python that was built elsewhere may look in another place."""


class NoWayError(HttpError):
    """There was no server, or no way to it, so that it has certainly heard of nothing."""


def as_url(text: str) -> URL:
    """A URL that is asked for as it is written, as far as HTTP allows.

    Raises:
        ValueError: It is none.
    """
    return URL(text, encoded=_AS_WRITTEN.fullmatch(text) is not None)


def proxy_for(url: str) -> str | None:
    """The proxy that the environment wants between here and a server; None without one.

    Raises:
        InputError: It is no HTTP proxy.
    """
    parts = as_url(url)
    found = getproxies()
    proxy = found.get(parts.scheme) or found.get("all")
    if not proxy or proxy_bypass(parts.authority.rpartition("@")[2]):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    scheme = proxy.partition(":")[0].lower()
    if scheme not in ("http", "https"):
        raise InputError(
            f"The environment names a proxy of the kind {scheme}, and only http and https are known: unset "
            f"{parts.scheme.upper()}_PROXY and ALL_PROXY, or put the server into NO_PROXY."
        )
    return proxy


@dataclass(slots=True)
class Route:
    """The way to one server. Neither ``.netrc`` nor proxies of the environment are looked up here."""

    server: URL
    """Any page of it."""
    proxy: URL | None = None
    """What stands between, from `proxy_for`."""
    _trust: ssl.SSLContext | None = field(default=None, init=False, repr=False)
    _addresses: list[Any] = field(default_factory=list, init=False, repr=False)
    _asked: float = field(default=0.0, init=False, repr=False)
    """When the addresses were asked for, by the loop's clock."""

    def target(self, url: URL) -> str:
        """What a request for a page of this server says it wants, RFC 9112, section 3.2."""
        if self.proxy is None or self.server.scheme == "https":
            return url.raw_path_qs
        return f"http://{self.host}{url.raw_path_qs}"

    @property
    def host(self) -> str:
        """The server's name, and its port if it is not the usual one."""
        return self.server.host_port_subcomponent or ""

    def headers(self) -> dict[str, str]:
        """What every request needs to be let through."""
        return {} if self.proxy is None or self.server.scheme == "https" else _to_proxy(self.proxy)

    async def open(self) -> Connection:
        """A new connection.

        Raises:
            NoWayError: None could be made within ten seconds.
        """
        try:
            async with asyncio.timeout(_CONNECT) as limit:
                return await self._open()
        except TimeoutError as error:
            said = f"it took no connection within {_CONNECT:g} s" if limit.expired() else words(error)
        except HttpError as error:
            said = str(error)
        except OSError as error:  # TLS errors are among them
            said = words(error)
        except ValueError as error:  # a name that cannot be one
            said = f"the URL is none ({error})"
        raise NoWayError(said)

    async def _open(self) -> Connection:
        loop = asyncio.get_running_loop()
        nearest = self.proxy or self.server
        through = await aiohappyeyeballs.start_connection(
            await self._find(loop, nearest), happy_eyeballs_delay=_FIRST, interleave=1, loop=loop
        )
        secure = nearest.scheme == "https"
        _, connection = await loop.create_connection(
            lambda: Connection(loop),
            sock=through,
            ssl=self._trusted() if secure else None,
            server_hostname=nearest.raw_host if secure else None,
        )
        if self.proxy is not None and self.server.scheme == "https":
            try:
                await self._tunnel(loop, connection, self.proxy)
            except BaseException:
                connection.abort()
                raise
        return connection

    async def _tunnel(self, loop: asyncio.AbstractEventLoop, connection: Connection, proxy: URL) -> None:
        """Have the proxy connect us to the server, RFC 9110, section 9.3.6, and speak TLS with that."""
        place = f"{self.server.host_subcomponent}:{self.server.port}"
        answer = connection.ask("CONNECT", place, {"host": place, **_to_proxy(proxy)}, None)
        await answer.head()
        if not 200 <= answer.status < 300:
            raise NoWayError(f"the proxy answered {answer.status} {answer.phrase}")
        made = await loop.start_tls(
            connection.transport, connection, self._trusted(), server_hostname=self.server.raw_host
        )
        if made is None:
            raise NoWayError("the proxy closed the connection")
        connection.tunnelled(made)

    async def _find(self, loop: asyncio.AbstractEventLoop, url: URL) -> list[Any]:
        if not self._addresses or loop.time() - self._asked > _REMEMBERED:
            found = await loop.run_in_executor(
                None, lambda: socket.getaddrinfo(url.raw_host, url.port, type=socket.SOCK_STREAM)
            )
            self._addresses, self._asked = found, loop.time()
        return self._addresses

    def _trusted(self) -> ssl.SSLContext:
        # Reading the certificates takes as long as asking a hundred times.
        if self._trust is None:
            self._trust = _trusted()
        return self._trust


def _to_proxy(proxy: URL) -> dict[str, str]:
    if not proxy.user and not proxy.password:
        return {}
    secret = base64.b64encode(f"{proxy.user or ''}:{proxy.password or ''}".encode()).decode()
    return {"proxy-authorization": f"Basic {secret}"}


def _trusted() -> ssl.SSLContext:
    """Whom the system trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` may name others."""
    if sys.platform != "linux":
        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Here truststore only looks for files, and again with every connection, which OpenSSL before 3.4 never forgets.
    context = ssl.create_default_context()
    if ssl.get_default_verify_paths().cafile is None and "SSL_CERT_DIR" not in os.environ:
        bundle = next((path for path in _BUNDLES if Path(path).is_file()), None)
        if bundle is not None:
            context.load_verify_locations(bundle)
    return context
