import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shadowprice._errors import InputError
from shadowprice.cli._model import app
from shadowprice.engines import MODELS, KnownModel, model_path

CONTENT = b"GGUF and some weights"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is the only known model, and an empty cache."""
    digest = hashlib.sha256(CONTENT).hexdigest()
    for name in list(MODELS):
        monkeypatch.delitem(MODELS, name)
    tiny = KnownModel("tiny", "no-such-wheel==1.0", "tiny/tiny.gguf", len(CONTENT), digest, "Apache-2.0")
    monkeypatch.setitem(MODELS, "tiny", tiny)
    monkeypatch.setenv("SHADOWPRICE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "source.gguf"
    path.write_bytes(CONTENT)
    return path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout


def test_pull_says_where_the_model_is(source: Path) -> None:
    where = model_path(MODELS["tiny"])
    assert run("pull", "tiny", "--from", str(source)) == f"tiny is now at {where}\n"
    assert run("pull", "tiny", "--from", str(source)) == f"tiny was already at {where}\n"
    assert run("pull", "tiny", "--from", str(source), "--force") == f"tiny is now at {where}\n"


def test_list_tells_what_is_here(source: Path) -> None:
    assert run("list").startswith("tiny  absent  21 bytes  Apache-2.0  ")
    run("pull", "tiny", "--from", str(source))
    (row,) = json.loads(run("list", "--json"))
    assert row == {
        "name": "tiny",
        "state": "pulled",
        "bytes": len(CONTENT),
        "licence": "Apache-2.0",
        "path": str(model_path(MODELS["tiny"])),
    }


def test_path_prints_the_file_alone(source: Path) -> None:
    run("pull", "tiny", "--from", str(source))
    where = str(model_path(MODELS["tiny"]))
    assert run("path", "tiny") == where + "\n"
    assert json.loads(run("path", "tiny", "--json")) == {"name": "tiny", "path": where}


def test_errors_are_left_to_the_program(source: Path) -> None:
    with pytest.raises(InputError, match="run `shadowprice model pull tiny`"):
        run("path", "tiny")
    with pytest.raises(InputError, match="No model is called"):
        run("pull", "huge")
