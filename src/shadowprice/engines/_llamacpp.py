"""A model inside this process: llama.cpp's server, no network and no second program."""

import asyncio
import http.client
import json
import os
import secrets
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from shadowprice._errors import EngineError, InputError, MissingExtraError
from shadowprice._store import MODELS, resolve_model
from shadowprice.engines._base import AbstractEngine, Delta, Request
from shadowprice.engines._chunks import ChunkReader
from shadowprice.engines._confidence import TOP

Chunk = dict[str, Any]


_OVERSHOOT = 2
"""Tokens that llama.cpp makes after it was told to stop, at most; see `LlamaCppEngine.stream`."""
_SETTLES = 0.2
"""Seconds within which the count takes in a request that was closed."""


class LlamaCppEngine(AbstractEngine):
    """A GGUF model run by llama.cpp in this process, many requests in one batch.

    A single greedy request is reproducible. Many at once are not, to the last token: the arithmetic of a
    batch depends on what else is in it.

    Args:
        model: A name that ``shadowprice model pull`` knows, or the path of a GGUF file.
        parallel: Requests generated at the same time; further ones wait for their turn.
        context: Tokens that one request may hold, prompt and reply together.
        threads: CPU threads; half of the CPUs that this process may use if not given. The threads wait for
            each other by spinning: where other programs want the same CPUs, too many all but stop.

    Raises:
        MissingExtraError: The extra `local` is not installed.
        InputError: The model was not pulled, its file is damaged, or a number is below 1.
        EngineError: llama.cpp could not load the model.
    """

    def __init__(
        self,
        model: str | Path = "smollm2",
        *,
        parallel: int = 16,
        context: int = 1536,
        threads: int | None = None,
    ) -> None:
        for name, value in (("parallel", parallel), ("context", context), ("threads", threads)):
            if value is not None and value < 1:
                raise InputError(f"`{name}` must be at least 1, not {value}.")
        path = resolve_model(model)
        self.model = str(model) if model in MODELS else path.stem
        self.overshoot = _OVERSHOOT
        self.runs_ahead = self.resumes = self.tells_confidence = True
        self.parallel = parallel
        self.context = context
        self._key = secrets.token_hex(16)
        self._server = _load(path, parallel, context, threads or max(1, _cpus() // 2), self._key)
        self._workers = ThreadPoolExecutor(parallel, thread_name_prefix="shadowprice-llamacpp")
        self._closed = False

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Generate a reply piece by piece.

        Closing the generator waits until llama.cpp was told to stop, which takes one token, or the whole
        prompt if that is still being read. One or two tokens more than the last delta says are generated.

        Raises:
            EngineError: llama.cpp refused the request, for example because the prompt exceeds the context.
        """
        generate = self._open_server().handle_chat_completions
        reply = _Reply(asyncio.get_running_loop())
        job = self._workers.submit(generate, _body(request), reply.receive)
        job.add_done_callback(reply.end)
        reader = ChunkReader(request, self.context)
        try:
            while (chunk := await reply.queue.get()) is not None:
                delta = reader.read(chunk)
                if delta is not None:
                    yield delta
            _raise_failure(job, request)
            if not reader.finished:
                raise EngineError(f"Request {request.request_id}: llama.cpp stopped before the reply ended.")
        finally:
            await reply.abandon(job)

    def tokenize(self, text: str) -> list[bytes]:
        """Cut a text as the model does; joined, the pieces are the text in UTF-8.

        Pieces are bytes because a token may hold a part of a character.
        """
        body = json.dumps({"content": text, "with_pieces": True})
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        # Not urllib.request, which would send even this through a proxy that the environment names.
        connection = http.client.HTTPConnection(urlsplit(self._open_server().listening_address).netloc)
        with closing(connection):
            connection.request("POST", "/tokenize", body, headers)
            answer = json.load(connection.getresponse())
        if "tokens" not in answer:
            raise EngineError(f"llama.cpp could not tokenize {len(text)} characters: {answer}.")
        pieces = [token["piece"] for token in answer["tokens"]]
        return [piece.encode() if isinstance(piece, str) else bytes(piece) for piece in pieces]

    def count_tokens(self, text: str) -> int:
        """Count the tokens of a text, without those that a chat template adds."""
        return len(self.tokenize(text))

    def generated_tokens(self) -> int:
        """Count the tokens of all requests so far, read or not.

        A request counts once llama.cpp has let go of it: at its end, or a moment after it was closed.
        """
        metrics = self._open_server().handle_metrics()
        line = next(line for line in metrics.splitlines() if line.startswith("llamacpp:tokens_predicted_total "))
        return int(float(line.split()[1]))

    async def total_generated(self) -> int | None:
        """llama.cpp's own count; it stands still once all requests have ended or were closed."""
        await asyncio.sleep(_SETTLES)
        return await asyncio.to_thread(self.generated_tokens)

    async def aclose(self) -> None:
        """Wait for the running requests and unload the model; safe to call twice."""
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._workers.shutdown)
            # A server that is told to end before its loop has begun waits for ever; whoever gets an answer knows that
            # it has begun.
            await asyncio.to_thread(self._server.handle_metrics)
            self._server = None

    def _open_server(self) -> Any:
        if self._closed:
            raise EngineError(f"The engine of {self.model} was closed: make a new one.")
        return self._server


class _Reply:
    """The bridge from the thread that generates to the event loop that reads."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.queue: asyncio.Queue[Chunk | None] = asyncio.Queue()
        self._loop = loop
        self._abandoned = threading.Event()
        self._ended = asyncio.Event()

    def receive(self, chunk: Chunk) -> bool:
        """Hand a chunk over; True tells llama.cpp to stop."""
        return self._abandoned.is_set() or not self._call(lambda: self.queue.put_nowait(chunk))

    def end(self, job: "Future[None]") -> None:
        """Mark the end, once the thread has left llama.cpp."""
        del job
        self._call(self._finish)

    async def abandon(self, job: "Future[None]") -> None:
        """Stop a reply that nobody reads on, and wait until it has stopped, even if cancelled meanwhile."""
        self._abandoned.set()
        job.cancel()
        cancelled: asyncio.CancelledError | None = None
        while not self._ended.is_set():
            try:
                await self._ended.wait()
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled

    def _finish(self) -> None:
        self._ended.set()
        self.queue.put_nowait(None)

    def _call(self, function: Callable[[], None]) -> bool:
        try:
            self._loop.call_soon_threadsafe(function)
        except RuntimeError:  # the event loop is closed: nobody reads on
            return False
        return True


def _load(path: Path, parallel: int, context: int, threads: int, key: str) -> Any:
    try:
        import xllamacpp
    except ImportError as error:
        raise MissingExtraError("The embedded model", "local") from error
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_parallel = parallel
    params.n_ctx = parallel * context
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.cache_ram_mib = 0
    params.fit_params = False
    params.verbosity = -1
    # The server also listens on a free port of this host: only this engine may ask it.
    params.api_keys = [key]
    params.ui = False
    params.endpoint_slots = False
    params.endpoint_metrics = True
    try:
        return xllamacpp.Server(params)
    except Exception as error:
        raise EngineError(f"llama.cpp could not load {path}: {error}.") from error


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _body(request: Request) -> Chunk:
    return {
        "messages": request.turns,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "seed": request.seed,
        "stop": list(request.stop),
        "cache_prompt": True,
        "reasoning_format": "none",
        "stream": True,
        "stream_options": {"include_usage": True},
        "timings_per_token": True,
        **({"n_probs": TOP} if request.confidence else {}),
    }


def _raise_failure(job: "Future[None]", request: Request) -> None:
    error = job.exception()
    if error is not None:
        raise EngineError(f"Request {request.request_id}: llama.cpp refused it: {error}.") from error
