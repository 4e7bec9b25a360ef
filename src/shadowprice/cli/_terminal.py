"""The terminal, which shows what data says and does not obey it."""

import json
import os
import re
import sys
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from shadowprice._text import shown

_USUAL: Final = 80
"""Characters of a line where nobody says how many there are."""
_UNSHOWN: Final = re.compile(r"[^\x20-\x7e]")


class Terminal(Console):
    """A console on which names and texts from files and servers are only text: no markup, no codes, no controls.

    Args:
        stderr: Whether to write to stderr.
        width: Characters of a line; the terminal's own if not given, and COLUMNS or 80 for files and pipes.
    """

    def __init__(self, *, stderr: bool = False, width: int | None = None) -> None:
        if width is None and not (sys.stderr if stderr else sys.stdout).isatty():
            # Rich would take the width of any terminal that it finds, though the text goes elsewhere.
            columns = os.environ.get("COLUMNS", "")
            width = (int(columns) if columns.isdecimal() else 0) or _USUAL
        super().__init__(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; the lines of what is only text are broken by who shows it, so that files keep sentences whole."""
        if all(isinstance(one, str) for one in objects):
            options.setdefault("soft_wrap", True)
        super().print(*objects, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """What Rich makes of every string, in tables and titles too."""
        return super().render_str("\n".join(map(shown, text.split("\n"))), **options)


def json_text(data: Any) -> str:
    """Data as JSON in lines, with escapes for what a terminal would obey or no file could keep."""
    return _UNSHOWN.sub(_escaped, json.dumps(data, indent=2, ensure_ascii=False)) + "\n"


def _escaped(match: re.Match[str]) -> str:
    one = match[0]
    if one == "\n" or one.isprintable():
        return one
    units = one.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in zip(units[::2], units[1::2], strict=True))
