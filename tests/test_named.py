"""Code of the user's own: what is wrong with it is said in one sentence, wherever it breaks."""

from pathlib import Path

import pytest

from shadowprice._errors import InputError
from shadowprice._named import import_named, make_named
from shadowprice.engines import AbstractEngine


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class E(", r"as its module failed \(SyntaxError: .* at MODULE.py:1\): mend it"),
        ("1 / 0", r"as its module failed \(ZeroDivisionError: division by zero at MODULE.py:1\): mend it"),
        ("x = 1", r"could not be imported \(.*'E'\): write 'MODULE:E'|could not be imported \(.*no attribute 'E'"),
    ],
)
def test_a_module_that_breaks_is_named(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    name = f"broken_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=said.replace("MODULE", name)):
        import_named("engine", f"{name}:E")


def test_a_class_that_wants_more_than_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
from shadowprice.engines import AbstractEngine

class E(AbstractEngine):
    def __init__(self, model, key):
        pass

    async def stream(self, request):
        yield
"""
    (tmp_path / "wants_more.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=r"could not be made with 1 argument \(TypeError: .*'key'.*\): mend its"):
        make_named("engine", "wants_more:E", AbstractEngine, "m")
