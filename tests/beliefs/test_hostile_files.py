"""Files and texts by somebody who means harm: a clear line or a sane result, and never code from a file."""

import io
import json
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictor_files import card_of, refusal
from predictor_files import fitted as fitted
from shadowprice._errors import InputError
from shadowprice.beliefs import (
    AbstractPredictor,
    PriorPredictor,
    load_predictor,
    save_predictor,
)
from shadowprice.beliefs.saved import _archive as archive_module

Members = dict[str, bytes]


@pytest.fixture(scope="module")
def members(fitted: dict[Any, AbstractPredictor], tmp_path_factory: pytest.TempPathFactory) -> Members:
    """What a good file holds: the prior's, which is small."""
    path = tmp_path_factory.mktemp("good") / "p.shadow"
    save_predictor(fitted[PriorPredictor], card_of(fitted[PriorPredictor]), path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def forge(members: Members, tmp_path: Path) -> Callable[..., Path]:
    """Writes a file that is good but for the members given."""

    def write(changes: Members, compression: int = zipfile.ZIP_DEFLATED) -> Path:
        path = tmp_path / "p.shadow"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in (members | changes).items():
                archive.writestr(name, content)
        return path

    return write


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return Path.touch, (self.canary,)


def test_a_pickle_by_another_name(tmp_path: Path) -> None:
    path, canary = tmp_path / "p.shadow", tmp_path / "canary"
    path.write_bytes(pickle.dumps(Bomb(canary)))
    assert " is not a predictor file, or is damaged; make it anew with `shadowprice fit`." == refusal(path)
    assert not canary.exists()
    pickle.loads(path.read_bytes())
    assert canary.exists()  # the bomb is live


def test_a_pickle_inside_an_array(forge: Callable[..., Path], tmp_path: Path) -> None:
    canary, buffer = tmp_path / "canary", io.BytesIO()
    np.save(buffer, np.array([Bomb(canary)], dtype=object))
    assert " is damaged; make it anew with `shadowprice fit`." == refusal(forge({"123.npy": buffer.getvalue()}))
    assert not canary.exists()


def test_a_card_that_would_play_with_the_terminal(forge: Callable[..., Path], members: Members) -> None:
    content = json.loads(members["card.json"])
    content["card"] |= {"traces": "\x1b[2Jgone\r\n\u202e", "model": "m" * 10_000, "version": "[/red] {x}"}
    card = load_predictor(forge({"card.json": json.dumps(content).encode()}))[1]
    assert ("�[2Jgone  �", "m" * 500, "[/red] {x}") == (card.traces, card.model, card.version)


def node(loader: str, module: str, name: str, **content: Any) -> dict[str, Any]:
    return {"__loader__": loader, "__module__": module, "__class__": name, "__id__": 7, **content}


def text(value: Any) -> dict[str, Any]:
    return node("JsonNode", "builtins", "str", content=json.dumps(value), is_json=True)


def items(*values: Any) -> dict[str, Any]:
    return node("TupleNode", "builtins", "tuple", content=list(values))


def table(**values: Any) -> dict[str, Any]:
    keys = node("ListNode", "builtins", "list", content=[node("TypeNode", "builtins", "str") for _ in values])
    return node("DictNode", "builtins", "dict", content=values, key_types=keys)


def attacks(canary: str) -> dict[str, dict[str, Any]]:
    """Nodes that would run something, if they were built."""
    touch = f"touch {canary}"
    system = node("FunctionNode", "posix", "system")
    call = {"func": system, "args": items(text(touch)), "kwds": table(), "namespace": text(None)}
    return {
        "builtins.eval": node("FunctionNode", "builtins", "eval"),
        "posix.system": system,
        "functools.partial": node("PartialNode", "functools", "partial", content=call),
        "subprocess.Popen": node("ConstructorFromReduceNode", "subprocess", "Popen", content=items(text(touch))),
        "operator.methodcaller": node("OperatorFuncNode", "operator", "methodcaller", attrs=items(text("touch"))),
        "builtins.exec": node("TypeNode", "builtins", "exec"),
        "os.system": node("MethodNode", "os", "system", content={"func": "system", "obj": text("os")}),
        "pathlib.PosixPath": node("ObjectNode", "pathlib", "PosixPath", content=table()),
        "builtins.dict by FunctionNode": node("FunctionNode", "builtins", "dict"),
        "sklearn.preprocessing._function_transformer.FunctionTransformer": node(
            "ObjectNode", "sklearn.preprocessing._function_transformer", "FunctionTransformer", content=table()
        ),
        "sklearn.pipeline.Pipeline": node("ObjectNode", "sklearn.pipeline", "Pipeline", content=table()),
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor": node(
            "ObjectNode", "sklearn.ensemble._hist_gradient_boosting.predictor", "TreePredictor", content=table()
        ),
        "numpy.random._generator.Generator": node("RandomGeneratorNode", "numpy.random._generator", "Generator"),
        "numpy.exp": node("FunctionNode", "numpy", "exp"),
        "builtins.map": node("TypeNode", "builtins", "map"),
        "shadowprice.cli.main": node("ObjectNode", "shadowprice.cli", "main", content=table()),
    }


