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
        "failure": next((one.failure for one in results if one.reason is Reason.FAILED), None),
        **more,
        "remarks": [*more.get("remarks", ()), *odd],
    }
    told: dict[str, Any] = finite(summary)
    return told


def told_of_rest(stopped: int, cut_off: int, left: int) -> str:
    """Why tokens are left where every question was asked, and what would spend them."""
    ends = (
        (stopped, "stopped when going on was not worth its price"),
        (
            cut_off,
            "cut off at the most that it could get" if cut_off == 1 else "cut off at the most that they could get",
        ),
    )
    said = [f"{count:,} {'reply was' if count == 1 else 'replies were'} {how}" for count, how in ends if count]
    return (
        f"{left:,} tokens are left: {', and '.join(said)}. Replies are not begun anew, so that more tokens buy nothing "
        "here. Another run (with another --output) with more tokens or with --policy expected, which never stops a "
        "reply, spends them."
    )


def told_of_waste(tokens: int, *, explored: bool) -> str:
    """What no reply has come of."""
    return f"{tokens:,} tokens went to attempts that failed" + (
        " and to further samples of explored questions." if explored else "."
    )
