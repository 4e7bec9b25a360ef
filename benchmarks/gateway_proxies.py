"""Who stands between clients and server in `gateway_load.py`, each in a process of its own.

python benchmarks/gateway_proxies.py --url URL --port PORT     the bare proxy, the yardstick
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway_mock import MODEL

_PATIENCE = 120.0
"""Seconds until a proxy must take connections."""


@dataclass
class Proxy:
    """One that runs."""

    name: str
    url: str
    """Root of what it serves."""
    pids: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    """What it wants to be told with each request."""

    def memory(self) -> float:
        """Megabytes of memory that it has in use."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) for pid in self.pids)
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclass(frozen=True)
class Peers:
    """Where others are installed; None leaves one out."""

    litellm: Path | None = None
    """The program ``litellm``."""
    portkey: Path | None = None
    """The file ``start-server.js``."""
    inferrail: Path | None = None
    """The program ``inferrail``."""


@contextmanager
def proxies(upstream: str, folder: Path, peers: Peers, source: Path | None = None) -> Iterator[list[Proxy]]:
    """Start them all, and end them.

    Args:
        upstream: The server's root.
        folder: For books and logs.
        peers: The others.
        source: The ``src`` folder of another version of this library, to stand beside this one.
    """
    here = Path(__file__).parents[1] / "src"
    with ExitStack() as stack:
        found = [Proxy("no proxy", upstream)]

        def start(name: str, words: list[str], *, headers: dict[str, str] | None = None, **more: str) -> None:
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            port = _free_port()
            words = [word.replace("PORT", str(port)) for word in words]
            environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | more
            process = subprocess.Popen(words, env=environment, cwd=folder, stdout=log, stderr=log)
            stack.callback(_end, process)
            _await(name, process, port, folder)
            found.append(Proxy(name, f"http://127.0.0.1:{port}", _tree(process.pid), headers or {}))

        start("bare aiohttp", [sys.executable, str(Path(__file__).resolve()), "--url", upstream, "--port", "PORT"])
        for name, path in (("shadowprice", here), *((("shadowprice, other", source),) if source else ())):
            words = [sys.executable, "-m", "shadowprice", "serve", "--upstream", f"{upstream}/v1", "--budget", "100G/d"]
            start(name, [*words, "--port", "PORT", "--ledger", f"{name}.ledger"], PYTHONPATH=str(path.resolve()))
        if peers.litellm is not None:
            known = {"model_name": MODEL, "litellm_params": {"model": f"openai/{MODEL}", "api_base": f"{upstream}/v1"}}
            known["litellm_params"]["api_key"] = "none"  # type: ignore[index]
            (folder / "litellm.yaml").write_text(json.dumps({"model_list": [known]}), encoding="utf-8")
            words = [str(peers.litellm), "--config", "litellm.yaml", "--host", "127.0.0.1", "--port", "PORT"]
            start(
                "LiteLLM",
                words,
                LITELLM_LOCAL_MODEL_COST_MAP="true",
                LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY="true",
            )
        if peers.portkey is not None:
            headers = {
                "x-portkey-provider": "openai",
                "x-portkey-custom-host": f"{upstream}/v1",
                "authorization": "Bearer k",
            }
            start("Portkey (node)", ["node", str(peers.portkey), "--port=PORT", "--headless"], headers=headers)
        if peers.inferrail is not None:
            start(
                "inferrail", [*_prepared(peers.inferrail, upstream, folder)], MOCK_KEY="none", INFERRAIL_TELEMETRY="0"
            )
        yield found


def _prepared(program: Path, upstream: str, folder: Path) -> list[str]:
    """Set up inferrail with a daily budget that nobody reaches, receipts and budgets in SQLite."""
    own = {"type": "openai_compatible", "api_key_env": "MOCK_KEY", "base_url": f"{upstream}/v1", "price_as": "openai"}
    config = {
        "providers": {"mock": {**own, "request_stream_usage": True}},
        "routes": {},
        "default_provider": "mock",
        "telemetry": {"sink": "none"},
        "receipts": {"sink": "sqlite", "path": "receipts.db"},
        "budgets": {"enabled": True, "path": "budgets.db"},
    }
    (folder / "inferrail.yaml").write_text(json.dumps(config), encoding="utf-8")
    limit = ["--scope", "global", "--window", "daily", "--mode", "block", "--limit-usd", "100000", "--db", "budgets.db"]
    subprocess.run([program, "budget", "set", *limit], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return [str(program), "serve", "--config", "inferrail.yaml", "--host", "127.0.0.1", "--port", "PORT"]


def _free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


def _await(name: str, process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    said = (folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")
    sys.exit(f"{name} did not start:\n{said[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tree(root: int) -> list[int]:
    """A process and all below it."""
    parents = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(file.parent.name)] = int(file.read_text(encoding="ascii").rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue  # it has just ended
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def be_bare(url: str, port: int) -> None:
    """Hand on what comes, and look at nothing: the least that a proxy with this client and this server can cost."""
    import aiohttp
    import uvicorn

    session: aiohttp.ClientSession | None = None
    kept = (b"content-type", b"authorization", b"accept")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal session
        session = session or aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False)
        content, more = b"", True
        while more:
            message = await receive()
            content, more = content + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"] if name in kept}
        async with session.request(scope["method"], url + scope["path"], data=content, headers=headers) as response:
            head = [(b"content-type", response.headers["content-type"].encode())]
            await send({"type": "http.response.start", "status": response.status, "headers": head})
            async for block in response.content.iter_any():
                await send({"type": "http.response.body", "body": block, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    more = {"lifespan": "off", "access_log": False, "log_level": "error"}
    uvicorn.run(app, host="127.0.0.1", port=port, http="httptools", loop="uvloop", **more)  # type: ignore[arg-type]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="the server's root")
    parser.add_argument("--port", type=int, required=True)
    asked = parser.parse_args()
    be_bare(asked.url, asked.port)
