"""What servers answer, read as if they meant harm: no further, no longer and no deeper than is sane."""

import asyncio
import json
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from shadowprice._json import MAX_DEPTH, is_too_deep
from shadowprice._text import shown

if TYPE_CHECKING:  # whoever asks a server loads the client, and not all who import beliefs
    from yarl import URL

    from shadowprice._connections import Connections
    from shadowprice._exchange import Answer

_T = TypeVar("_T")
PLAIN: Final[Mapping[str, str]] = {"Accept-Encoding": "identity"}
"""Headers that ask for an answer which is as long as it looks."""
_JSON: Final = json.JSONDecoder(parse_constant=lambda _: None)
"""Made once: `json.loads` would make one for every piece of every reply."""


class PageError(ValueError):
    """An answer is not one that may be read; the message ends the sentence "The answer cannot be read: ..."."""


@dataclass(frozen=True, slots=True)
class Page:
    """A whole answer."""

    status: int
    """The HTTP status."""
    headers: Mapping[str, str]
    """By their names in lower case."""
    content: bytes
    """The body."""


def decode_json(text: str | bytes) -> Any:
    """What a JSON text says. Numbers that are none (``NaN``, ``Infinity``) are None.

    Raises:
        ValueError: It is no JSON, holds a number of thousands of digits, or is deeper than 100 levels.
    """
    try:
        data = _JSON.decode(text if isinstance(text, str) else text.decode("utf-8"))
    except RecursionError:
        raise ValueError(f"it is deeper than {MAX_DEPTH} levels") from None
    if is_too_deep(data, text):
        raise ValueError(f"it is deeper than {MAX_DEPTH} levels")
    return data


def check_plain(response: "Answer") -> None:
    """Refuse an answer that is compressed, which nobody asked for: a few bytes of it may be gigabytes.

    Raises:
        PageError: It is.
    """
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity"):
        raise PageError(f"it is compressed ({shown(coding)}), which was not asked for")


async def read_body(response: "Answer", most: int) -> bytes:
    """The body of an answer whose head has come.

    Args:
        response: Opened as a stream.
        most: Bytes of the longest body that is read.

    Raises:
        PageError: It is compressed, or longer.
    """
    check_plain(response)
    body = bytearray()
    while block := await response.read():
        body += block
        if len(body) > most:
            raise PageError(f"it is longer than {most} bytes")
    return bytes(body)


async def fetch(
    connections: "Connections", method: str, url: "URL", *, seconds: float, most: int, asked: Any = None
) -> Page:
    """Ask for a whole page; where it points elsewhere is not followed.

    Args:
        connections: To the server.
        method: Of HTTP.
        url: The page.
        seconds: For all of it, from the name of the server to the last byte.
        most: Bytes of the longest body that is read.
        asked: Sent as JSON, if there is anything to send.

    Raises:
        TimeoutError: The time is over.
        PageError: The body is not one that may be read.
        shadowprice._exchange.HttpError: The server cannot be reached, or does not speak HTTP.
    """
    headers, body = dict(PLAIN), None
    if asked is not None:
        headers["content-type"], body = "application/json", json.dumps(asked).encode()
    async with asyncio.timeout(seconds):
        response = await connections.request(method, url, body, headers)
        try:
            return Page(response.status, response.headers, await read_body(response, most))
        finally:
            connections.part(response)


def wait_for(work: Coroutine[Any, Any, _T]) -> _T:
    """What a coroutine gives, for callers that cannot wait for it: in a loop of its own, also inside another one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
