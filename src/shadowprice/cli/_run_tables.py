"""The summary of `shadowprice run`, for people."""

from typing import Any, Final

from shadowprice.cli._options import out, say
from shadowprice.cli._tables import print_facts
from shadowprice.jobs.told import told_of_rest, told_of_waste, told_readable
from shadowprice.runner import Reason

_USUAL: Final = (Reason.FINISHED, Reason.CUT_OFF, Reason.STOPPED, Reason.ABANDONED)
"""Ends that are shown although nothing ended by them."""
_MUCH: Final = 0.02
"""Share of the budget whose being left over is worth a sentence."""


def print_summary(summary: dict[str, Any]) -> None:
    """Show a run's numbers as a table; reasons that nothing ended by are left out, except the usual ones."""
    known = f"{summary['right']:,} of {summary['graded']:,}" if summary["graded"] else "not graded"
    price = summary["price"]
    reasons = [reason for reason in Reason if reason in _USUAL or summary[reason.name.lower()]]
    facts = [
        ("questions", f"{summary['questions']:,}"),
        ("right", known),
        *((str(reason), f"{summary[reason.name.lower()]:,}") for reason in reasons),
        ("price, right answers a token", "–" if price is None else f"{price:.3g}"),
    ]
    print_facts(out(), f"{summary['policy']}, {summary['spent']:,} of {summary['budget']:,} tokens", facts)
    left = summary["budget"] - summary["spent"]
    open_ = sum(summary[name] for name in ("abandoned", "failed", "interrupted"))
    if summary["stopped"] + summary["cut_off"] and left > _MUCH * summary["budget"] and not open_:
        say(told_of_rest(summary["stopped"], summary["cut_off"], left))
    if summary["failed"]:
        say(
            f"{_questions(summary['failed'])} failed, the first so: {summary['failure']} The same command with "
            "--resume and a larger --budget asks again."
        )
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
        say(told_of_waste(summary["wasted"], explored=bool(summary.get("explored"))))
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
        unpaid = summary["made_past_stops"] - summary["charged_past_stops"]
        if summary["spent"] + unpaid > summary["budget"]:
            say(
                f"That is {summary['spent'] + unpaid - summary['budget']} more than the budget. --exact keeps to it on "
                "servers that go on with a text, --overshoot keeps more back for what they make past a stop."
            )
    say(f"Answers written to {summary['output']}, the books to {summary['ledger']}.")


def _questions(count: int) -> str:
    return "1 question" if count == 1 else f"{count:,} questions"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
