"""What a request is believed to be worth, as it arrives and while it is written."""

from typing import Final

import numpy as np

from shadowprice._types import FloatArray
from shadowprice.gateway._call import Call
from shadowprice.online import AbstractForecaster, Asked, Hopes

_LIKELY: Final = 0.9
"""Share of the replies that would end within a cap for it to be worth sending; shorter caps are asked for again."""


class Worth:
    """Asks a forecaster about requests.

    Args:
        forecaster: Who knows.
        longest: Tokens of a reply whose request names no cap, at most.
    """

    def __init__(self, forecaster: AbstractForecaster, longest: int) -> None:
        self.forecaster = forecaster
        self.most = int(forecaster.grid[-1])
        self.longest = min(longest, self.most)

    def open(self, call: Call) -> "CallWorth":
        """What is believed of one request."""
        return CallWorth(self, call)


class CallWorth:
    """What is believed of one request.

    Several choices count as one reply of their length together, worth as much as they are: an offer of e tokens is one
    of e / n for each of the n choices.
    """

    def __init__(self, worth: Worth, call: Call) -> None:
        self._forecaster = worth.forecaster
        self._choices = call.choices
        each = min(worth.longest, call.most or worth.longest, max(1, worth.most // call.choices))
        self.most = each * call.choices
        """Tokens that all choices may reach together."""
        self._asked = _asked(call, each, own_cap=call.most is not None and call.most <= each)
        first = self._forecaster.before(self._asked)
        self.hopes: Hopes = self._stretched(first)
        self.enough = self._enough(first, each) * call.choices
        """Tokens below which its cap should not be, as its reply would hardly end."""
        self._place: int | None = None
        self._first = first
        self._text: list[str] = []

    def saw(self, text: str) -> None:
        """Something was written."""
        if text:
            self._text.append(text)

    def running(self, tokens: int) -> Hopes:
        """What is believed now that so many tokens are written, all choices together."""
        text, self._text = "".join(self._text), []
        if self._place is None:
            self._place = self._forecaster.follow(self._asked, self._first)
        return self._stretched(self._forecaster.running(self._place, tokens // self._choices, text))

    def close(self, tokens: int, *, finished: bool) -> None:
        """It has ended."""
        if self._place is not None:
            self._forecaster.forget(self._place)
            self._place = None
        self._forecaster.learn(self._asked, tokens // self._choices, finished)

    def _stretched(self, hopes: Hopes) -> Hopes:
        if self._choices == 1:
            return hopes
        return _stretched(hopes, np.asarray(self._forecaster.grid, dtype=np.float64), self._choices)

    def _enough(self, hopes: Hopes, each: int) -> int:
        grid, finished = self._forecaster.grid, hopes.finished
        if not finished.size or finished[-1] <= 0.0:
            return 1
        return min(each, int(grid[min(len(grid) - 1, int(finished.searchsorted(_LIKELY * finished[-1])))]))


def _stretched(hopes: Hopes, grid: FloatArray, choices: int) -> Hopes:
    """Hopes of so many replies at once, on the grid of all their tokens."""
    known = np.concatenate([[0.0], grid])
    each = grid / choices
    right = np.interp(each, known, np.concatenate([[0.0], hopes.right]))
    return Hopes(right, np.interp(each, known, np.concatenate([[0.0], hopes.finished])), hopes.at_cap)


def _asked(call: Call, most: int, *, own_cap: bool) -> Asked:
    protocol = call.protocol
    return Asked(
        question=protocol.question(call.body),
        prompt=len(call.body),
        most=most,
        own_cap=own_cap,
        key=f"{protocol.path} {call.model}",
    )
