"""Which server this is, asked politely: no token is generated."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2

from shadowprice._errors import EngineError
from shadowprice.engines._address import ServerAddress
from shadowprice.engines._complaints import Complaints
from shadowprice.engines._dialects import DIALECTS

_PATIENCE: Final = 10.0
"""Seconds for each question."""
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
    with _Visitor(address) as visitor:
        listing = visitor.get(address.endpoint("/models"))
        if listing.status_code in (401, 403):
            raise visitor.complaints.refused(listing.status_code, listing.headers, listing.content)
        models = _models(_json(listing.content))
        dialect = _owner(models) or visitor.recognise(listing.headers)
        names = tuple(str(model["id"]) for model in models if model.get("id"))
        return Server(dialect, visitor.version(dialect), names, _counter(visitor.metrics()))


def read_counter(address: ServerAddress, counter: str) -> int | None:
    """How many tokens the server says it has generated for everybody; None if it does not say."""
    with _Visitor(address) as visitor:
        metrics = visitor.metrics()
    values = re.findall(rf"^{counter}(?:{{[^}}]*}})?\s+(\d[\d.]*(?:e\+?\d+)?)", metrics, flags=re.MULTILINE)
    return int(sum(map(float, values))) if values else None


class _Visitor:
    """Looks at a server's pages."""

    def __init__(self, address: ServerAddress) -> None:
        self.complaints = Complaints(address, "Looking at the server")
        self._address = address
        self._client = httpx2.Client(headers=address.headers(), timeout=_PATIENCE, trust_env=not address.local)

    def __enter__(self) -> "_Visitor":
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()

    def get(self, url: str) -> httpx2.Response:
        try:
            return self._client.get(url, extensions=self._address.extensions(url))
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
            raise self.complaints.unreachable(error) from error
        except httpx2.TimeoutException as error:
            raise self.complaints.stalled(_PATIENCE, 0) from error
        except httpx2.RequestError as error:
            raise self.complaints.broken(error, 0) from error

    def page(self, path: str) -> bytes:
        """A page beside the API; empty if it is not there, or cannot be had."""
        try:
            response = self.get(self._address.beside(path))
        except EngineError:
            return b""
        return response.content if response.status_code == 200 else b""

    def recognise(self, headers: Mapping[str, str]) -> str | None:
        if "llama.cpp" in headers.get("server", ""):
            return "llamacpp"
        return next((name for path, name in _SIGNS if isinstance(_json(self.page(path)), Mapping)), None)

    def version(self, dialect: str | None) -> str | None:
        page = _json(self.page(_VERSIONS[dialect])) if dialect in _VERSIONS else None
        if not isinstance(page, Mapping):
            return None
        found = page.get("version") or page.get("build_info")
        return found if isinstance(found, str) else None

    def metrics(self) -> str:
        return self.page("/metrics").decode("utf-8", "replace")


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _models(listing: Any) -> list[Mapping[str, Any]]:
    data = listing.get("data") if isinstance(listing, Mapping) else None
    return [model for model in data if isinstance(model, Mapping)] if isinstance(data, list) else []


def _owner(models: list[Mapping[str, Any]]) -> str | None:
    return next((_OWNERS[owner] for model in models if (owner := str(model.get("owned_by"))) in _OWNERS), None)


def _counter(metrics: str) -> str | None:
    return next((counter for counter in COUNTERS if re.search(rf"^{counter}[{{\s]", metrics, re.MULTILINE)), None)
