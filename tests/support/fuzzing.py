"""Inputs at random: a few in the default run, and for as long as FUZZ_SECONDS says in `make fuzz`.

A target is a test marked `fuzz` that calls `fuzz` with a strategy and a check. What fails is shrunk and printed by
Hypothesis; it belongs into a test of its own, beside the change that mends it.
"""

import copy
import json
import os
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

_T = TypeVar("_T")
_SECONDS: Final = float(os.environ.get("FUZZ_SECONDS", "0"))
_ROUND: Final = 200
"""Inputs after which the clock is looked at."""
_PATCHES: Final = (
    *(b"null", b"true", b"1e999", b"-1", b"NaN", b"1.2.3", b"9" * 5000, b"1" + b"0" * 40),
    *(b"[", b"]", b"{", b"}", b'"', b",", b":", b"\\", b"\\ud800", b"\\u0000", b"[" * 3000, b'{"a":' * 300),
    *(b"\r\n", b"\n\n", b"\0", b"\x1b[31m", b"\xff\xfe", b"\xed\xa0\x80", b"\xe2\x80\xae", b"data: ", b"/../"),
)
"""What readers have stumbled over."""


def fuzz(inputs: st.SearchStrategy[_T], check: Callable[[_T], None], *, examples: int = 100) -> None:
    """Check inputs at random, and print how many.

    Args:
        inputs: Where they come from.
        check: Raises if something is wrong with one.
        examples: How many in the default run, which has no time to lose.
    """
    tried, began = 0, time.monotonic()

    def one(value: _T) -> None:
        nonlocal tried
        tried += 1
        check(value)

    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    if not _SECONDS:
        settings(max_examples=examples, suppress_health_check=quiet)(given(inputs)(one))()
    else:
        longer = settings(
            max_examples=_ROUND, suppress_health_check=quiet, database=None, derandomize=False, deadline=None
        )
        while time.monotonic() - began < _SECONDS:
            seed(random.getrandbits(64))(longer(given(inputs)(one)))()
    print(f"{tried:,} inputs in {time.monotonic() - began:.1f} s")


@st.composite
def damaged(draw: st.DrawFn, originals: Mapping[str, bytes]) -> bytes:
    """One of the originals with a few bytes changed, taken out, put in or doubled, or cut short."""
    content = bytearray(originals[draw(st.sampled_from(sorted(originals)))])
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, max(0, len(content) - 1)))
        end = start + draw(st.integers(0, 8) | st.integers(0, 200))
        kind = draw(st.sampled_from(["put", "put", "double", "flip", "cut"]))
        if kind == "put":
            content[start:end] = draw(st.binary(min_size=0, max_size=6) | st.sampled_from(_PATCHES))
        elif kind == "double":
            content[start:start] = content[start:end] * draw(st.integers(1, 3))
        elif kind == "flip" and content:
            content[start] ^= 1 << draw(st.integers(0, 7))
        elif draw(st.booleans()):
            del content[start:]
    return bytes(content)


VALUES: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["\ud800", "attachment://x", "nan", "C", "word " * 100, 10**300, [[[[]]]]]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
"""Values that JSON can hold."""


@st.composite
def altered(draw: st.DrawFn, originals: Mapping[str, Any], *, most: int = 1) -> Any:
    """One of the originals, values as JSON has them, with something else in up to `most` of its fields."""
    whole = json.loads(json.dumps(originals[draw(st.sampled_from(sorted(originals)))]))
    for _ in range(draw(st.integers(1, most))):
        found = _places(whole)
        if not found:
            break
        *path, last = draw(st.sampled_from(found))
        parent = whole
        for key in path:
            parent = parent[key]
        # A copy: what was drawn may be drawn again, and is changed by the next round.
        parent[last] = copy.deepcopy(draw(VALUES))
    return whole


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inner for found in [(*path, key), *_places(item, (*path, key))]]
