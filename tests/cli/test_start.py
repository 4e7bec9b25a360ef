"""What starting costs, counted in modules, and that the list of commands says what they say themselves."""

import inspect
import subprocess
import sys
from importlib import import_module

import pytest
import typer

from shadowprice.cli._commands import COMMANDS

STARTED = """
import sys
from shadowprice.cli import main
sys.argv = ["shadowprice", *sys.argv[1:]]
try:
    main()
finally:
    print("LOADED", *sys.modules)
"""
OF_ITS_OWN = {"shadowprice", "_errors", "_text", "cli", "_commands", "_signals"}
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


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_commands_say_of_themselves(name: str) -> None:
    place = COMMANDS[name]
    found = getattr(import_module(f"shadowprice.cli.{place.module}"), place.name)
    own = found.info.help if isinstance(found, typer.Typer) else (inspect.getdoc(found) or "").splitlines()[0]
    assert own == place.line
