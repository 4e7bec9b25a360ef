"""Where a server is and what opens its door, kept apart from what may be shown of it."""

import base64
import ipaddress
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit, urlunsplit

from yarl import URL

from shadowprice._errors import InputError
from shadowprice._http import as_url, proxy_for

_CHAT: Final = "/chat/completions"
_SHORTEST_SECRET: Final = 4
"""Characters; hiding shorter ones would blot out half of every message, and they keep nothing secret anyway."""


class ServerAddress:
    """The base URL of an OpenAI-compatible API, with its key.

    A URL without a path gets ``/v1``; one that ends in ``/chat/completions`` loses that. A user name and password in
    the URL are sent as Basic authentication, and then the key is not sent. Neither they, nor the key, nor the values of
    a query are ever part of `shown` or `repr`.

    Raises:
        InputError: It is no http or https URL, or the key cannot be sent.
    """

    def __init__(self, url: str, api_key: str | None = None) -> None:
        parts = _split(url)
        key = (api_key or "").strip()
        if not (key.isascii() and key.isprintable()):
            raise InputError("The API key holds characters that no HTTP header can carry: copy it anew.")
        host = parts.netloc.rpartition("@")[2]
        path = parts.path.rstrip("/").removesuffix(_CHAT) or "/v1"
        self.shown: Final = urlunsplit((parts.scheme, host, path, "", ""))
        """The base URL, fit for messages, files and logs."""
        self.local: Final = _is_local(parts.hostname or "")
        """Whether the server is on this machine, so that no proxy stands between."""
        self._root = urlunsplit((parts.scheme, host, path.removesuffix("/v1"), "", ""))
        self._query = f"?{parts.query}" if parts.query else ""
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        basic = base64.b64encode(f"{user}:{password}".encode()).decode() if user or password else ""
        self._authorization = f"Basic {basic}" if basic else f"Bearer {key}" if key else ""
        values = [value for _, value in parse_qsl(parts.query)]
        written = [pair.partition("=")[2] for pair in parts.query.split("&")]
        secrets = (key, basic, password, parts.password or "", *values, *written)
        self._secrets = sorted({one for one in secrets if len(one) >= _SHORTEST_SECRET}, key=len, reverse=True)

    def endpoint(self, path: str) -> str:
        """The URL of a path of the API, such as ``/models``, without the query."""
        return self.shown + path

    def beside(self, path: str) -> str:
        """The URL of a path outside the API, such as ``/metrics``, without the query."""
        return self._root + path

    def asked(self, url: str) -> URL:
        """What is asked for at a URL of this server: the same with the query; secret."""
        # Apart, so that a host or a path that must be quoted leaves the query as it is.
        return as_url(str(as_url(url)) + self._query)

    def proxy(self) -> str | None:
        """The proxy that the environment wants, with its password, or None; secret.

        Raises:
            InputError: It is no HTTP proxy.
        """
        return None if self.local else proxy_for(self.shown)

    def headers(self) -> dict[str, str]:
        """What to send along; secret."""
        return {"Authorization": self._authorization} if self._authorization else {}

    def redact(self, text: str) -> str:
        """A text without this address's secrets, should a server have put them there."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def __repr__(self) -> str:
        return f"ServerAddress({self.shown!r})"


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        parts.port  # noqa: B018  # raises if it is none
        host = as_url(f"http://{parts.netloc.rpartition('@')[2]}").host
        known = parts.scheme in ("http", "https") and bool(host)
    except ValueError:
        known = False
    if not known:
        # The URL itself is not repeated: it may hold a password.
        raise InputError("The engine's URL is not one of a server: write it as http://host:port/v1.")
    if "@" in parts.path + parts.query + parts.fragment:
        # Part of a password, most likely, which the slash, question mark or hash in it has cut off.
        raise InputError(
            "The engine's URL holds an @ behind the host: in a password write / as %2F, ? as %3F and # as %23, "
            "and elsewhere @ as %40."
        )
    return parts


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
