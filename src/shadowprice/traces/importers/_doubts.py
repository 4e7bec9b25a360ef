"""What makes one doubt that a log was read as it was meant: verdicts that are all alike, and replies that are none."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from shadowprice.traces.importers._replies import LoggedReply

_BARE: Final = 24
"""Characters of the longest reply that may be no more than an answer."""
_DENSE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
"""Chinese, Japanese and Korean, of which a token holds a character or two."""
_UNREAD: Final = 0.1
"""Share of replies without an answer from which on it is told."""
_FEWEST: Final = 10
"""Replies from which on a share of them says something."""


def count_doubts(counts: Counter[str], reply: LoggedReply, row: Mapping[str, Any], *, graded: bool) -> None:
    """Count a row that was taken.

    Args:
        counts: Where to count.
        reply: What the log tells.
        row: What was made of it.
        graded: Whether the verdict is ours.
    """
    counts["bare"] += reply.tokens is None and len(reply.text) + len(reply.reasoning) <= _BARE
    if reply.tokens is None:
        counts["characters"] += len(reply.text)
        counts["dense"] += sum(map(len, _DENSE.findall(reply.text)))
    if graded:
        counts["graded"] += 1
        counts["right here"] += row["correct"]
        counts["unread"] += row["answer"] is None


def doubts(counts: Counter[str]) -> Iterator[str]:
    """What there is to doubt, a clause each."""
    graded, taken = counts["graded"], counts["imported"]
    if graded >= _FEWEST and counts["unread"] >= _UNREAD * graded:
        yield (
            f"of the {graded} replies that were graded here {counts['unread']} state no answer that can be found, and "
            "count as wrong: were they cut off, or do they need another --grader?"
        )
    elif graded >= _FEWEST and not counts["right here"]:
        yield f"none of the {graded} replies that were graded here is right; if that cannot be, take another --grader"
    if taken >= _FEWEST and 2 * counts["bare"] > taken:
        yield (
            f"{counts['bare']} of {taken} replies have at most {_BARE} characters: if they are answers that were read "
            "from longer replies, take the whole replies (--columns reply=NAME), for their lengths are what everything "
            "is priced by"
        )
    if 2 * counts["dense"] > counts["characters"] and counts["estimated"]:
        yield (
            "most of what was written is Chinese, Japanese or Korean, of which a token holds one or two characters: "
            "give --chars-per-token 1.5, or replies count as shorter than they are"
        )
