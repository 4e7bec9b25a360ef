"""Vectors from a server that speaks OpenAI's embeddings interface."""

import http.client
import json
import os
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np

from shadowprice._errors import EngineError, InputError
from shadowprice._types import FloatArray
from shadowprice.beliefs.encoders._base import AbstractEncoder

_MOST_BYTES: Final = 2**28


class EndpointEncoder(AbstractEncoder):
    """Asks a server for vectors: ``POST /v1/embeddings``, as llama.cpp (``--embeddings``), vLLM and others offer it.

    Redirects are not followed and proxies not used: the questions and the key go where the URL says, and only there.

    Args:
        url: Where the server is, such as ``http://127.0.0.1:8080``, with or without ``/v1``.
        model: The model's name, for servers that have several.
        key_variable: Name of the environment variable that holds the server's key, if it wants one.
        batch_size: Questions per request.
        timeout: Seconds to wait for a request.
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
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or self.batch_size < 1:
            raise InputError(f"'{self.url}' is no http(s) URL, or batch_size {self.batch_size} is below 1.")
        headers = {"Content-Type": "application/json"}
        if self.key_variable is not None:
            if not os.environ.get(self.key_variable):
                raise InputError(
                    f"The environment variable {self.key_variable} is not set; put the server's key there."
                )
            headers["Authorization"] = f"Bearer {os.environ[self.key_variable]}"
        path = parts.path.rstrip("/").removesuffix("/v1") + "/v1/embeddings"
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        vectors: list[Any] = []
        for start in range(0, len(questions), self.batch_size):
            texts = list(questions[start : start + self.batch_size])
            try:
                with closing(kind(parts.netloc.rpartition("@")[2], timeout=self.timeout)) as connection:
                    connection.request("POST", path, json.dumps({"model": self.model, "input": texts}), headers)
                    response = connection.getresponse()
                    status, body = response.status, response.read(_MOST_BYTES)
            except (OSError, http.client.HTTPException) as error:
                raise EngineError(f"The embedding server at {parts.netloc} does not answer: {error}.") from error
            if status != http.client.OK:
                said = body[:200].decode("utf-8", "replace")
                raise EngineError(f"The embedding server at {parts.netloc} answered {status}: {said}")
            vectors += self._read(body, len(texts), parts.netloc)
        try:
            return np.array(vectors, dtype=np.float64)
        except (ValueError, TypeError) as error:
            raise EngineError(f"The embedding server at {parts.netloc} sent vectors of different lengths.") from error

    def _read(self, body: bytes, count: int, server: str) -> list[Any]:
        try:
            data = sorted(json.loads(body)["data"], key=lambda item: int(item["index"]))
            vectors = [item["embedding"] for item in data]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise EngineError(f"The embedding server at {server} did not send a list of embeddings.") from error
        if [int(item["index"]) for item in data] != list(range(count)):
            raise EngineError(f"The embedding server at {server} sent {len(data)} vectors for {count} questions.")
        return vectors
