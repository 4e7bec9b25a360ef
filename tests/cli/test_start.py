"""What starting costs, counted in modules, and that the list of commands says what they say themselves."""

import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
import typer

from shadowprice import ledger, traces
from shadowprice.bench import ABLATIONS, STREAMS
from shadowprice.bench.traffic import DAYS, ENTRANTS
from shadowprice.cli import _names
from shadowprice.cli._commands import COMMANDS
from shadowprice.engines import MODELS
from shadowprice.policies import POLICIES

STARTED = """
import sys
from shadowprice.cli import main
sys.argv = ["shadowprice", *sys.argv[1:]]
try:
    main()
finally:
    print("LOADED", *sys.modules)
"""
OF_ITS_OWN = {"shadowprice", "_errors", "_text", "cli", "_commands", "_misspelt", "_signals"}
HEAVY = {
    "asyncio",
    "jinja2",
    "matplotlib",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "rich",
    "scipy",
    "sklearn",
    "sqlite3",
}


@pytest.mark.parametrize("asked", [["--version"], ["--help"], [], ["rnu"], ["--budgte"]])
def test_nothing_is_imported_that_is_not_needed_to_say_little(asked: list[str]) -> None:
    ended = subprocess.run([sys.executable, "-c", STARTED, *asked], capture_output=True, text=True, check=False)
    loaded = ended.stdout.rpartition("LOADED ")[2].split()
    assert loaded, ended.stderr
    assert OF_ITS_OWN == {name.rpartition(".")[2] for name in loaded if name.partition(".")[0] == "shadowprice"}
    assert not HEAVY & set(loaded)


@pytest.mark.parametrize(
    "command",
    [
        *([name] for name in COMMANDS),
        *(["model", one] for one in ("list", "path", "pull")),
        ["engine", "probe"],
        *(["ledger", one] for one in ("show", "export")),
    ],
    ids=" ".join,
)
def test_help_of_a_command_imports_nothing_that_it_works_with(command: list[str]) -> None:
    asked = [*command, "--help"]
    ended = subprocess.run([sys.executable, "-c", STARTED, *asked], capture_output=True, text=True, check=False)
    said, _, loaded = ended.stdout.rpartition("LOADED ")
    assert f" {' '.join(command)} " in said.partition("\n")[0]
    assert not HEAVY & set(loaded.split())


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("shadowprice r", {"record", "replay-traffic", "run"}),
        ("shadowprice run --bud", {"--budget"}),
        ("shadowprice ledger s", {"show"}),
    ],
)
def test_completing_what_is_typed_imports_nothing_that_commands_work_with(typed: str, offered: set[str]) -> None:
    environment = os.environ | {
        "_SHADOWPRICE_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) - 1),
    }
    ended = subprocess.run(
        [sys.executable, "-c", STARTED], capture_output=True, text=True, check=False, env=environment
    )
    said, _, loaded = ended.stdout.rpartition("LOADED ")
    assert offered == set(said.split())
    assert not HEAVY & set(loaded.split())


@pytest.mark.parametrize(
    ("listed", "there"),
    [
        (_names.STREAMS, tuple(STREAMS)),
        (_names.ABLATIONS, tuple(ABLATIONS)),
        (_names.POLICIES, tuple(POLICIES)),
        (_names.DAYS, tuple(DAYS)),
        (_names.ENTRANTS, tuple(ENTRANTS)),
        (_names.LOGS, traces.FORMATS),
        (_names.EXPORTS, ledger.FORMATS),
        (_names.MODELS, tuple(sorted(MODELS))),
    ],
)
def test_help_lists_all_names_that_there_are(listed: tuple[str, ...], there: tuple[str, ...]) -> None:
    assert there == listed


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["run", "q", "--budgte", "3"], "No such option --budgte. Did you mean --budget?"),
        (["bench", "bundled", "--seed", "3"], "No such option --seed. Did you mean --seeds?"),
        (["fit", "bundled", "--out", "p"], "No such option --out. Did you mean --output?"),
        (["run", "q", "--temp", "1"], "No such option --temp. Did you mean --temperature or --template?"),
        (["engine", "probe", "x", "--modle=y"], "No such option --modle. Did you mean --model?"),
        (["--verison"], "No such option --verison. Did you mean --version?"),
        (["run", "q", "--zzz"], "No such option --zzz; `shadowprice run --help` lists them."),
    ],
)
def test_an_option_that_is_none_is_answered_with_the_one_that_was_meant(
    shadowprice: Callable[..., Any], typed: list[str], said: str
) -> None:
    assert (2, f"error: {said}\n") == shadowprice(*typed)[::2]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_commands_say_of_themselves(name: str) -> None:
    place = COMMANDS[name]
    found = getattr(import_module(f"shadowprice.cli.{place.module}"), place.name)
    own = found.info.help if isinstance(found, typer.Typer) else (inspect.getdoc(found) or "").splitlines()[0]
    assert own == place.line
