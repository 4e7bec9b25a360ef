"""How many tokens a reply has cost so far, when several witnesses say so."""

from shadowprice.engines._base import CountedBy


class TokenCount:
    """The highest count that anything has given. Tokens that were seen are never taken back.

    Pieces that arrived are a floor: a piece holds a token or more. What a server reports replaces it where it is not
    lower.
    """

    def __init__(self) -> None:
        self.tokens = 0
        self.counted_by: CountedBy = "deltas"
        self._pieces = 0

    def add_piece(self) -> None:
        """One more piece of the reply has arrived."""
        self._pieces += 1
        if self._pieces > self.tokens:
            self.tokens, self.counted_by = self._pieces, "deltas"

    def report(self, tokens: int, counted_by: CountedBy) -> None:
        """The server says how many tokens the reply has."""
        if tokens >= self.tokens:
            self.tokens, self.counted_by = tokens, counted_by
