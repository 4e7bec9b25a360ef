"""Records in JSON of any make: one per line, a list of them, or one object that holds them."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from shadowprice._errors import InputError
from shadowprice._json import parse_json
from shadowprice._packed import open_file
from shadowprice.traces.importers._columns import NAMES, roles_of
from shadowprice.traces.importers._json import MAX_PIECE, Advance, JsonStream, read_json_lines

_FEWEST = 2
"""Objects by number or name that make a table; one alone is a part of something else."""


class _Held(NamedTuple):
    """What an object holds."""

    names: list[str]
    """Of its fields."""
    lists: dict[str, set[str]]
    """Its lists of objects, with the fields of the first object in each."""
    objects: int
    """How many of its fields are objects."""

    def is_row(self, wanted: Collection[str]) -> bool:
        """Whether the object is itself a question with a reply, and not what holds some."""
        if any(name in self.names or name.partition(".")[0] in self.names for name in wanted):
            return True
        inner = [roles_of(fields) for fields in self.lists.values()]
        return roles_of(self.names) >= {"question", "reply"} and not any("question" in roles for roles in inner)


def json_rows(path: Path, advance: Advance, wanted: Collection[str] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    """The records of a JSON file, each with its place.

    They stand one on a line, in a list, in the only list of objects that an object holds (`{"results": […]}`), or in
    an object by their number or name (`{"0": {…}, "1": {…}}`, as OpenCompass writes its predictions).

    Args:
        path: The file.
        advance: Told how many bytes were read.
        wanted: Fields that the caller says a record has.

    Raises:
        InputError: It is not JSON, or one of the records is no object.
    """
    with open_file(path) as file:
        first = file.read(2**12).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if first == b"[":
        with JsonStream(path, advance) as stream:
            for number, record in stream.items("item"):
                yield f"{path}, item {number}", _checked(record, f"{path}, item {number}")
        return
    if _is_lines(path):
        for line, record in read_json_lines(path, advance):
            yield f"{path}, line {line}", record
        return
    held = _held(path)
    if held.is_row(wanted):
        yield from _alone(path, advance)
    elif len(held.lists) == 1:
        yield from _in_field(path, next(iter(held.lists)), advance)
    elif held.lists:
        listed = ", ".join(f"'{name}'" for name in held.lists)
        raise InputError(f"{path}: it holds several lists ({listed}); give each list in a file of its own.")
    elif held.objects >= _FEWEST and 2 * held.objects > len(held.names):
        yield from _by_name(path, advance)
    else:
        yield from _alone(path, advance)


def _is_lines(path: Path) -> bool:
    """Whether an object ends on the first line, and another begins on a later one."""
    with open_file(path) as file:
        line = b""
        while not line.strip():
            line = file.readline(MAX_PIECE + 1)
            if not line:
                return False
        if len(line) > MAX_PIECE:
            return False
        try:
            parse_json(line.rstrip(), "")
        except InputError as error:
            later = next((piece for piece in iter(lambda: file.readline(2**16), b"") if piece.strip()), b"")
            # A damaged line is named as such where another object follows.
            return b"}" in line and later.lstrip().startswith(b"{") and error is not None
        return any(piece.strip() for piece in iter(lambda: file.readline(2**16), b""))


def _held(path: Path) -> _Held:
    held = _Held([], {}, 0)
    for name, stream in object_fields(path):
        held.names.append(name)
        if stream.peek() == "[":
            fields, whole = set[str](), True
            for number, item in stream.items(f"field '{name}', item"):
                whole = whole and isinstance(item, dict)
                fields = set(item) if whole and not number else fields
            if whole and fields:
                held.lists[name] = fields
        elif isinstance(stream.value(f"field '{name}'"), dict):
            held = held._replace(objects=held.objects + 1)
    return held


def object_fields(path: Path, advance: Advance = lambda count: None) -> Iterator[tuple[str, JsonStream]]:
    """The names of an object's fields; whoever asks reads the value before the next."""
    with JsonStream(path, advance) as stream:
        stream.expect("{", "the beginning")
        while not stream.take("}"):
            name = str(stream.value("a field's name"))
            stream.expect(":", f"field '{name}'")
            yield name, stream
            if not stream.take(","):
                stream.expect("}", f"field '{name}'")
                break
        if stream.peek():
            raise InputError(f"{path}: more follows behind the object; write one object per line, or one list.")


def _in_field(path: Path, wanted: str, advance: Advance) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, stream in object_fields(path, advance):
        if name != wanted:
            stream.value(f"field '{name}'")
            continue
        for number, record in stream.items(f"field '{name}', item"):
            where = f"{path}, field '{name}', item {number}"
            yield where, _checked(record, where)


def _by_name(path: Path, advance: Advance) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, stream in object_fields(path, advance):
        record = stream.value(f"field '{name}'")
        if isinstance(record, dict):
            own = {} if set(NAMES["query_id"]) & set(record) else {"id": name}
            yield f"{path}, field '{name}'", own | record


def _alone(path: Path, advance: Advance) -> Iterator[tuple[str, dict[str, Any]]]:
    with JsonStream(path, advance) as stream:
        yield f"{path}, line 1", _checked(stream.value("the whole"), str(path))


def _checked(record: Any, where: str) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise InputError(f"{where}: not a JSON object; give a list of objects.")
    return record
