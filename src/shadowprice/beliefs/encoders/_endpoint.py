"""Vectors from a server that speaks OpenAI's embeddings interface."""

import http.client
import os
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np

from shadowprice._errors import EngineError, InputError
from shadowprice._pages import Page, PageError, decode_json, fetch, wait_for
from shadowprice._types import FloatArray
from shadowprice.beliefs.encoders._base import AbstractEncoder

_MOST_BYTES: Final = 64 << 20
"""Bytes of one answer: more than 1,000 vectors of 3,000 numbers."""


class EndpointEncoder(AbstractEncoder):
    """Asks a server for vectors: ``POST /v1/embeddings``, as llama.cpp (``--embeddings``), vLLM and others offer it.

    Redirects are not followed and proxies not used: the questions and the key go where the URL says, and only there.

    Args:
        url: Where the server is, such as ``http://127.0.0.1:8080``, with or without ``/v1``.
        model: The model's name, for servers that have several.
        key_variable: Name of the environment variable that holds the server's key, if it wants one.
        batch_size: Questions per request.
        timeout: Seconds for a request as a whole, from the first byte asked to the last one answered.
    """

    def __init__(
        self,
        url: str,
        model: str = "",
        key_variable: str | None = None,
        batch_size: int = 32,
        timeout: float = 60.0,
    ) -> None:
        self.url = url
        self.model = model
        self.key_variable = key_variable
        self.batch_size = batch_size
        self.timeout = timeout

    def encode(self, questions: Sequence[str]) -> FloatArray:
        """Vectors ``(n, d)``, as wide as the server makes them.

        Raises:
            InputError: The URL is none, or the environment does not hold the key.
            EngineError: The server does not answer, or not as it should.
        """
        url, server = self._endpoint()
        headers = self._headers()
        vectors: list[Any] = []
        for start in range(0, len(questions), self.batch_size):
            texts = list(questions[start : start + self.batch_size])
            page = wait_for(self._ask(url, server, headers, texts))
            if page.status != http.client.OK:
                said = page.content[:200].decode("utf-8", "replace")
                raise EngineError(f"The embedding server at {server} answered {page.status}: {said}")
            vectors += self._read(page.content, len(texts), server)
        try:
            return np.array(vectors, dtype=np.float64)
        except (ValueError, TypeError) as error:
            raise EngineError(f"The embedding server at {server} sent vectors of different lengths.") from error

    def _endpoint(self) -> tuple[str, str]:
        """The URL to ask, and the server to speak of; neither has the user and the password that a URL may hold."""
        try:
            parts = urlsplit(self.url)
            known = parts.scheme in ("http", "https") and bool(parts.hostname)
            parts.port  # noqa: B018  # raises if it is none
        except ValueError:
            known = False
        if not known or self.batch_size < 1:
            # The URL itself is not repeated: it may hold a password.
            raise InputError(
                f"The embedding server's address is no http(s) URL, or batch_size {self.batch_size} is below 1."
            )
        server = parts.netloc.rpartition("@")[2]
        path = parts.path.rstrip("/").removesuffix("/v1") + "/v1/embeddings"
        return f"{parts.scheme}://{server}{path}", server

    def _headers(self) -> dict[str, str]:
        if self.key_variable is None:
            return {}
        if not os.environ.get(self.key_variable):
            raise InputError(f"The environment variable {self.key_variable} is not set; put the server's key there.")
        return {"Authorization": f"Bearer {os.environ[self.key_variable]}"}

    async def _ask(self, url: str, server: str, headers: dict[str, str], texts: list[str]) -> Page:
        # Only those who ask a server shall wait for what it takes.
        from shadowprice._connections import Connections
        from shadowprice._exchange import HttpError
        from shadowprice._http import as_url

        body = {"model": self.model, "input": texts}
        try:
            page = as_url(url)
            connections = Connections(page, headers=headers)
            try:
                return await fetch(connections, "POST", page, seconds=self.timeout, most=_MOST_BYTES, asked=body)
            finally:
                await connections.aclose()
        except PageError as error:
            raise EngineError(f"The answer of the embedding server at {server} cannot be read: {error}.") from error
        except (HttpError, ValueError) as error:
            said = str(error) if isinstance(error, HttpError) else "the URL is none"
        except TimeoutError as error:
            late = f"The embedding server at {server} had not answered in full after {self.timeout:g} s."
            raise EngineError(late) from error
        raise EngineError(f"The embedding server at {server} does not answer: {said}.")

    def _read(self, body: bytes, count: int, server: str) -> list[Any]:
        try:
            data = sorted(decode_json(body)["data"], key=lambda item: int(item["index"]))
            vectors = [item["embedding"] for item in data]
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise EngineError(f"The embedding server at {server} did not send a list of embeddings.") from error
        if [int(item["index"]) for item in data] != list(range(count)):
            raise EngineError(f"The embedding server at {server} sent {len(data)} vectors for {count} questions.")
        return vectors
