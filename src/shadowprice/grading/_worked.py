r"""The final part of a right answer that is a worked solution: ``... #### 42`` and ``\boxed{42}``."""

import re
from typing import Final

from shadowprice.grading._dress import without_hashes

_BOX: Final = re.compile(r"\\(?:boxed|fbox)\s*\{")
_LONGEST: Final = 2**17


def final_part(gold: str) -> str | None:
    r"""What follows ``####`` on the last line, or is in the last ``\boxed{}``; None if there is neither."""
    if len(gold) > _LONGEST:
        return None
    if (rest := without_hashes(gold)) != gold.strip():
        return rest
    starts = [match.end() for match in _BOX.finditer(gold)]
    if not starts:
        return None
    depth = 1
    for position in range(starts[-1], len(gold)):
        depth += {"{": 1, "}": -1}.get(gold[position], 0)
        if depth == 0:
            return gold[starts[-1] : position].strip() or None
    return None
