"""An append-only file of finished work, so that a run that was cut off can go on."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from shadowprice._atomic import check_writable
from shadowprice._errors import InputError
from shadowprice._places import beside
from shadowprice._text import all_kept


def journal_place(output: Path) -> Path:
    """Where the journal of an output lies.

    Raises:
        InputError: The output cannot be written, or there is no place beside it.
    """
    check_writable(output)
    return beside(output, ".{}.journal", what="The journal", advice="give the output a place in a folder")


class Journal:
    """Lines of JSON beside an output file: first the settings, then one entry for each finished reply.

    Every entry is handed to the operating system before the next is written, and an entry that was cut short by a
    crash is dropped when the journal is opened again.

    Args:
        output: The file that the finished run will write; the journal is ``.NAME.journal`` beside it.
        settings: What the run was asked to do; going on is refused if it differs.
        resume: Whether to go on with a journal that is already there.

    Raises:
        InputError: A journal is there but `resume` was not asked for, or its settings differ, or the folder cannot be
            written.
    """

    def __init__(self, output: Path, settings: Mapping[str, Any], *, resume: bool) -> None:
        self.path = journal_place(output)
        self.entries: list[dict[str, Any]] = []
        """What earlier runs finished."""
        if self.path.exists():
            if not resume:
                raise InputError(
                    f"{self.path} holds an unfinished run; go on with --resume, or delete that file to start anew."
                )
            self._load(settings)
        try:
            self._file: IO[str] = self.path.open("a", encoding="utf-8")
        except OSError as error:
            raise InputError(f"Cannot write {self.path}: {error.strerror}; choose another folder.") from error
        if self._file.tell() == 0:
            self._append(settings)

    def _load(self, settings: Mapping[str, Any]) -> None:
        whole = 0
        lines: list[dict[str, Any]] = []
        with self.path.open("rb") as file:
            if file.read(1) not in (b"", b"{"):
                raise InputError(f"{self.path} is no journal of a recording; move it away, or give another output.")
        with self.path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                try:
                    lines.append(all_kept(json.loads(line)))
                except ValueError as error:
                    raise InputError(
                        f"{self.path}, line {len(lines) + 1}, is damaged: delete that line to go on, or the file to "
                        "start anew."
                    ) from error
                whole += len(line)
        os.truncate(self.path, whole)
        if not lines:
            return
        changed = [name for name, value in settings.items() if lines[0].get(name) != value]
        if changed:
            name = changed[0]
            raise InputError(
                f"{self.path} was begun with {name} = {lines[0].get(name)!r}, not {settings[name]!r}; "
                "use the same options, or delete that file to start anew."
            )
        self.entries = lines[1:]

    def add(self, entry: Mapping[str, Any]) -> None:
        """Write one finished reply."""
        self._append(entry)

    def _append(self, entry: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(all_kept(dict(entry)), ensure_ascii=False) + "\n")
        self._file.flush()

    def finish(self) -> None:
        """Remove the journal: the output is written."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
