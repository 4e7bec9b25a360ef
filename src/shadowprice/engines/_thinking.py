"""Telling reasoning from the answer where the server does not: by the tags around it."""

from shadowprice._thinking import TAGS


class ThinkingSplitter:
    """Splits text that comes in pieces. Reasoning is what stands between tags at the very beginning of a reply.

    Tags further on are text: a model may write about them. Text that may be the beginning of a tag waits for what
    follows.

    Args:
        opened: The chat template opens the reasoning, so that the reply has the closing tag only.
    """

    def __init__(self, *, opened: bool = False) -> None:
        self._close = TAGS[0][1] if opened else ""
        self._begun = opened
        self._held = ""

    def feed(self, text: str) -> tuple[str, str]:
        """The reasoning and the answer that are certain now."""
        self._held += text
        if not self._begun:
            self._begin()
        if not self._begun:
            return "", ""
        if not self._close:
            return "", self._release()
        before, tag, after = self._held.partition(self._close)
        if tag:
            self._close = ""
            self._held = after
            return before, self._release()
        keep = _overlap(self._held, self._close)
        self._held = before[len(before) - keep :]
        return before[: len(before) - keep], ""

    def flush(self) -> tuple[str, str]:
        """The reasoning and the answer that were still waiting, at the end of the reply."""
        rest = self._release()
        return (rest, "") if self._close else ("", rest)

    def _begin(self) -> None:
        begin = self._held.lstrip()
        for opening, closing in TAGS:
            if begin.startswith(opening):
                self._begun, self._close, self._held = True, closing, begin[len(opening) :]
                return
        self._begun = not any(opening.startswith(begin) for opening, _ in TAGS)

    def _release(self) -> str:
        text, self._held = self._held, ""
        return text


def _overlap(text: str, tag: str) -> int:
    """Characters at the end of the text that may be the beginning of the tag."""
    return next((size for size in range(min(len(text), len(tag) - 1), 0, -1) if text.endswith(tag[:size])), 0)
