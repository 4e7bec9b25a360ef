"""What a client is told when it gets no reply, in the shape that OpenAI's clients read."""

import json
import math
from typing import Any, Final

from shadowprice._text import shown

Headers = list[tuple[bytes, bytes]]

_JSON: Final = (b"content-type", b"application/json")
_TYPES: Final = {
    401: "authentication_error",
    404: "not_found_error",
    429: "tokens",
    499: "client_left",
}


class RefusedRequestError(Exception):
    """A request gets no reply; the message is a sentence for whoever sent it.

    Args:
        status: Of HTTP.
        message: One sentence, without anything secret.
        code: A word for programs.
        param: The field of the request that is wrong.
        wait: Seconds after which it may be asked again; None leaves that open.
        again: Whether asking the same again helps; None leaves that to the client.
        more: Further headers.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str,
        *,
        param: str | None = None,
        wait: float | None = None,
        again: bool | None = None,
        more: Headers | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param
        self.wait = wait
        self.again = again
        self.more = more or []

    @property
    def kind(self) -> str:
        """What OpenAI calls errors of this status."""
        return _TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")

    def body(self) -> bytes:
        """The error as JSON."""
        error: dict[str, Any] = {"message": str(self), "type": self.kind, "param": self.param, "code": self.code}
        # Anthropic's clients look for a type at the top, and all others pass it over.
        return json.dumps({"type": "error", "error": error}).encode()

    def headers(self) -> Headers:
        """What belongs to it beside the body, the length not among it."""
        found = [_JSON, *self.more]
        if self.wait is not None:
            found.append((b"retry-after", str(max(1, math.ceil(self.wait))).encode()))
        if self.again is not None:
            found.append((b"x-should-retry", b"true" if self.again else b"false"))
        return found


def bad_request(message: str, param: str | None = None, code: str = "invalid_value") -> RefusedRequestError:
    """The request is not what it should be."""
    return RefusedRequestError(400, message, code, param=param)


def not_found(path: str) -> RefusedRequestError:
    """There is no such page."""
    return RefusedRequestError(
        404, f"Nothing is served at {path!a:.100}; see {'/v1/models'} and the page docs/gateway.md.", "unknown_url"
    )


def in_a_line(error: Exception | str) -> str:
    """What a server or a library says, short and fit for a log."""
    text = shown(str(error))
    return text if len(text) <= 200 else text[:199] + "…"
