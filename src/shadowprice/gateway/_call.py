"""What a request asks for."""

from dataclasses import dataclass
from typing import Any, Final

from shadowprice._pages import decode_json
from shadowprice._text import kept, shown
from shadowprice.gateway._protocol import AbstractProtocol, Json, flag
from shadowprice.gateway._refusals import bad_request

_LONGEST_NAME: Final = 120
_MOST_INSIDE: Final = 100_000
_MOST_COMMAS: Final = 1_000_000
"""Lists and objects, and what they hold, in one body: nobody else is served while it is read."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request for a generation."""

    protocol: AbstractProtocol
    body: Json
    """As the client sent it."""
    stream: bool
    """Whether it wants the reply piece by piece."""
    usage: bool
    """Whether it wants to be told the usage of a streamed reply."""
    choices: int
    """Replies that it asks for."""
    most: int | None
    """Tokens of each reply, at most; None leaves that to us."""
    model: str
    """The model that it names, fit to be shown; empty if it names none."""


def read_call(protocol: AbstractProtocol, content: bytes) -> Call:
    """What the body of a request asks for.

    Only what changes what a reply may cost is checked here; all else is for the server to judge.

    Raises:
        RefusedRequestError: It is no JSON object, or asks for something in a way that servers read differently.
    """
    if content.count(b"[") + content.count(b"{") > _MOST_INSIDE or content.count(b",") > _MOST_COMMAS:
        raise bad_request(
            "The body holds more lists, objects or commas than are read here; send less.", code="too_large"
        )
    try:
        body: Any = decode_json(content)
    except UnicodeDecodeError as error:
        raise bad_request(f"The body is not UTF-8 text (byte {error.start}); send JSON.", code="invalid_json") from None
    except ValueError as error:
        raise bad_request(
            f"The body is not JSON that is read here ({_short(str(error))}).", code="invalid_json"
        ) from None
    if not isinstance(body, dict):
        raise bad_request("The body is no JSON object; send one.", code="invalid_json")
    model = body.get("model")
    if model is not None and not isinstance(model, str):
        raise bad_request("'model' is no text; name one model.", "model")
    stream = flag(body, "stream")
    options = body.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise bad_request("'stream_options' is no object; correct it.", "stream_options")
    usage = options is not None and options.get("include_usage") is True
    return Call(
        protocol,
        body,
        stream,
        usage,
        protocol.choices(body),
        protocol.most(body),
        shown(kept(_short(model or ""))),
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"
