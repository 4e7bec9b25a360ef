"""Headers: which of them go on, and what is explained in ours."""

from collections.abc import Iterable
from typing import Final

from shadowprice.gateway._refusals import Headers

_HOP_BY_HOP: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te"}
    | {b"trailer", b"transfer-encoding", b"upgrade"}
)
"""What belongs to one connection, RFC 9110, section 7.6.1."""
KEYS: Final = (b"authorization", b"x-api-key", b"api-key")
"""Headers in which clients send a key."""
_NOT_ON: Final = _HOP_BY_HOP | frozenset(
    {b"host", b"content-length", b"content-type", b"accept", b"accept-encoding", b"expect", b"cookie", *KEYS}
    | {b"forwarded", b"via", b"x-real-ip"}
)
"""What is about the request to us, and not about the one that we send."""
_NOT_BACK: Final = _HOP_BY_HOP | frozenset(
    {b"content-length", b"set-cookie", b"date", b"server", b"alt-svc", b"content-encoding"}
)
_OURS: Final = b"x-shadowprice-"
_LIMITS: Final = b"x-ratelimit-"


def named_by_connection(headers: Iterable[tuple[bytes, bytes]]) -> set[bytes]:
    """Headers that the header `Connection` makes hop-by-hop."""
    return {
        name.strip().lower() for key, value in headers if key.lower() == b"connection" for name in value.split(b",")
    }


def sent_on(headers: Headers, *, keys: bool) -> dict[str, str]:
    """What of a client's headers its server gets, names in lower case.

    Args:
        headers: As they came.
        keys: Whether the client's own key goes on, because the server knows it and we ask for none.
    """
    dropped = named_by_connection(headers)
    return {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in headers
        if (name not in _NOT_ON or (keys and name in KEYS))
        and name not in dropped
        and not name.startswith((b"x-forwarded-", _OURS))
    }


def sent_back(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """What of a server's headers its client gets, names in lower case."""
    pairs = [(name.lower(), value) for name, value in headers]
    dropped = named_by_connection(pairs)
    return [
        (name, value)
        for name, value in pairs
        if name not in _NOT_BACK and name not in dropped and not name.startswith((_OURS, _LIMITS))
    ]


def priced(price: float) -> tuple[bytes, bytes]:
    """The price at which it was let in, or was not."""
    return b"x-shadowprice-price", b"%.6g" % price


def told(price: float, granted: int, outcome: str, generated: int | None = None) -> Headers:
    """What is explained of a reply, as far as it is known."""
    found = [
        priced(price),
        (b"x-shadowprice-granted", b"%d" % granted),
        (b"x-shadowprice-outcome", outcome.encode()),
    ]
    if generated is not None:
        found.append((b"x-shadowprice-generated", b"%d" % generated))
    return found


def limits(budget: int, left: int, seconds: float) -> Headers:
    """OpenAI's headers about a budget: all of it, what is left, and the time until it is renewed."""
    return [
        (b"x-ratelimit-limit-tokens", b"%d" % budget),
        (b"x-ratelimit-remaining-tokens", b"%d" % max(0, left)),
        (b"x-ratelimit-reset-tokens", _duration(seconds)),
    ]


def _duration(seconds: float) -> bytes:
    """As OpenAI writes it: ``1h2m3s``, ``6m0s``, ``250ms``."""
    if seconds < 1:
        return b"%dms" % max(0, round(seconds * 1000))
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return b"%dh%dm%ds" % (hours, minutes, rest)
    return b"%dm%ds" % (minutes, rest) if minutes else b"%ds" % rest
