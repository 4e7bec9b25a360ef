"""Final answers that a reply gives without saying so."""

import re
from collections.abc import Iterator, Sequence

from shadowprice.grading._choices import choose
from shadowprice.grading._numbers import is_number, read_number
from shadowprice.grading._sentences import HEDGED, said_at_end
from shadowprice.grading._spans import VALUE, Span, stripped, trimmed, unwrapped

_TAIL = 1000
"""Characters at the end of a reply in which it concludes; what stands before is reasoning."""
_LONGEST_LINE = 200
_MOST_WORDS = 6
_SENTENCE = re.compile(r"(?:[^\r\n.!?。！？]++|[.!?](?!\**\s|\**\Z)|(?<=\d)!(?=[ ][a-z=]))++")
_CONCLUDES = re.compile(
    r"\W*+(?:therefore|thus|hence|so|in conclusion|in summary|to conclude|finally)\b", re.IGNORECASE
)
_IS = re.compile(
    r".*(?:\b(?:is|are|equals?|be)\b(?:[ \t]++(?:indeed|exactly|still|equal to|to))?|=|＝)"
    r"[ \t]*+(?P<answer>\S.*)",
    re.DOTALL,
)
_ASIDE = re.compile(r",[ ]?(?:which|that|who)[ ]+(?:is|are|equals?)[ \t]*+\Z")
"""What is said of something within a sentence."""
_TOTAL = re.compile(
    r"\W*+(?:(?:the|final|grand)[ \t]++)*+(?:total|result|sum|solution|value|output)[*_]*+[ \t]*+[:：]"
    r"[ \t]*+(?P<answer>\S.*)",
    re.IGNORECASE,
)
_EMPHASISED = re.compile(r"(?P<run>\*{2,3}|__)(?=\S)(?P<answer>[^*_\r\n]{1,100})(?<=\S)(?P=run)")
_CHOSEN = re.compile(
    r"(?:[^\w(]|(?i:so|therefore|thus|hence|the))*+(?:(?i:option|choice|statement)[ \t]++)?[*_]*+"
    r"(?P<answer>\(?[A-Z]\)?)[*_]*+[ \t]++is[ \t]++(?:therefore[ \t]++|thus[ \t]++)?(?:the[ \t]++)?"
    r"(?:correct|right|best|true)(?:[ \t]++(?:answer|option|choice|one))?[*_]*+[ \t]*+\Z"
)
_LISTED = re.compile(r"[^\w\r\n]*+([A-Z])[*_]*+[ \t]*+[).:\]]")
_FIGURE = re.compile(r"(?<![\w.,^_])[-−]?[$€£¥]?\d++(?:[.,]\d++)*+(?:/\d++)?%?(?![\w^])")
_LONGEST_SENTENCE = 160
_NO_CONCLUSION = re.compile(
    r"\b(?:let me|let us|let['’]s|step|steps|note|example|hint|check|verify|we know|given|remember|recall|would you|"
    r"i can|i will|i['’]ll|please|first|next|then|hope|questions?|answer|doubt|says?|said)\b",
    re.IGNORECASE,
)
_YES_OR_NO = re.compile(r"\A[*_]*(?P<answer>(?i:yes|no|true|false))[*_]*[.,!:][*_]*\s")


def find_unmarked(
    text: str, begin: int, kind: str | None, *, certain: bool = False, choices: Sequence[str] = ()
) -> Span | None:
    """Find the answer of a reply that states none.

    Args:
        text: The reply.
        begin: Where to begin to read.
        kind: The grader's name. Numbers, formulas and choices can be told from other text; for all other graders the
            reply is its own answer if it is nothing but a few words.
        certain: Only a line that is nothing but the answer, or a sentence that begins with "therefore", will do.
        choices: What may be chosen from, if it is known.

    Returns:
        Where the answer is; None when there is none.
    """
    if kind is None:
        return None
    start, end = trimmed(text, max(begin, len(text) - _TAIL), len(text))
    if kind not in ("number", "math", "choice"):
        return _whole(text, begin, end)
    line, conclusion = _last_line(text, start, end, kind, choices), _conclusion(text, start, end, kind, certain=certain)
    return conclusion or line if kind == "choice" else line or conclusion


