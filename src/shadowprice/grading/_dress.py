r"""What answers and right answers wear: ``#### 7``, ``\boxed{7}``, ``$7$``, ``"7"``, ``**7**``."""

import re

_HASHES = re.compile(r"(?:\A|\n)####[ \t]*+(?P<inside>[^\n]+)\Z")
_PAIRS = (
    *(("**", "**"), ("__", "__"), ("$$", "$$"), ("$", "$"), ("`", "`"), ("*", "*"), (r"\(", r"\)"), (r"\[", r"\]")),
    *(('"', '"'), ("'", "'"), ("“", "”"), ("「", "」"), ("«", "»")),
)
_COMMANDS = re.compile(
    r"\\(?:boxed|fbox|text|textbf|textit|mathrm|mathbf|mbox)[ \t]*+\{(?P<inside>[^{}]*(?:\{[^{}]*\}[^{}]*)*)\}"
)
_MOST = 6
_LONGEST = 4096


def undressed(text: str) -> str:
    """Leave out what is around the whole of a text, and a closing period."""
    if len(text) > _LONGEST or (text[:1].isalnum() and text[-1:].isalnum() and "####" not in text):
        return text
    text = without_hashes(text)
    for _ in range(_MOST):
        inner = text.removesuffix(".").strip() if not text.endswith("..") else text
        if command := _COMMANDS.fullmatch(inner):
            inner = command["inside"].strip()
        for opening, closing in _PAIRS:
            inside = inner[len(opening) : len(inner) - len(closing)]
            if inside and inner == opening + inside + closing and not (opening in inside or closing in inside):
                inner = inside.strip()
        if inner == text or not inner:
            break
        text = inner
    return text


def without_hashes(text: str) -> str:
    """What follows ``####`` on the last line; the whole text if nothing does."""
    text = text.strip()
    match = _HASHES.search(text) if "####" in text else None
    return match["inside"].strip() if match else text
