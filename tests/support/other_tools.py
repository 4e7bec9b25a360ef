"""Other people's tools, which stand in an environment of their own, and are run as their users run them."""

import os
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / ".venv-interop" / "bin"
needs_tools = pytest.mark.skipif(not TOOLS.is_dir(), reason="no .venv-interop; `make test-slow` makes it")


def run_tool(name: str, *arguments: str, folder: Path, **settings: str) -> str:
    """Run one of them, offline but for the server that it is told of; gives what it prints.

    Args:
        name: Of the command.
        arguments: Of its own.
        folder: Where it runs, and keeps its own files.
        settings: Further variables of its environment.
    """
    offline = {"HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    dropped = ("http_proxy", "https_proxy", "all_proxy")
    kept = {key: value for key, value in os.environ.items() if key.lower() not in dropped}
    ended = subprocess.run(
        [str(TOOLS / name), *arguments],
        cwd=folder,
        env=kept | offline | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == ended.returncode, ended.stdout[-6000:] + ended.stderr[-2000:]
    return ended.stdout
