"""Reading the letter of a multiple choice out of what models write."""

import re
from collections.abc import Sequence
from string import ascii_uppercase
from unicodedata import normalize

from shadowprice.grading._dress import undressed

_LONGEST_TEXT = 4096
_DRESS = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mathsf|mbox|boxed|bf|rm)(?![a-zA-Z])|[*_`$\"'{}\\]")
_BARE = re.compile(r"[(\[<]?[ \t]*+([A-Za-z])[ \t]*+[)\]>]?[.:,]?")
_LEADING = re.compile(r"(?:[(\[][ \t]*+([A-Z])[ \t]*+[)\]]|([A-Z])[ \t]*+[).:,\]]|([A-Z])[ \t]++[-–—=])(?=[\s\W]|\Z)")
_ANOTHER = re.compile(r"[ \t,:.]*+(?:and|or|&|/)?[ \t,]*+[(\[]?[A-Z](?:[)\]]|[ \t]*+\Z)")
_NAMED = re.compile(r"\b(?:option|choice|answer)s?\b(?:[ \t]is)?[ \t:]*+[(\[]?([A-Z])\b(?![ \t]++[a-z])", re.IGNORECASE)
_REFUSED = re.compile(
    r"(?:\b(?i:not|cannot|neither|nor|never|except|excluding|eliminate|rules? out|instead of|wrong|incorrect)|n['’]t)"
    r"\b[^.,;:]{0,20}?(?:\b(?i:option|choice|answer)s?[ ]+[(\[]?[A-Z]\b|[(\[][A-Z][)\]]|\b[A-Z]\Z)"
)
"""What says which one it is not."""
_CORRECTED = re.compile(r"[.,;:!–—-][ ]*(?i:no|wait|actually|sorry|hmm|rather|I mean)\b.*\b[A-HJ-Z]\b")
_INITIALS = re.compile(r"[A-Z]\.(?:[ ]?[A-Z]\.)+[ ]?\w")
_MARKED = re.compile(r"[(\[]([A-Z])[)\]]")
_LABELLED = re.compile(
    r"(?:(?i:option|choice|answer)[ ])?[(\[]?[ ]*+[A-Za-z][ ]*+(?:[)\].:,]++|[-–—=])[ ]*+(?P<text>\S.*)"
)


def choose(text: str, choices: Sequence[str] = ()) -> str | None:
    """Read the letter that a text chooses where what may be chosen from is known.

    The text of a choice chooses it as well as its letter. A letter chooses nothing where no choice has it, or where the
    text of another choice stands behind it: of "A) stem" nobody knows which one was meant if stem is B.

    Args:
        text: An answer.
        choices: The texts of the choices without their letters, the first is A; empty if they are not known.

    Returns:
        The letter, a capital; None if there is none.
    """
    letter = read_choice(text)
    if not choices or len(choices) > len(ascii_uppercase):
        return letter
    plain = [_plain(choice) for choice in choices]
    if letter is None:
        said = _plain(text)
        return ascii_uppercase[plain.index(said)] if plain.count(said) == 1 and said else None
    position = ascii_uppercase.index(letter)
    if position >= len(plain):
        return None
    behind = _LABELLED.fullmatch(" ".join(_DRESS.sub("", text[:_LONGEST_TEXT]).split()))
    said = _plain(behind["text"]) if behind else ""
    return None if said in plain and said != plain[position] else letter


def _plain(text: str) -> str:
    """A choice as it is compared: whatever its case, blanks, dress and article."""
    bare = " ".join(_DRESS.sub("", undressed(text[:_LONGEST_TEXT])).casefold().split()).removesuffix(".")
    return bare.partition(" ")[2] if bare.startswith(("the ", "an ", "a ")) else bare


def read_choice(text: str) -> str | None:
    r"""Read the letter that a text chooses.

    A letter alone is read in either case: ``B``, ``b``, ``(B)``, ``B.``, ``\text{B}``, ``**B**``. Otherwise a capital
    letter that leads (``B) Paris``, ``B. Paris``, ``(B) Paris``), or is named (``option B``), or is the only one in
    brackets counts. A text that names several letters chooses none, and so does one that says which it is not, or takes
    back what it said. Initials (``A. J. Finn``) are no letters.

    Returns:
        The letter, a capital; None if there is none.
    """
    text = text[:_LONGEST_TEXT]
    plain = " ".join(_DRESS.sub("", text if text.isascii() else normalize("NFKC", text)).split())
    if bare := _BARE.fullmatch(plain):
        return bare[1].upper()
    if _INITIALS.match(plain) or _CORRECTED.search(plain):
        return None
    if leading := _LEADING.match(plain):
        return None if _ANOTHER.match(plain, leading.end()) else leading[1] or leading[2] or leading[3]
    if _REFUSED.search(plain):
        return None
    for pattern in (_NAMED, _MARKED):
        letters = {match[1].upper() for match in pattern.finditer(plain)}
        if letters:
            return letters.pop() if len(letters) == 1 else None
    return None