@pytest.mark.parametrize("name", list(attacks("")))
def test_types_that_no_predictor_needs(forge: Callable[..., Path], members: Members, tmp_path: Path, name: str) -> None:
    canary, schema = tmp_path / "canary", json.loads(members["schema.json"])
    attack = attacks(str(canary))[name]
    schema["content"]["running"] = attack
    complaint = f" contains {name}, which no predictor needs; it was not loaded."
    assert complaint == refusal(forge({"schema.json": json.dumps(schema).encode()}))
    # The same deep inside the predictor, and in place of a dictionary's key types.
    schema = json.loads(members["schema.json"])
    schema["content"]["predictor"]["content"]["content"]["max_tokens"] = items(attack)
    assert complaint == refusal(forge({"schema.json": json.dumps(schema).encode()}))
    schema = json.loads(members["schema.json"])
    schema["key_types"]["content"][0] = attack
    assert complaint == refusal(forge({"schema.json": json.dumps(schema).encode()}))
    assert not canary.exists()


@pytest.mark.parametrize(
    "schema",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"{" * 200_000,
        b"[" * 200_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"__loader__": "DictNode", "__module__": "builtins", "__class__": "dict", "protocol": 2}',
        b'{"__loader__": 3, "__module__": ["builtins"], "__class__": {}}',
        b"\xff\xfe",
        b"1" * 5000,
    ],
)
def test_a_schema_that_is_none(forge: Callable[..., Path], schema: bytes) -> None:
    assert refusal(forge({"schema.json": schema})).endswith(
        ("; make it anew with `shadowprice fit`.", "which no predictor needs; it was not loaded.")
    )


def test_a_predictor_that_is_none(forge: Callable[..., Path], members: Members) -> None:
    schema = json.loads(members["schema.json"])
    schema["content"]["predictor"] = text("me")
    complaint = " holds no predictor; make it anew with `shadowprice fit`."
    assert complaint == refusal(forge({"schema.json": json.dumps(schema).encode()}))


def test_a_method_that_is_replaced(forge: Callable[..., Path], members: Members) -> None:
    schema = json.loads(members["schema.json"])
    attributes = schema["content"]["predictor"]["content"]
    attributes["content"]["predict"] = text("x")
    attributes["key_types"]["content"].append(node("TypeNode", "builtins", "str"))
    assert "does not predict" in refusal(forge({"schema.json": json.dumps(schema).encode()}))


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"PK\x05\x06" + b"\0" * 18, bytes(range(256)) * 40, b"{}", b"\0" * 5000]
)
def test_bytes_that_are_no_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "p.shadow"
    path.write_bytes(content)
    assert refusal(path)
    path.write_bytes(np.random.default_rng(0).bytes(20_000))
    assert " is not a predictor file, or is damaged; make it anew with `shadowprice fit`." == refusal(path)


