"""Print all figures of the README, of docs/ and of the reports in benchmarks/, one command after another.

python benchmarks/figures.py                  all of them: hours on two cores; what is done already is not done again
python benchmarks/figures.py --list           what there is, and where it stands
python benchmarks/figures.py pricing tables   some of them
python benchmarks/figures.py --anew pricing   once more

What each prints is kept in build/figures/NAME.txt, its plots beside it. Figures on other people's models need their
traces, which are not part of this repository: --data says where they are.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

OUT = Path("build/figures")
FILES = "zeroeval/*.parquet"


class Figure(NamedTuple):
    """Some figures, and what prints them."""

    where: str
    """Where they stand."""
    commands: list[list[str]]
    """One after another; the first that fails ends it."""


def script(name: str, *options: str) -> list[str]:
    """A script of this folder."""
    return [sys.executable, f"benchmarks/{name}.py", *options]


def command(*options: str) -> list[str]:
    """A command of the program."""
    return [sys.executable, "-m", "shadowprice", *options]


def figures(data: Path) -> dict[str, Figure]:
    """All figures by name."""
    out, files = str(OUT), [str(file) for file in sorted(data.glob(FILES))]
    found = {
        "picture": Figure(
            "README.md, the picture",
            [
                command("bench", "bundled", "--accounting", "generated", "--seeds", "4", "--json", f"{out}/b.json"),
                script("picture", f"{out}/b.json", "-o", f"{out}/picture.svg"),
            ],
        ),
        "demo": Figure("README.md, the demo's tables", [command("demo", "--report", f"{out}/demo.html")]),
        "live": Figure("README.md and benchmarks/live.md", [script("live_server", "--json", f"{out}/live.json")]),
        "pricing": Figure(
            "docs/pricing.md",
            [script("bench_pricing", "--json", f"{out}/pricing.json", "--plot", f"{out}/pricing.svg")],
        ),
        "tables": Figure(
            "docs/pricing.md", [script("bench_tables", "--json", f"{out}/tables.json", "--plot", f"{out}/tables.svg")]
        ),
        "features": Figure(
            "docs/features.md",
            [
                script("forced_sweep", "-n", "22", "--samples", "2", "-o", f"{out}/sweep"),
                command("embed", f"{out}/sweep/sweep.csv", "-o", f"{out}/sweep/vectors.npz"),
                script("features", f"{out}/sweep/sweep.csv", f"{out}/sweep/vectors.npz"),
            ],
        ),
        "overhead": Figure("benchmarks/live.md", [script("run_overhead")]),
        "http": Figure("benchmarks/live.md", [script("run_http")]),
        "gateway": Figure(
            "benchmarks/gateway.md",
            [
                script("gateway_load", "--memory", "200000", "--json", f"{out}/load.json", "--plot", f"{out}/load.svg"),
                script("gateway_budget", "--json", f"{out}/budget.json"),
            ],
        ),
        "pauses": Figure("docs/security.md", [script("pauses")]),
        "ledger": Figure(
            "docs/ledger.md",
            [[sys.executable, "-m", "pytest", "-m", "slow", "-s", "-q", "tests/ledger/test_ledger_speed.py"]],
        ),
        "faults": Figure(
            "benchmarks/live.md",
            [[sys.executable, "-m", "pytest", "-m", "slow", "-s", "-q", "tests/runner/test_run_faults.py"]],
        ),
    }
    if not files:
        return found
    tables = [(file, f"{out}/{Path(file).stem}.json") for file in files]
    asked = ("--budgets", "64,128,256,512", "--accounting", "both", "--json")
    given = ("--data", str(data))
    return found | {
        "policies": Figure(
            "README.md and benchmarks/policies.md",
            [
                *(command("bench", file, *asked, table) for file, table in tables),
                script("policy_tables", *(table for _, table in tables)),
            ],
        ),
        "policies-more": Figure("benchmarks/policies.md", [script("policies_more", *given)]),
        "beliefs": Figure(
            "benchmarks/beliefs.md",
            [script(f"beliefs_{kind}", *given) for kind in ("static", "running", "more")],
        ),
        "confidence": Figure(
            "benchmarks/beliefs.md",
            [script("beliefs_confidence", "--record", "smollm2", "-o", f"{out}/sure.parquet", f"{out}/sure.parquet")],
        ),
        "online": Figure(
            "docs/online.md and benchmarks/online.md",
            [script("online", *given, "--json", f"{out}/online.json", "--plot", f"{out}/online.svg")],
        ),
        "likeness": Figure("benchmarks/beliefs.md", [script("likeness", *given)]),
        "grading": Figure("docs/grading.md", [script("check_grading", *files), script("check_cuts", *files)]),
    }


def draw(name: str, figure: Figure) -> bool:
    """Run what prints some figures, show and keep it; whether all of it came to its end."""
    began, kept = time.monotonic(), OUT / f"{name}.part"
    print(f"\n## {name} ({figure.where})\n", flush=True)
    with kept.open("w", encoding="utf-8") as out:
        for words in figure.commands:
            print("$ " + " ".join(["python" if word == sys.executable else word for word in words]), flush=True)
            ended = subprocess.run(words, stdout=subprocess.PIPE, text=True)
            print(ended.stdout, flush=True)
            out.write(ended.stdout)
            if ended.returncode:
                print(f"{name} failed with exit code {ended.returncode}.", file=sys.stderr)
                return False
    kept.rename(OUT / f"{name}.txt")
    print(f"{name} took {time.monotonic() - began:.0f} s.", file=sys.stderr)
    return True


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="figures; all if left out")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with other people's traces")
    parser.add_argument("--list", action="store_true", help="show what there is")
    parser.add_argument("--anew", action="store_true", help="also what is done already")
    options = parser.parse_args()
    known = figures(options.data)
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"there is no figure {unknown[0]!r}; choose from {', '.join(known)}")
    if options.list:
        for name, figure in known.items():
            print(f"{name:14} {figure.where}{' (done)' if (OUT / f'{name}.txt').exists() else ''}")
        return
    if not any(name.startswith("policies") for name in known):
        print(f"There are no traces in {options.data}: figures on other people's models are left out.", file=sys.stderr)
    OUT.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in options.names or known:
        done = OUT / f"{name}.txt"
        if done.exists() and not options.anew:
            print(f"\n## {name} ({known[name].where}), as printed before\n\n{done.read_text(encoding='utf-8')}")
        elif not draw(name, known[name]):
            failed.append(name)
    if failed:
        sys.exit(f"These failed: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
