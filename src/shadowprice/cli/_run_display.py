"""What people see of a run: while it goes on, and at its end."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from shadowprice.beliefs import Beliefs
from shadowprice.cli._options import out, say
from shadowprice.cli._progress import Bar, progress_bar
from shadowprice.cli._readable import count_readable, reading_of, told_readable
from shadowprice.cli._tables import print_facts
from shadowprice.policies import AbstractMarket
from shadowprice.runner import Reason, Result


class Display:
    """A bar of tokens, and below it: answered, right, the right answers to expect in all, and the price.

    What is to be expected is what is known to be right, what the beliefs say of replies that nobody can grade, and
    what the tokens that are left buy at the present price, which is the least that they should.
    """

    def __init__(self, bar: Bar, budget: int, questions: int) -> None:
        self._bar = bar
        self._budget = budget
        self._questions = questions
        self._seen: Counter[Reason] = Counter()
        self._spent = 0
        self._right = 0.0
        self._graded = False
        self._market: AbstractMarket | None = None
        self._beliefs: Beliefs | None = None
        self._place: dict[str, int] = {}

    def watch(self, market: AbstractMarket, beliefs: Beliefs, names: Sequence[str]) -> None:
        """Take prices from a market, and chances from what is believed of its n rows."""
        self._market, self._beliefs = market, beliefs
        self._place = {name: row for row, name in enumerate(names)}

    def add(self, result: Result) -> None:
        """Show a result."""
        self._seen[result.reason] += 1
        self._spent += result.spent
        self._right += self._chance(result)
        self._graded |= result.correct is not None
        self._bar.show(self._spent, self._lines())

    def _chance(self, result: Result) -> float:
        if result.correct is not None or not result.reason.replied:
            return float(bool(result.correct))
        row = self._place.get(result.question.query_id)
        if self._beliefs is None or row is None:
            return 0.0
        one = self._beliefs.take([row])
        curve = one.curve if one.outcomes is None else one.outcomes.curve
        return float(curve.value(np.array([result.generated]))[0])

    def _lines(self) -> dict[str, str]:
        answered = sum(count for reason, count in self._seen.items() if reason.replied)
        stopped = f", {self._seen[Reason.STOPPED]:,} of them stopped" if self._seen[Reason.STOPPED] else ""
        lines = {
            "tokens": f"{self._spent:,} of {self._budget:,}",
            "answered": f"{answered:,} of {self._questions:,} questions{stopped}",
        }
        right = [f"{self._right:,.0f}"] if self._graded else []
        if self._market is not None and not math.isnan(self._market.price):
            expected = self._right + self._market.price * max(0, self._market.unreserved)
            right.append(f"at least {expected:,.0f} expected in the end")
        if right:
            lines["right"] = ", ".join(right)
        if self._market is not None and not math.isnan(self._market.price):
            lines["price"] = f"{self._market.price:.2g} right answers a token"
        return lines


@contextmanager
def display(budget: int, questions: int) -> Iterator[Display]:
    """Show a run on stderr."""
    with progress_bar("spending", max(1, budget), counts=False) as bar:
        yield Display(bar, budget, questions)


def summarise(
    results: list[Result], budget: int, policy: str, price: float, output: Path | str, ledger: Path | str, **more: Any
) -> dict[str, Any]:
    """A run in numbers."""
    reasons = Counter(result.reason for result in results)
    graded = [result for result in results if result.question.gold]
    readable, odd = count_readable(map(reading_of, results))
    return {
        "output": str(output),
        "ledger": str(ledger),
        "policy": policy,
        "budget": budget,
        "spent": sum(result.spent for result in results),
        "lost": 0,
        "wasted": sum(result.wasted for result in results),
        "past": sum(result.past for result in results),
        "price": price,
        "questions": len(results),
        "graded": len(graded),
        "right": sum(bool(result.correct) for result in graded),
        **readable,
        **{reason.name.lower(): reasons[reason] for reason in Reason},
        "stopped_unread": sum(one.reason is Reason.STOPPED and one.offered_again for one in results),
        **more,
        "remarks": [*more.get("remarks", ()), *odd],
    }


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


_USUAL: Final = (Reason.FINISHED, Reason.CUT_OFF, Reason.STOPPED, Reason.ABANDONED)
"""Ends that are shown although nothing ended by them."""


_MUCH: Final = 0.02
"""Share of the budget whose being left over is worth a sentence."""


def told_of_stops(stopped: int, unread: int, left: int) -> str:
    """Why tokens are left where every question was asked, and what spends them."""
    said = (
        f"{stopped:,} {'reply was' if stopped == 1 else 'replies were'} stopped when going on was not worth its price, "
        f"and {left:,} tokens are left."
    )
    if not unread:
        return f"{said} All of them had said an answer, so more tokens buy nothing here."
    return (
        f"{said} {unread:,} of them had said no answer yet: the same command with --resume and a larger --budget "
        "begins these anew. A policy that never stops a reply (--policy expected, and another output) spends more."
    )


def print_summary(summary: dict[str, Any]) -> None:
    """Show a run's numbers as a table; reasons that nothing ended by are left out, except the usual ones."""
    known = f"{summary['right']:,} of {summary['graded']:,}" if summary["graded"] else "not graded"
    price = summary["price"]
    reasons = [reason for reason in Reason if reason in _USUAL or summary[reason.name.lower()]]
    facts = [
        ("questions", f"{summary['questions']:,}"),
        ("right", known),
        *((str(reason), f"{summary[reason.name.lower()]:,}") for reason in reasons),
        ("price, right answers a token", "–" if price != price else f"{price:.3g}"),
    ]
    print_facts(out(), f"{summary['policy']}, {summary['spent']:,} of {summary['budget']:,} tokens", facts)
    left = summary["budget"] - summary["spent"]
    if summary["stopped"] and left > _MUCH * summary["budget"] and not summary["abandoned"] + summary["interrupted"]:
        say(told_of_stops(summary["stopped"], summary["stopped_unread"], left))
    if "cost" in summary:
        say(f"{summary['spent']:,} tokens cost {summary['currency']}{summary['cost']:g}.")
    if told := told_readable(summary):
        say(told)
    for what, name in (("explored_tokens", "exploring"), ("estimating_tokens", "estimating")):
        if summary.get(what):
            say(f"{summary[what]} tokens went into {name}.")
    if summary["lost"]:
        say(f"{summary['lost']} tokens were charged to replies that were under way when an earlier session died.")
    if summary["wasted"]:
        say(f"{summary['wasted']} tokens went to attempts that failed.")
    if summary.get("pauses"):
        say(
            f"This program stood still for {summary['paused_seconds']:g} s ({_times(summary['pauses'])}), and servers "
            f"did not: {summary['made_beyond']} tokens were made before somebody could say no. They are paid for."
        )
    if summary.get("overrun"):
        say(f"Servers made {summary['overrun']} tokens more than they were allowed: charged, and missing elsewhere.")
    for remark in summary.get("remarks", ()):
        say(remark)
    if "server_tokens" in summary:
        say(
            f"The server counted {summary['server_tokens']} tokens in this session, for whoever used it; "
            f"{summary['made_past_stops']} of them came after it was told to stop, for which "
            f"{summary['charged_past_stops']} {'was' if summary['charged_past_stops'] == 1 else 'were'} charged."
        )
    say(f"Answers written to {summary['output']}, the books to {summary['ledger']}.")
