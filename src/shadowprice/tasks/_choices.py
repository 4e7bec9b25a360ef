"""What may be chosen from, in the shapes in which data sets hold it, and the letter of the right one."""

import ast
import re
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any, Final, NamedTuple

from shadowprice._columns import plain
from shadowprice._errors import InputError
from shadowprice._json import parse_json
from shadowprice.grading._choices import read_choice

_LABEL: Final = re.compile(r"\s*[(\[]?\s*(?P<letter>[A-Za-z])\s*[).:\]]+\s*(?P<text>.*)", re.DOTALL)
_MARKS: Final = ("\n", "|", ";")
_LONGEST_LITERAL: Final = 2**16
MOST_CHOICES: Final = len(ascii_uppercase)
_WHOLE: Final = re.compile(r"\d{1,3}")
_QUOTED: Final = r"(?:'[^'\n]*+'|\"[^\"\n]*+\")"
_ARRAY: Final = re.compile(rf"\s*\[\s*{_QUOTED}(?:\s+{_QUOTED})+\s*\]\s*")
"""What printing an array of texts leaves: no commas, so that Python would join them."""


class Choices(NamedTuple):
    """Choices of one question."""

    texts: tuple[str, ...]
    """Without their letters."""
    labels: tuple[str, ...]
    """What the file calls them: letters, mostly."""
    columns: tuple[str, ...] = ()
    """The columns that hold them, where each has one of its own."""


NONE: Final = Choices((), ())


def read_choices(value: Any, where: str, columns: Sequence[str] = ()) -> Choices:
    """Read choices: a list, ``{"text": [...], "label": [...]}``, a list of such pairs, ``{"A": ...}``, or text.

    Text may be JSON, a Python list, or lines or parts between bars or semicolons.

    Args:
        value: The value of the column.
        where: Names the place.
        columns: The columns that hold one choice each, such as ``option_1``; their numbers are labels.

    Raises:
        InputError: It is none of these, or a choice is not a text.
    """
    if isinstance(value, str):
        value = _from_text(value, where)
    labels: Sequence[Any] = ()
    if isinstance(value, Mapping) and isinstance(value.get("text"), list):
        value, labels = value["text"], value.get("label", value.get("labels")) or ()
    elif isinstance(value, Mapping):
        filled = {name: text for name, text in value.items() if text is not None}
        value, labels = list(filled.values()), list(filled)
    elif isinstance(value, list) and value and all(isinstance(one, Mapping) and "text" in one for one in value):
        labels = [one.get("label", one.get("key", "")) for one in value]
        value = [one["text"] for one in value]
    if not isinstance(value, list | tuple):
        raise InputError(f"{where}: not a list of choices: write one, or take no choices with --columns choices=.")
    for one in value:
        if isinstance(one, bool) or not isinstance(one, str | int | float):
            raise InputError(f"{where}: {str(one)[:40]!r} is not the text of a choice: correct it.")
    texts = tuple(str(one) for one in value)
    if labels and (not isinstance(labels, list) or len(labels) != len(texts)):
        raise InputError(f"{where}: {len(texts)} choices do not have as many labels: correct it.")
    counted = tuple(name[-1] for name in columns if name[-1:].isdigit())
    named = tuple(str(label) for label in labels) or counted[: len(texts)] or tuple(ascii_uppercase[: len(texts)])
    return Choices(_unlabelled(texts), named, tuple(columns[: len(texts)]))


def _from_text(text: str, where: str) -> Any:
    if text.lstrip().startswith(("[", "{", "(")):
        try:
            return parse_json(text, where, strict=True)
        except InputError:
            pass
        if len(text) <= _LONGEST_LITERAL and _ARRAY.fullmatch(text):
            return [one[1:-1] for one in re.findall(_QUOTED, text)]
        try:
            return ast.literal_eval(text.strip()) if len(text) <= _LONGEST_LITERAL else None
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return None
    for mark in _MARKS:
        parts = [part.strip() for part in text.strip().split(mark)]
        if len(parts) > 1:
            return parts
    return None


def _unlabelled(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The texts without their letters, where each begins with its own: ``A) 21``, ``B) 22``."""
    found = [_LABEL.fullmatch(text) for text in texts]
    letters = [match["letter"].upper() for match in found if match]
    if len(texts) > 1 and letters == list(ascii_uppercase[: len(texts)]):
        return tuple(match["text"].strip() for match in found if match)
    return texts


def _column(name: str) -> str:
    return plain(name).replace("_", "")


class Counting(NamedTuple):
    """How the right answers of a file name choices by numbers."""

    numbers: bool
    """Whether a number counts the choices; if not, it is the text of one."""
    first: int
    """The number of the first choice."""
    labelled: bool = True
    """Whether numbers are the labels that the choices have, where those are numbers."""


def how_counted(golds: Sequence[Any], choices: Sequence[Choices]) -> Counting:
    """How a file counts its choices, told from all of its right answers together.

    Those that are numbers count from 0, unless none is 0 and one is as large as the number of choices. Where every
    one is the text of one of its choices, they are those; if they are numbers in the file, not text, only where they
    cannot count.
    """
    whole = [
        (gold, one)
        for gold, one in zip(golds, choices, strict=True)
        if one.texts and not isinstance(gold, bool) and _WHOLE.fullmatch(str(gold))
    ]
    labelled = all(str(gold) in one.labels for gold, one in whole if one.labels[0].isdigit())
    pairs = [(gold, one) for gold, one in whole if not (labelled and str(gold) in one.labels)]
    numbers = [int(gold) for gold, _ in pairs]
    if not pairs:
        return Counting(True, 0, labelled)
    from_one = 0 not in numbers and any(
        number == len(one.texts) for number, (_, one) in zip(numbers, pairs, strict=True)
    )
    fits = all(number - from_one < len(one.texts) for number, (_, one) in zip(numbers, pairs, strict=True))
    are_texts = all(str(gold) in one.texts for gold, one in pairs)
    is_text = any(isinstance(gold, str) for gold, _ in pairs)
    return Counting(not (are_texts and (is_text or not fits)), int(from_one), labelled)


def letter_of(gold: Any, choices: Choices, counting: Counting, where: str) -> str | None:
    """The letter of the right choice; None if the right answer is none of the choices.

    Args:
        gold: A letter, a label, the text of a choice, or its number.
        choices: What may be chosen from.
        counting: What numbers mean.
        where: Names the place.

    Raises:
        InputError: It is a number that counts none of the choices.
    """
    texts = choices.texts
    if not texts or len(texts) > MOST_CHOICES:
        return None
    said = str(gold).strip()
    if said in choices.labels and (counting.labelled or not said.isdigit()):
        return ascii_uppercase[choices.labels.index(said)]
    columns = [_column(name) for name in choices.columns]
    if len(said) > 1 and _column(said) in columns:
        return ascii_uppercase[columns.index(_column(said))]
    plain = [" ".join(text.split()).casefold() for text in texts]
    wanted = " ".join(said.split()).casefold()
    if _WHOLE.fullmatch(said) and counting.numbers:
        position = int(said) - counting.first
        if not 0 <= position < len(texts):
            raise InputError(
                f"{where}: {said} counts none of the {len(texts)} choices, counted from {counting.first}: correct it."
            )
        return ascii_uppercase[position]
    if plain.count(wanted) == 1:
        return ascii_uppercase[plain.index(wanted)]
    letter = read_choice(said) if len(said) == 1 or _LABEL.fullmatch(said) or said.startswith(("(", "[")) else None
    return letter if letter is not None and ascii_uppercase.index(letter) < len(texts) else None