def test_a_folder_and_nothing(tmp_path: Path) -> None:
    assert " is a folder, not a predictor file; give the file that `shadowprice fit -o` wrote." == refusal(tmp_path)
    assert refusal(tmp_path / "none").startswith(": no such file; make a predictor with `shadowprice fit TRACES")


def test_a_file_cut_short_anywhere(forge: Callable[..., Path]) -> None:
    path = forge({})
    whole = path.read_bytes()
    for keep in (*range(0, len(whole), 97), len(whole) - 1):
        path.write_bytes(whole[:keep])
        assert refusal(path)


def test_a_file_with_a_wrong_byte_anywhere_is_refused_or_the_same(forge: Callable[..., Path]) -> None:
    path = forge({})
    whole = path.read_bytes()
    before = load_predictor(path)[0].predict(["x"]).threshold
    rng = np.random.default_rng(0)
    for place in rng.integers(len(whole), size=60):
        broken = bytearray(whole)
        broken[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(broken))
        try:
            assert before == load_predictor(path)[0].predict(["x"]).threshold
        except InputError as error:
            assert str(error).startswith(str(path))


@pytest.mark.parametrize(
    "name",
    ["../escape.npy", "/etc/escape.npy", "a/1.npy", "..\\escape.npy", "x.pkl", "1.npz", "schema.json ", "\n.npy"],
)
def test_names_that_no_predictor_has(forge: Callable[..., Path], tmp_path: Path, name: str) -> None:
    complaint = refusal(forge({name: b"x"}))
    assert complaint.startswith(" contains ")
    assert complaint.endswith(", which no predictor needs; it was not loaded.")
    assert ["p.shadow"] == [file.name for file in tmp_path.iterdir()]


@pytest.mark.parametrize("name", ["1.npy", "card.json", "schema.json"])
def test_a_bomb_is_not_unpacked(forge: Callable[..., Path], name: str) -> None:
    path = forge({name: b"\0" * 60_000_000})
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    complaint = refusal(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert complaint.startswith(f" contains {name}, which unpacks from 58,")
    assert complaint.endswith(" to 60,000,000 bytes; it was not loaded.")
    assert peak < 2_000_000


def test_many_small_bombs(forge: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "_MOST_BYTES", 5_000_000)
    path = forge({f"{number}.npy": b"\0" * 1_000_000 for number in range(6)})
    assert " bytes, more than any predictor; it was not loaded." in refusal(path)
    monkeypatch.setattr(archive_module, "_MOST_BYTES", 3_000)
    assert " bytes, more than any predictor; make it anew" in refusal(path)
    monkeypatch.setattr(archive_module, "_MOST_BYTES", 1 << 29)
    monkeypatch.setattr(archive_module, "_MOST_MEMBERS", 5)
    assert " parts, too many or some of the same name" in refusal(path)


def test_a_size_that_is_a_lie(forge: Callable[..., Path]) -> None:
    """A member that says it is small and is not is read only as far as it says."""
    path = forge({"7.npy": b"\0" * 900_000})
    whole = path.read_bytes()
    lie = whole.replace((900_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert lie != whole
    path.write_bytes(lie)
    assert " is damaged; make it anew with `shadowprice fit`." == refusal(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name(forge: Callable[..., Path], members: Members) -> None:
    path = forge({})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("schema.json", members["schema.json"])
    assert "too many or some of the same name" in refusal(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_to_pack(forge: Callable[..., Path], compression: int) -> None:
    assert "packed in a way that no predictor is" in refusal(forge({}, compression))


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }",
        "__import__('os').system('touch canary')",
        "(" * 3000,
    ],
)
def test_an_array_that_lies_about_itself(forge: Callable[..., Path], header: str) -> None:
    packed = header.encode() + b"\n"
    content = b"\x93NUMPY\x01\x00" + len(packed).to_bytes(2, "little") + packed + b"\0" * 8
    assert " is damaged; make it anew with `shadowprice fit`." == refusal(forge({"9.npy": content}))
