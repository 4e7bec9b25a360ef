"""Reading the letter of a multiple choice out of what models write."""

import re

_LONGEST_TEXT = 4096
_DRESS = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mathsf|mbox|boxed|bf|rm)(?![a-zA-Z])|[*_`$\"'{}\\]")
_BARE = re.compile(r"[(\[<]?[ \t]*+([A-Za-z])[ \t]*+[)\]>]?[.:,]?")
_LEADING = re.compile(r"(?:[(\[][ \t]*+([A-Z])[ \t]*+[)\]]|([A-Z])[ \t]*+[).:,\]]|([A-Z])[ \t]++[-–—=])(?=[\s\W]|\Z)")
_ANOTHER = re.compile(r"[ \t,:.]*+(?:and|or|&|/)?[ \t,]*+[(\[]?[A-Z](?:[)\]]|[ \t]*+\Z)")
_NAMED = re.compile(r"\b(?:option|choice|answer)s?\b(?:[ \t]is)?[ \t:]*+[(\[]?([A-Z])\b(?![ \t]++[a-z])", re.IGNORECASE)
_MARKED = re.compile(r"[(\[]([A-Z])[)\]]")


def read_choice(text: str) -> str | None:
    r"""Read the letter that a text chooses.

    A letter alone is read in either case: ``B``, ``b``, ``(B)``, ``B.``, ``\text{B}``, ``**B**``. Otherwise a capital
    letter that leads (``B) Paris``, ``B. Paris``, ``(B) Paris``), or is named (``option B``), or is the only one in
    brackets counts. A text that names several letters chooses none.

    Returns:
        The letter, a capital; None if there is none.
    """
    plain = " ".join(_DRESS.sub("", text[:_LONGEST_TEXT]).split())
    if bare := _BARE.fullmatch(plain):
        return bare[1].upper()
    if leading := _LEADING.match(plain):
        return None if _ANOTHER.match(plain, leading.end()) else leading[1] or leading[2] or leading[3]
    for pattern in (_NAMED, _MARKED):
        letters = {match[1].upper() for match in pattern.finditer(plain)}
        if letters:
            return letters.pop() if len(letters) == 1 else None
    return None
