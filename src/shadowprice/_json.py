"""JSON that nobody vouches for: parsed, or refused in one sentence."""

import json
import math
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from shadowprice._errors import InputError
from shadowprice._text import all_kept

MAX_DEPTH: Final = 100
"""Lists and objects within each other that strict JSON may have; Python gives up at some hundreds more."""

_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(text: str | bytes, where: str, *, strict: bool = False, advice: str = "is the file cut short?") -> Any:
    """Parse a whole JSON text, and make every text in it fit to be kept.

    Args:
        text: JSON, as text or in UTF-8.
        where: The place that is named where it is refused: `file, line 3`.
        strict: Whether to refuse a key that an object has twice, of which the last one counts otherwise, and what is
            more than `MAX_DEPTH` deep, which can be read but perhaps not be written again.
        advice: What to do about a text that is no JSON.

    Raises:
        InputError: It is not JSON, not UTF-8, nested too deeply, or holds a number that is too long.
    """
    with json_refusals(where, advice):
        decoded = text if isinstance(text, str) else text.decode("utf-8-sig")
        value = json.loads(decoded, object_pairs_hook=_unique(where) if strict else None)
        if strict and is_too_deep(value, decoded):
            raise RecursionError  # for every caller alike, not only where the stack happens to be deep already
        return fit_json(value, decoded)


def fit_json(value: Any, text: str) -> Any:
    """What was parsed from a JSON text, with halves of characters, which JSON can write but UTF-8 cannot, replaced."""
    return all_kept(value) if _SURROGATE.search(text) else value


def finite(data: Any) -> Any:
    """Data with null in the place of numbers that JSON cannot write, which are none: NaN and infinities."""
    if isinstance(data, float) and not math.isfinite(data):
        return None
    if isinstance(data, dict):
        return {key: finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [finite(value) for value in data]
    return data


def refuse_repeated(columns: Iterable[str], where: object) -> None:
    """Raise InputError where two columns have one name; those without any do no harm."""
    seen: set[str] = set()
    for name in columns:
        if name in seen and name.strip():
            raise InputError(f"{where}: there are two columns '{name}'; rename one of them, or leave it out.")
        seen.add(name)


@contextmanager
def json_refusals(where: str, advice: str = "is the file cut short?") -> Iterator[None]:
    """Turn what goes wrong with JSON in the block into an `InputError` that names the place."""
    try:
        yield
    except json.JSONDecodeError as error:
        raise InputError(
            f"{where}: not JSON at line {error.lineno}, column {error.colno} ({error.msg}); {advice}"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: not UTF-8 text (byte {error.start}); save it as UTF-8.") from error
    except RecursionError as error:
        raise InputError(f"{where}: JSON nested too deeply; nest at most {MAX_DEPTH} lists and objects.") from error
    except (OSError, EOFError, zlib.error) as error:  # a packed file that is damaged
        raise InputError(f"{where} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    except InputError:
        raise
    except ValueError as error:  # a number of more digits than Python converts
        raise InputError(f"{where}: a number in it is too long; correct it.") from error


def is_too_deep(value: Any, text: str | bytes) -> bool:
    """Whether what was parsed from a JSON text has more than `MAX_DEPTH` lists and objects within each other."""
    opened = text.count("[") + text.count("{") if isinstance(text, str) else text.count(b"[") + text.count(b"{")
    level: list[dict[str, Any] | list[Any]] = [[value]] if opened > MAX_DEPTH else []
    for _ in range(MAX_DEPTH + 1):
        if not level:  # as in nearly every text, and a file of questions has a text per line
            return False
        inner = (item for one in level for item in (one.values() if isinstance(one, dict) else one))
        level = [item for item in inner if isinstance(item, dict | list)]
    return bool(level)


def _unique(where: str) -> Any:
    def check(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            name = next(key for key in keys if keys.count(key) > 1)
            raise InputError(f"{where}, field '{name}': it is there twice; write every field once.")
        return found

    return check
