"""How many tokens one generation has cost so far, all its choices together, and how each has ended."""

from shadowprice.engines import Reading, TokenCount


class Meter:
    """Counts what arrives.

    Each choice is counted as `shadowprice.engines` counts a reply: by what the server reports, and by what arrived if
    that is more. A usage is about all choices together. What nobody reports is never taken for zero.

    Args:
        choices: Replies that were asked for.
    """

    def __init__(self, choices: int) -> None:
        self.tokens = 0
        """Tokens generated, by the highest count."""
        self.reported = False
        """Whether a usage has come."""
        self.finished: dict[int, str] = {}
        """The server's word for how a choice ended, by its index."""
        self._one = TokenCount() if choices == 1 else None
        self._counts: dict[int, TokenCount] = {} if self._one is None else {0: self._one}
        self._total = 0

    @property
    def indices(self) -> list[int]:
        """Choices that something has come of."""
        return sorted(self._counts)

    def take(self, index: int, reading: Reading) -> None:
        """Count what an event says of a choice."""
        if reading.finish is not None:
            self.finished[index] = reading.finish
        self.reported |= reading.counted_by == "usage"
        if self._one is not None:  # servers that number the only choice otherwise are counted all the same
            self._one.take(reading)
            self.tokens = self._one.tokens
            return
        if reading.counted_by == "usage" and reading.tokens is not None:
            self._total = max(self._total, reading.tokens)
            reading = reading._replace(tokens=None, counted_by=None)
            if not (reading.piece or reading.blank or reading.finish):
                index = next(iter(self._counts), index)
        count = self._counts.get(index)
        if count is None:
            count = self._counts[index] = TokenCount()
        count.take(reading)
        self.tokens = max(self._total, sum(one.tokens for one in self._counts.values()))
