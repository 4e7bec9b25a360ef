"""Which server this is, asked politely: no token is generated."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shadowprice._connections import Connections
from shadowprice._errors import EngineError
from shadowprice._exchange import HttpError
from shadowprice._http import NoWayError
from shadowprice._pages import Page, PageError, decode_json, fetch, wait_for
from shadowprice.engines._address import ServerAddress
from shadowprice.engines._complaints import Complaints
from shadowprice.engines._dialects import DIALECTS

_PATIENCE: Final = 10.0
"""Seconds for each page, from the first byte asked to the last one answered."""
_MOST_BYTES: Final = 4 << 20
"""Bytes of a page."""
_MOST_COUNTED: Final = 2.0**53
"""Tokens that a metric may count; beyond, it is none."""
_OWNERS: Final = {
    "vllm": "vllm",
    "sglang": "sglang",
    "llamacpp": "llamacpp",
    "openai": "openai",
    "openai-internal": "openai",
    "system": "openai",
}
"""What a server says of its models in `owned_by`, and the dialect that this gives away."""
_SIGNS: Final = (
    ("/api/version", "ollama"),
    ("/get_model_info", "sglang"),
    ("/props", "llamacpp"),
    ("/version", "vllm"),
)
"""Pages that only one kind of server has; the commonest name goes last."""
_VERSIONS: Final = {"vllm": "/version", "sglang": "/get_server_info", "llamacpp": "/props", "ollama": "/api/version"}
COUNTERS: Final = (
    "llamacpp:tokens_predicted_total",
    "vllm:generation_tokens_total",
    "sglang:generation_tokens_total",
)
"""Metrics that count all tokens a server has generated."""


@dataclass(frozen=True, slots=True)
class Server:
    """What a server says of itself."""

    dialect: str | None
    """The dialect that it speaks, by name; None if it does not look like any server that is known."""
    version: str | None
    """Its version, where it tells."""
    models: tuple[str, ...]
    """Names of its models; empty where it does not list them."""
    counter: str | None
    """The metric that counts generated tokens, where it has one."""

    @property
    def software(self) -> str:
        """The server's own name."""
        return "unknown" if self.dialect is None else DIALECTS[self.dialect].software


def identify(address: ServerAddress) -> Server:
    """Ask a server what it is, in up to seven short requests.

    Raises:
        UnreachableError: Nobody answers.
        RefusedError: The API key is not taken.
        EngineError: The server answers, but not in HTTP.
    """
    return wait_for(_identify(address))


def read_counter(address: ServerAddress, counter: str) -> int | None:
    """How many tokens the server says it has generated for everybody; None if it does not say, or says no number."""
    metrics = wait_for(_metrics(address))
    lines = re.findall(rf"^{counter}(?:{{[^}}\n]*}})?[ \t]+(\S+)", metrics, flags=re.MULTILINE)
    values = [_number(line) for line in lines]
    total = math.fsum(value for value in values if value is not None)
    return int(total) if values and None not in values and total <= _MOST_COUNTED else None


async def _identify(address: ServerAddress) -> Server:
    async with _Visitor(address) as visitor:
        listing = await visitor.get(address.endpoint("/models"))
        if listing.status in (401, 403):
            raise visitor.complaints.refused(listing.status, listing.headers, listing.content)
        models = _models(_json(listing.content))
        dialect = _owner(models) or await visitor.recognise(listing.headers)
        names = tuple(name for model in models if isinstance(name := model.get("id"), str) and name)
        return Server(dialect, await visitor.version(dialect), names, _counter(await visitor.metrics()))


async def _metrics(address: ServerAddress) -> str:
    async with _Visitor(address) as visitor:
        return await visitor.metrics()


class _Visitor:
    """Looks at a server's pages."""

    def __init__(self, address: ServerAddress) -> None:
        self.complaints = Complaints(address, "Looking at the server")
        self._address = address
        self._proxy = address.proxy()

    async def __aenter__(self) -> "_Visitor":
        headers = self._address.headers()
        self._connections = Connections(self._address.shown, headers=headers, proxy=self._proxy)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._connections.aclose()

    async def get(self, url: str) -> Page:
        try:
            page = self._address.asked(url)
            return await fetch(self._connections, "GET", page, seconds=_PATIENCE, most=_MOST_BYTES)
        except PageError as error:
            raise self.complaints.unread(error) from error
        except NoWayError as error:
            raise self.complaints.unreachable(str(error)) from error
        except HttpError as error:
            raise self.complaints.broken(error, 0) from error
        except TimeoutError as error:
            raise self.complaints.slow(_PATIENCE) from error

    async def page(self, path: str) -> bytes:
        """A page beside the API; empty if it is not there, or cannot be had."""
        try:
            page = await self.get(self._address.beside(path))
        except EngineError:
            return b""
        return page.content if page.status == 200 else b""

    async def recognise(self, headers: Mapping[str, str]) -> str | None:
        if "llama.cpp" in headers.get("server", ""):
            return "llamacpp"
        for path, name in _SIGNS:
            if isinstance(_json(await self.page(path)), Mapping):
                return name
        return None

    async def version(self, dialect: str | None) -> str | None:
        page = _json(await self.page(_VERSIONS[dialect])) if dialect in _VERSIONS else None
        if not isinstance(page, Mapping):
            return None
        found = page.get("version") or page.get("build_info")
        return found if isinstance(found, str) else None

    async def metrics(self) -> str:
        return (await self.page("/metrics")).decode("utf-8", "replace")


def _json(content: bytes) -> Any:
    try:
        return decode_json(content)
    except ValueError:
        return None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= _MOST_COUNTED else None


def _models(listing: Any) -> list[Mapping[str, Any]]:
    data = listing.get("data") if isinstance(listing, Mapping) else None
    return [model for model in data if isinstance(model, Mapping)] if isinstance(data, list) else []


def _owner(models: list[Mapping[str, Any]]) -> str | None:
    return next((_OWNERS[owner] for model in models if (owner := str(model.get("owned_by"))) in _OWNERS), None)


def _counter(metrics: str) -> str | None:
    return next((counter for counter in COUNTERS if re.search(rf"^{counter}[{{\s]", metrics, re.MULTILINE)), None)
