"""What went wrong between us and a server, as errors of one sentence without secrets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from shadowprice._errors import BrokenReplyError, RefusedError, StalledError, UnreachableError
from shadowprice._pages import decode_json
from shadowprice._text import shown
from shadowprice.engines._address import ServerAddress
from shadowprice.engines._retry_after import read_retry_after

_LONGEST: Final = 300
"""Characters of what a server says that are repeated."""
_RETRYABLE: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_SPENT: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached", "budget_exhausted"})
"""Codes of a 429 that waiting does not help."""


@dataclass(frozen=True, slots=True)
class Complaints:
    """Errors about one request to one server."""

    address: ServerAddress
    subject: str
    """What was asked, at the beginning of the sentence: `Request q7`."""

    def unreachable(self, how: str) -> UnreachableError:
        """Nobody answered."""
        return UnreachableError(
            f"{self.subject}: no server can be reached at {self.address.shown} ({self._quote(how)}): "
            "start it, or correct the URL.",
            retryable=True,
        )

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> RefusedError:
        """The server answered with an HTTP error instead of a reply."""
        said, code = _explanation(body)
        wait = read_retry_after(headers)
        retryable = status in _RETRYABLE and code not in _SPENT
        if (wish := headers.get("x-should-retry")) in ("true", "false"):
            retryable = wish == "true"
        return RefusedError(
            f"{self.subject}: {self.address.shown} refused it with HTTP {status}"
            f" ({self._quote(said or _phrase(status))}): {_advice(status, wait, retryable=retryable)}.",
            retryable=retryable,
            retry_after=wait,
        )

    def failed(self, error: Any, tokens: int) -> RefusedError:
        """The server reported an error in the middle of a reply."""
        said, code = _explanation(json.dumps({"error": error}).encode())
        number = (
            int(code) if code.isdecimal() and len(code) == 3 else 400 if "invalid" in code or "context" in code else 500
        )
        retryable = number in _RETRYABLE
        advice = "ask again" if retryable else _advice(number, None, retryable=False)
        return RefusedError(
            f"{self.subject}: {self.address.shown} failed after {_tokens(tokens)} ({self._quote(said)}): {advice}.",
            retryable=retryable,
            tokens=tokens,
        )

    def stalled(self, seconds: float, tokens: int) -> StalledError:
        """Nothing came for too long."""
        return StalledError(
            f"{self.subject}: {self.address.shown} sent nothing for {seconds:g} s after {_tokens(tokens)}: "
            "ask less at once, or raise `stall`.",
            retryable=True,
            tokens=tokens,
        )

    def late(self, seconds: float, tokens: int) -> StalledError:
        """The reply as a whole took too long."""
        return StalledError(
            f"{self.subject}: {self.address.shown} had not finished after {seconds:g} s and {_tokens(tokens)}: "
            "lower the cap, or raise `timeout`.",
            retryable=True,
            tokens=tokens,
        )

    def slow(self, seconds: float) -> StalledError:
        """A page took too long as a whole."""
        return StalledError(
            f"{self.subject}: {self.address.shown} had not answered in full after {seconds:g} s: "
            "see whether it is busy, and ask again.",
            retryable=True,
        )

    def unread(self, how: Exception) -> BrokenReplyError:
        """What it answered is no page that may be read."""
        return BrokenReplyError(
            f"{self.subject}: the answer of {self.address.shown} cannot be read ({self._quote(how)}): "
            "check the URL, which usually ends in /v1."
        )

    def broken(self, how: str | Exception, tokens: int, *, advice: str = "ask again") -> BrokenReplyError:
        """The reply did not come to its end, or makes no sense."""
        return BrokenReplyError(
            f"{self.subject}: the reply of {self.address.shown} broke off after {_tokens(tokens)} "
            f"({self._quote(how)}): {advice}.",
            retryable=advice == "ask again",
            tokens=tokens,
        )

    def _quote(self, said: str | Exception) -> str:
        words = self.address.redact(str(said) or type(said).__name__).split()
        # A server's words end up on terminals, which obey some characters.
        line = shown(" ".join(words)).rstrip(".")
        return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"


def _explanation(body: bytes) -> tuple[str, str]:
    """What a server says in an error's body, and its code; empty where it says nothing readable."""
    text = body.decode("utf-8", "replace").strip()
    try:
        data = decode_json(text)
    except ValueError:
        return ("", "") if text.startswith("<") else (text, "")
    if isinstance(data, Mapping):
        error = data.get("error") or data
        if isinstance(error, Mapping):
            said = error.get("message") or error.get("detail") or error
            return str(said), str(error.get("code") or error.get("type") or "")
        return str(error), ""
    return str(data), ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no reason given"


def _advice(status: int, wait: float | None, *, retryable: bool) -> str:
    if wait is not None and retryable:
        return f"wait {wait:g} s and ask again"
    if 300 <= status < 400:
        return "give the URL that it points to"
    if status in (401, 403):
        return "check the API key"
    if status in (404, 405):
        return "check the URL, which usually ends in /v1, and the name of the model"
    if status == 429:
        return "ask less at once" if retryable else "raise the quota"
    if retryable or status >= 500:
        return "ask again, and see the server's log if it stays so"
    return "change the request as it says, or choose another dialect"


def _tokens(tokens: int) -> str:
    return "1 token" if tokens == 1 else f"{tokens} tokens"
