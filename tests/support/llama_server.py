"""The real llama.cpp server in a process of its own, with the embedded model: for tests and benchmarks.

    python tests/support/llama_server.py MODEL.gguf --parallel 16

prints its URL and serves until its standard input ends.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def llama_server(
    model: Path, *, parallel: int = 16, context: int = 1024, threads: int = 1, key: str = ""
) -> Iterator[str]:
    """Serve a model, to those who have the key if there is one; gives the base URL of its API."""
    options = {"--parallel": parallel, "--context": context, "--threads": threads, "--key": key}
    words = [str(word) for option in options.items() for word in option]
    with subprocess.Popen(
        [sys.executable, __file__, str(model), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url, "the server did not start"
            yield f"{url}/v1"
        finally:
            # Killed: it holds nothing that could be lost, and unloading a model can take its time.
            process.kill()


def served_tokens(url: str) -> int:
    """Tokens that the server says it has generated."""
    from shadowprice.engines import ServerAddress
    from shadowprice.engines._identify import read_counter

    count = read_counter(ServerAddress(url, None), "llamacpp:tokens_predicted_total")
    assert count is not None
    return count


def main() -> None:
    """Serve until standard input ends."""
    import xllamacpp

    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--parallel", type=int, default=16)
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--key", default="")
    asked = parser.parse_args()
    params = xllamacpp.CommonParams()
    params.model.path = asked.model
    params.model_alias = {"smollm2"}
    params.n_parallel = asked.parallel
    params.n_ctx = asked.parallel * asked.context
    params.cpuparams.n_threads = asked.threads
    params.cpuparams_batch.n_threads = asked.threads
    params.cache_ram_mib = 0
    params.fit_params = False
    params.verbosity = -1
    params.api_keys = [asked.key] if asked.key else []
    params.ui = False
    params.endpoint_metrics = True
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()
    del server


if __name__ == "__main__":
    main()
