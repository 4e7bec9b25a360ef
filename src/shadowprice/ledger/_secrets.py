"""Keeping secrets out of files."""

import re
from functools import lru_cache
from typing import Any, Final

HIDDEN: Final = "(not kept)"
"""What stands in a ledger where a secret was given."""

_SECRET_NAME = re.compile(
    r"(?i)api[-_ ]?key|passw(or)?d|passphrase|secret|authorization|credential|cookie|private[-_ ]?key"
    r"|(access|api|auth|bearer|hf|id|refresh|session)[-_ ]?token$"
)
# Replies with log probabilities have fields called `token`; settings have no such excuse.
_SECRET_SETTING = re.compile(rf"{_SECRET_NAME.pattern}|^token$")
_SECRET_TEXT = (
    (re.compile(r"(?<=://)[^/@\s]+@"), ""),
    (re.compile(r"(?i)\b(bearer) +[\w.~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(?i)\b((?:api[-_]?key|(?:access[-_]?)?token|secret|password)=)[^&\s]+"), rf"\1{HIDDEN}"),
    (re.compile(r"\b(?:sk|hf|gsk|xai|ghp)[-_][\w-]{12,}"), HIDDEN),
)
_HOLDERS: Final = (dict, list, tuple)


def without_secrets(text: str) -> str:
    """A text without passwords in addresses, bearer tokens and keys of known forms."""
    for pattern, instead in _SECRET_TEXT:
        text = pattern.sub(instead, text)
    return text


def hide_fields(data: Any) -> Any:
    """JSON data in which fields that are named like secrets are hidden; texts stay as they are."""
    if isinstance(data, dict):
        return {
            name: HIDDEN if value and _is_secret(name) else hide_fields(value) if isinstance(value, _HOLDERS) else value
            for name, value in data.items()
        }
    return [hide_fields(value) for value in data] if isinstance(data, list | tuple) else data


@lru_cache(1000)
def _is_secret(name: str) -> bool:
    """Remembered, as every outcome has the same fields."""
    return _SECRET_NAME.search(name) is not None


def hide_all(data: Any) -> Any:
    """JSON data in which fields that are named like secrets, and secrets within texts, are hidden."""
    if isinstance(data, dict):
        return {
            name: HIDDEN if value and _SECRET_SETTING.search(name) else hide_all(value) for name, value in data.items()
        }
    if isinstance(data, list | tuple):
        return [hide_all(value) for value in data]
    return without_secrets(data) if isinstance(data, str) else data
