"""llama.cpp's own server on a port of this machine, for trying things out without installing anything else."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shadowprice._errors import EngineError, InputError, MissingExtraError
from shadowprice._store import MODELS, resolve_model


def serve_model(
    model: str | Path = "smollm2",
    *,
    port: int = 8000,
    parallel: int = 4,
    context: int = 2048,
    threads: int = 1,
    ready: Callable[[str], object] = lambda url: None,
    until: threading.Event | None = None,
) -> None:
    """Serve a model to this machine until interrupted.

    Args:
        model: A name that ``shadowprice model pull`` knows, or the path of a GGUF file.
        port: Where; 0 takes a free one.
        parallel: Requests generated at the same time.
        context: Tokens that one request may hold, prompt and reply together.
        threads: CPU threads.
        ready: Told the base URL once it answers.
        until: Set by whoever wants it to end.

    Raises:
        MissingExtraError: The extra `local` is not installed.
        InputError: The model was not pulled, its file is damaged, or a number is out of range.
        EngineError: llama.cpp could not load the model, or the port is taken.
    """
    if not 0 <= port < 65_536:
        raise InputError(f"--port is {port}; it must be from 0 to 65535.")
    for name, value in (("parallel", parallel), ("context", context), ("threads", threads)):
        if value < 1:
            raise InputError(f"--{name} is {value}; it must be 1 or more.")
    path = resolve_model(model)
    with socket.socket() as place:  # llama.cpp says only that it failed
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            place.bind(("127.0.0.1", port))
        except OSError as error:
            raise EngineError(f"Cannot serve at port {port} ({error.strerror}); choose another --port.") from error
    try:
        import xllamacpp
    except ImportError as error:
        raise MissingExtraError("The embedded model", "local") from error
    params: Any = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {str(model) if model in MODELS else path.stem}
    params.port = port
    params.n_parallel = parallel
    params.n_ctx = parallel * context
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.cache_ram_mib = 0
    params.fit_params = False
    params.verbosity = -1
    params.ui = False
    params.endpoint_metrics = True
    try:
        server = xllamacpp.Server(params)
    except Exception as error:
        raise EngineError(f"llama.cpp could not serve {path} at port {port}: {error}.") from error
    ready(f"{server.listening_address}/v1")
    (until or threading.Event()).wait()
    del server
