"""What of a reply is thinking: the tags that models put around it."""

import re
from typing import Final

TAGS: Final = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
    ("<scratchpad>", "</scratchpad>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<seed:think>", "</seed:think>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
    ("<|start|>assistant<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
)
"""What opens thinking and what closes it."""

_CLOSINGS = (*dict.fromkeys(closing for _, closing in TAGS), "assistantfinal")
"""The last is what is left of a closing tag where a server drops the special tokens of gpt-oss."""
_SIGNS = (*dict.fromkeys(tag[0] for pair in TAGS for tag in pair), "assistantfinal")
"""One of them is in every text with a tag; most texts have none."""
_MISSPELT = re.compile(r"\\end\{th(?:ink|inking|ought)[}>]|</end_(?:of_)?th(?:ink|inking|ought)>|<\\/think>")
"""What models write in place of a closing tag; it counts where the right one does not come."""


_MOST = 1000
"""Stretches of thinking that are told apart; what follows them all is taken as thinking."""


def blank_thinking(text: str) -> str:
    """Put line breaks in place of thinking, so that positions in what remains are those in the whole text.

    Thinking stands between tags of which the first begins a line: a model may also write about tags. What stands before
    a closing tag that nothing opens is thinking, as the chat template may have opened it, and so is what follows an
    opening tag that nothing closes, as the reply was cut. Time is linear in the length of the text.
    """
    if not any(sign in text for sign in _SIGNS):
        return text
    pieces = []
    done = 0
    for start, end in _stretches(text):
        pieces += [text[done:start], "\n" * (end - start)]
        done = end
    return "".join([*pieces, text[done:]]) if done else text


def _stretches(text: str) -> list[tuple[int, int]]:
    """Where thinking stands, in order."""
    found = []
    after = 0
    closed = min(((at, tag) for tag in _CLOSINGS if (at := text.find(tag)) >= 0), default=None)
    if closed is not None and not any(-1 < text.find(opening) < closed[0] for opening, _ in TAGS):
        after = closed[0] + len(closed[1])
        found.append((0, after))
    ahead = {opening: _line_start(text, opening, after) for opening, _ in TAGS}
    closings = dict(TAGS)
    while True:
        opened = min(((at, tag) for tag, at in ahead.items() if at >= 0), default=None)
        if opened is None:
            return found
        start, opening = opened
        end = text.find(closings[opening], start)
        misspelt = _MISSPELT.search(text, start) if end < 0 else None
        if end < 0 and misspelt is None:
            return [*found, (start, len(text))]
        after = misspelt.end() if misspelt else end + len(closings[opening])
        found.append((start, after))
        if len(found) == _MOST:
            return [*found, (after, len(text))]
        ahead |= {tag: _line_start(text, tag, after) for tag, at in ahead.items() if -1 < at < after}


def _line_start(text: str, tag: str, position: int) -> int:
    """Where the tag comes next with nothing but blanks before it on its line, or at the very start; -1 if nowhere."""
    while (position := text.find(tag, position)) >= 0:
        before = text[max(0, position - 40) : position].rstrip(" \t")
        if not before or before[-1] in "\r\n>":
            return position
        position += len(tag)
    return -1
