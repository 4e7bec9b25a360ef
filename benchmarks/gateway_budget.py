"""Does the gateway's budget hold, and is it used? Ten windows, by the server's own count and clock.

python benchmarks/gateway_budget.py                       three settings, five minutes
python benchmarks/gateway_budget.py --settings even       one of them
python benchmarks/gateway_budget.py --windows 2 --json budget.json     a short one, kept

128 streaming clients ask `shadowprice serve` again and again; its books are a ledger on disk. The server behind it is
`tests/support/counting_server.py`, which notes when it made each token, read or not. Server, gateway and clients have a
process each. Who is refused asks again a moment later.

`even`: replies of 20 to 100 tokens at 100 a second, 12,000 tokens in 8 s: an eighth of what 128 streams could take.
`mixed`: one reply in eight is of 150 to 400 tokens, the others of 5 to 60, at 150 a second, 24,000 tokens in 12 s, one
client in ten leaves in the middle, and a quarter name no cap. `slow`: as `even`, at 25 tokens a second and 8,000 in
8 s, so that a reply takes up to half a window; all that a server may make is held meanwhile.

made: tokens that the server made in the window. over: of these, those beyond the budget and beyond what is known of
servers, two for each stream that was closed on it. books: tokens that the ledger charged. used: made, of the budget.
"""

import argparse
import asyncio
import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
from counting_server import counting_server, made_in_windows
from raw_client import request, send
from shadowprice.gateway._windows import window_name
from shadowprice.ledger import Ledger

OVERSHOOT = 2
"""Tokens that a server on this machine makes after its stream was closed."""
COLUMNS = ("window", "made", "used", "over", "books", "whole", "stopped", "left", "lost", "refused")


@dataclass(frozen=True)
class Setting:
    """A budget, and who wants it."""

    tokens: int
    seconds: int
    rate: float
    """Tokens a second of each reply."""
    words: Callable[[random.Random], int]
    leave: float = 0.0
    """Share of the clients that leave in the middle."""
    capless: float = 0.0
    """Share of the requests that name no cap."""


def _mixed(chance: random.Random) -> int:
    return chance.randint(150, 400) if chance.random() < 0.125 else chance.randint(5, 60)


SETTINGS = {
    "even": Setting(12_000, 8, 100.0, lambda chance: chance.randint(20, 100)),
    "mixed": Setting(24_000, 12, 150.0, _mixed, leave=0.1, capless=0.25),
    "slow": Setting(8000, 8, 25.0, lambda chance: chance.randint(20, 100)),
}


def main() -> None:
    """Measure, and print a table for each setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--windows", type=int, default=10)
    parser.add_argument("--clients", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="keep all figures in this file")
    asked = parser.parse_args()
    found = {}
    for name in asked.settings:
        found[name] = measure(SETTINGS[name], asked.windows, asked.clients, asked.seed)
        show(name, SETTINGS[name], found[name])
    if asked.json is not None:
        asked.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def measure(setting: Setting, windows: int, clients: int, seed: int) -> list[dict[str, Any]]:
    """A row for each window."""
    with tempfile.TemporaryDirectory() as name, counting_server(setting.rate) as server:
        folder = Path(name)
        with serving(server, folder, f"{setting.tokens}/{setting.seconds}s") as url:
            first = int(time.time() // setting.seconds) + 1
            time.sleep(max(0.0, first * setting.seconds - time.time()))
            asyncio.run(drive(url, setting, (first + windows) * setting.seconds - 0.05, clients, seed))
        made = made_in_windows(server, setting.seconds)
        events = [json.loads(line) for line in (folder / "log").read_text().splitlines() if line.startswith("{")]
        refused = Counter(window_of(one, setting.seconds) for one in events if one["event"] == "refused")
        with Ledger(folder / "serve.ledger", read_only=True) as ledger:
            wrong = ledger.check()
            assert not wrong, wrong
            return [row(setting, ledger, number, made, refused) for number in range(first, first + windows)]


def row(setting: Setting, ledger: Ledger, number: int, made: Counter[int], refused: Counter[int]) -> dict[str, Any]:
    """What became of a window."""
    totals = ledger.totals(window_name(number * setting.seconds))
    ends = totals.reasons
    closed = ends.get("stopped", 0) + ends.get("client left", 0) + ends.get("beyond its cap", 0)
    assert totals.open == 0, totals
    return {
        "window": number,
        "made": made[number],
        "used": made[number] / setting.tokens,
        "over": max(0, made[number] - setting.tokens - OVERSHOOT * closed),
        "over budget": max(0, made[number] - setting.tokens),
        "books": totals.spent,
        "whole": ends.get("finished", 0) + ends.get("length", 0),
        "stopped": ends.get("stopped", 0),
        "left": ends.get("client left", 0),
        "lost": totals.lost,
        "refused": refused[number],
    }


def window_of(event: dict[str, Any], seconds: float) -> int:
    """In which window something was logged."""
    from datetime import datetime

    return int(datetime.fromisoformat(event["time"]).timestamp() // seconds)


@contextmanager
def serving(upstream: str, folder: Path, budget: str) -> Iterator[str]:
    """A gateway as people start it; its URL. It is told to end, and must end well."""
    words = ["serve", "--upstream", f"llamacpp+{upstream}", "--budget", budget, "--port", "0", "--drain", "5"]
    log = folder / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "shadowprice", *words, "--ledger", str(folder / "serve.ledger")], stderr=file
        )
        try:
            yield _address(process, log)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    while process.poll() is None:
        said = log.read_text(encoding="utf-8").partition("Serving ")[2]
        if ": " in said:
            return said.partition(": ")[0]
        time.sleep(0.05)
    sys.exit(f"The gateway did not start:\n{log.read_text(encoding='utf-8')}")


async def drive(url: str, setting: Setting, until: float, clients: int, seed: int) -> Counter[int]:
    """Ask again and again until then; answers by status."""
    seen: Counter[int] = Counter()
    chance = random.Random(seed)

    async def client() -> None:
        await asyncio.sleep(chance.random())
        while time.time() < until:
            body: dict[str, Any] = {"messages": [{"role": "user", "content": f"{setting.words(chance)} words"}]}
            if chance.random() >= setting.capless:
                body["max_tokens"] = 512
            leaves = chance.randint(700, 8000) if chance.random() < setting.leave else None
            status = (await send(url, request(url, {**body, "stream": True}), leave_after=leaves)).status
            seen[status] += 1
            if status not in (200, -1):
                await asyncio.sleep(0.2 + 0.4 * chance.random())

    await asyncio.gather(*(client() for _ in range(clients)))
    return seen


def show(name: str, setting: Setting, rows: list[dict[str, Any]]) -> None:
    """A table, and what it comes to."""
    print(f"\n{name}: {setting.tokens:,} tokens in {setting.seconds} s\n")
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for number, one in enumerate(rows, 1):
        cells = {**one, "window": number, "used": f"{one['used']:.1%}"}
        print(f"| {' | '.join(str(cells[column]) for column in COLUMNS)} |")
    after = [one["used"] for one in rows[1:]] or [rows[0]["used"]]
    print(
        f"\n{sum(one['over'] for one in rows)} tokens over, {sum(one['over budget'] for one in rows)} with the known "
        f"overshoot; used after the first: {statistics.mean(after):.1%} ({min(after):.1%} to {max(after):.1%}).",
        flush=True,
    )


if __name__ == "__main__":
    main()
