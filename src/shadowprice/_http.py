"""The HTTP client: how it is set up, and what went wrong in words that hold neither URLs nor headers."""

import os
import re
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast
from urllib.request import getproxies, proxy_bypass

import aiohttp
import truststore
from yarl import URL

from shadowprice._errors import InputError

_CONNECT: Final = 10.0
"""Seconds until a server must have taken a connection, the search for its address and TLS included."""
_IDLE: Final = 4.0
"""Seconds for which a connection is kept for the next request; many servers close theirs after five."""
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


def open_session(
    url: str, *, headers: Mapping[str, str] | None = None, proxy: str | None = None, keep: bool = True
) -> aiohttp.ClientSession:
    """A client for as many connections as are wanted, inside a running event loop; to be closed.

    It keeps no cookies, unpacks nothing, and reads neither ``.netrc`` nor proxies from the environment. Only finding a
    server has a limit of time; the rest is timed by whoever asks.

    Args:
        url: Of the server that is asked, or any page of it.
        headers: Sent with every request.
        proxy: What stands between, from `proxy_for`.
        keep: Whether connections are kept for further requests.
    """
    # Reading the certificates takes as long as asking a hundred times.
    secure = any(one.lower().startswith("https:") for one in (url, proxy or ""))
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=0,
            ssl=_trusted() if secure else True,
            # Named because an installed aiodns would take its place, which knows fewer of a machine's names.
            resolver=aiohttp.ThreadedResolver(),
            **({"keepalive_timeout": _IDLE} if keep else {"force_close": True}),
        ),
        headers=headers,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=_CONNECT),
        auto_decompress=False,
        proxy=proxy,
    )


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


def is_unreachable(error: aiohttp.ClientError) -> bool:
    """Whether there was no server, or no way to it."""
    return isinstance(
        error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.ClientHttpProxyError
    )


def words(error: aiohttp.ClientError) -> str:
    """What went wrong. The error itself is not to be repeated or chained: it holds what was sent, keys and all."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answered {error.status} {error.message}"
    if isinstance(error, aiohttp.ClientResponseError):
        return error.message
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return f"it took no connection within {_CONNECT:g} s"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it closed the connection"
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error, aiohttp.ClientSSLError):
        number = error.os_error.errno  # of names that nobody knows it is below 0, and of another list
        return os.strerror(number).lower() if number and number > 0 else str(error.os_error.strerror or error.os_error)
    if isinstance(error, aiohttp.InvalidURL):
        return "the URL is none"
    return str(error) or type(error).__name__


def hang_up(response: aiohttp.ClientResponse) -> None:
    """Close the connection of a response that was not read to its end, and at once: TLS would ask the server first."""
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()


def unread(content: aiohttp.StreamReader) -> bytes:
    """What had arrived of a body before its connection broke, and was not read yet; the client would forget it."""
    content.set_exception(cast("Any", None))
    return content.read_nowait()


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