def _whole(text: str, begin: int, end: int) -> Span | None:
    start, end = trimmed(text, begin, end)
    if yes := _YES_OR_NO.match(text[start : start + _LONGEST_LINE]):
        return start + yes.start("answer"), start + yes.end("answer")
    line = text[start:end] if end - start <= _LONGEST_LINE else "\n"
    if (
        "\n" in line
        or ". " in line
        or (len(line.split()) > _MOST_WORDS and not VALUE.match(line))
        or line.endswith(("?", ":"))
    ):
        return _sentence_says(text, start, line)
    return next(stripped(text, [(start, end)]), None)


def _sentence_says(text: str, start: int, line: str) -> Span | None:
    """What a reply of one sentence says at its end: The capital of Norway is Oslo."""
    said = said_at_end(line)
    return None if said is None else next(stripped(text, [(start + said[0], start + said[1])]), None)


def _last_line(text: str, start: int, end: int, kind: str, choices: Sequence[str]) -> Span | None:
    start = max(start, text.rfind("\n", start, end) + 1, text.rfind("\r", start, end) + 1)
    for span in stripped(text, [(start, end)] if end - start <= _LONGEST_LINE else []):
        line = text[slice(*span)]
        if (kind in ("number", "math") and is_number(line)) or (
            kind == "choice"
            and choose(line, choices) is not None
            and not HEDGED.search(line)
            and not _ends_a_list(text, start, line)
        ):
            return span
    return None


def _ends_a_list(text: str, start: int, line: str) -> bool:
    """Whether the line before has the letter before: options that are repeated choose none of them."""
    own, before = _LISTED.match(line), _LISTED.match(text[:start].rstrip().rpartition("\n")[2])
    return own is not None and before is not None and ord(before[1]) + 1 == ord(own[1])


def _conclusion(text: str, start: int, end: int, kind: str, *, certain: bool) -> Span | None:
    sentences = [match.span() for match in _SENTENCE.finditer(text, start, end) if match[0].strip(" \t*_`$")]
    for position, sentence in enumerate(reversed(sentences)):
        if (position or certain) and not _CONCLUDES.match(text, *sentence):
            continue
        if text[sentence[1] : sentence[1] + 1] in ("?", "？"):
            continue
        for span in _chosen(text, sentence) if kind == "choice" else _values(text, sentence):
            return span if _agrees(text, span, sentence[1], end) else None
    return None


def _agrees(text: str, span: Span, start: int, end: int) -> bool:
    """Whether no other figure follows a conclusion: what is reckoned further is concluded later."""
    return {text[slice(*span)]} >= {match[0] for match in _FIGURE.finditer(text, start, end)}


def _chosen(text: str, sentence: Span) -> Iterator[Span]:
    match = _CHOSEN.match(text, *sentence)
    if match:
        yield match.span("answer")


def _values(text: str, sentence: Span) -> Iterator[Span]:
    emphasised = [match.span("answer") for match in _EMPHASISED.finditer(text, *sentence)]
    numbers = [span for span in stripped(text, emphasised) if _is_quantity(text[slice(*span)])]
    if len(numbers) == 1 and not HEDGED.search(text, *sentence):
        yield numbers[0]
    match = _TOTAL.match(text, *sentence) or _IS.match(text, *sentence)
    if match and _ASIDE.search(text, sentence[0], match.start("answer")):
        match = None
    for span in stripped(text, [match.span("answer")]) if match else ():
        if VALUE.match(text, *span) and read_number(text[slice(*span)]) is not None:
            yield unwrapped(text, *span)
            return
    if sentence[1] - sentence[0] > _LONGEST_SENTENCE or HEDGED.search(text, *sentence):
        return
    figures = [match.span() for match in _FIGURE.finditer(text, *sentence)]
    if len(figures) == 1 and not _NO_CONCLUSION.search(text, *sentence):
        yield figures[0]


def _is_quantity(text: str) -> bool:
    """Whether a text is a number, perhaps with a unit of a few letters, and nothing else."""
    value, _, unit = text.partition(" ")
    return is_number(text) or (is_number(value) and unit.replace(" ", "").isalpha())
