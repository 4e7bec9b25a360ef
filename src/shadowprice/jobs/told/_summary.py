"""A run in numbers, as its end says them."""

from collections import Counter
from pathlib import Path
from typing import Any

from shadowprice._json import finite
from shadowprice.jobs.told._readable import count_readable, reading_of
from shadowprice.runner import Reason, Result


def summarise(
    results: list[Result],
    budget: int,
    policy: str,
    price: float,
    output: Path | str | None,
    ledger: Path | str | None,
    **more: Any,
) -> dict[str, Any]:
    """A run in numbers, as JSON has them: there is null where there is no price.

    Args:
        results: What became of each question.
        budget: Tokens.
        policy: Name of the policy.
        price: Shadow price at the end, right answers per token; NaN without one.
        output: Where the answers are; None if nowhere.
        ledger: Where the books are; None if they were not to be kept.
        more: What else is to be said, in the place of what is said here.
    """
    reasons = Counter(result.reason for result in results)
    graded = [result for result in results if result.question.gold]
    readable, odd = count_readable(map(reading_of, results))
    summary = {
        "output": None if output is None else str(output),
        "ledger": None if ledger is None else str(ledger),
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
    told: dict[str, Any] = finite(summary)
    return told


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
