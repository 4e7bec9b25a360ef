"""The report of a run: its account in words, and the page."""

import math
from collections.abc import Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any, Final

import numpy as np

from shadowprice.bench import Fact, Rows, RunSheet, Story, Track, believed, story, write_run_report
from shadowprice.jobs.given import Wish, cost
from shadowprice.jobs.told._account import Account
from shadowprice.jobs.told._readable import count_readable, reading_of, told_readable
from shadowprice.jobs.told._summary import told_of_rest
from shadowprice.policies import percent
from shadowprice.runner import Reason, Result

_BARGAINS: Final = 6
_GROUPS: Final = 12
_TEXT: Final = 90
"""Characters of a question in a table."""
_REPLY: Final = 200
"""Characters of an answer."""
_NOTHING: Final = 0.05
"""Right answers that read as 0.0."""
_SURE: Final = 0.15
"""What came is as expected if it is off by no more than this share, or by chance."""


def write_report_of(account: Account, wish: Wish, more: dict[str, Any], path: Path, command: str) -> None:
    """Write the report of a run.

    Args:
        account: What it came to.
        wish: The budget as it was asked for, with the price of tokens.
        more: What the run says of itself besides (`Job.more`).
        path: The HTML file.
        command: What to type, or to call, to get the same report.

    Raises:
        InputError: The file cannot be written.
    """
    write_run_report(sheet_of(account, wish, more), command, path)


def sheet_of(account: Account, wish: Wish, more: dict[str, Any]) -> RunSheet:
    """All that a report says of a run."""
    funded = _funded(account)
    refused = _refused(account)
    return RunSheet(
        title=_title(account),
        intro=f"{_intro(account)}{_replaced(more)}",
        facts=_facts(account, wish),
        stories=[told for told in (funded, refused) if told is not None],
        nobody=_nobody(funded, refused),
        bargains=_bargains(account),
        groups=_groups(account),
        costs=_costs(account),
        said=_said(account, more),
        track=Track(
            np.cumsum([one.spent for one in account.replies], dtype=np.float64),
            np.cumsum([_good(account, one) for one in account.replies], dtype=np.float64),
            account.expected,
            account.prices(),
            account.totals.budget,
            account.graded,
        ),
        compared=_compared(account),
        priced=_priced(account),
        more=_more(account),
        offers=_offers(account),
    )


def _good(account: Account, one: Result) -> bool:
    return bool(one.correct) if account.graded else one.reason.replied


def _what(account: Account, count: float) -> str:
    return f"{'right ' if account.graded else ''}answer{'' if count == 1 else 's'}"


def _title(account: Account) -> str:
    return f"{account.came:,} {_what(account, account.came)} for {account.totals.spent:,} tokens"


def _intro(account: Account) -> str:
    n, open_ones = len(account.results), sum(one.reason is Reason.INTERRUPTED for one in account.results)
    how = "one price for all" if account.has_price else "no price"
    ended = f"It was stopped with {open_ones:,} questions open." if open_ones else "Every question is settled."
    known = "" if account.graded else " No right answers are known, so answers are counted."
    by = f"spent by the policy {account.policy.name} at {how}"
    return f"{n:,} questions, {account.totals.budget:,} tokens, {by}. {ended}{known}"


def _replaced(more: dict[str, Any]) -> str:
    """That what is told as believed is not what the predictor said."""
    if "misfit" not in more:
        return ""
    found = more["misfit"]
    said = (
        f" The predictor's beliefs did not fit: of {found['replies']:,} replies {found['right']:,} were right, where "
        f"{found['expected']:,.0f} were expected for their tokens."
    )
    instead = " What is told as believed below is what these questions themselves have taught since."
    return said + (instead if more.get("relearnt") else "")


def _facts(account: Account, wish: Wish) -> list[Fact]:
    totals, came, n = account.totals, account.came, len(account.results)
    money = "" if wish.price is None else f", {wish.currency}{cost(totals.spent, wish.price)}"
    told = f", {account.stopped:,} of them stopped on the way" if account.stopped else ""
    asked = f"; {account.replied:,} were asked{told}" if account.graded else ""
    facts = [
        Fact(f"{came:,} of {n:,}", f"questions {'are right' if account.graded else 'have a reply'}{asked}"),
        Fact(f"{totals.spent:,} tokens", f"spent: {_share(totals.spent, totals.budget)} of the budget{money}"),
    ]
    if came:
        pays = 1.0 / account.price if account.has_price and account.price else 0.0
        limit = f"; the price in the end pays at most {pays:,.0f}" if pays else ""
        facts.append(Fact(f"{totals.spent / came:,.0f} tokens", f"for each {_what(account, 1)}{limit}"))
    facts.append(Fact(f"{totals.available:,} tokens", "left of the budget"))
    return facts


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.0%}" if whole else "–"


def _funded(account: Account) -> Story | None:
    """The middle one of those that returned something: neither the best bargain nor the last."""
    good = [row for row in account.bargains if _good(account, account.results[row])] or account.bargains
    if not good:
        return None
    row = good[len(good) // 2]
    one = account.results[row]
    return story(
        f"Funded: {one.question.query_id}",
        one.question.question,
        ("expected", _expectation(account, row, one.price)),
        ("granted", f"{one.granted:,} tokens in the end."),
        ("came", _came(one)),
    )


def _expectation(account: Account, row: int, price: float) -> str:
    offers = account.offers
    if offers is None:
        return f"Nothing was believed of it: {account.policy.name} does not ask what a question is worth."
    return believed(float(offers.gain[row]), float(offers.tokens[row]), price / _weight(account, row))


def _weight(account: Account, row: int) -> float:
    return float(account.terms.weight[row]) or math.inf


def _came(one: Result) -> str:
    ends = {
        Reason.FINISHED: "ended by itself",
        Reason.CUT_OFF: "reached the most that it could get",
        Reason.STOPPED: "was stopped, as going on was no longer worth its price",
        Reason.ANSWERED: "was stopped and asked for its answer",
        Reason.FELL_BACK: "was stopped, and another model was asked",
    }
    answer = "no answer" if one.answer is None else f"“{shorten(one.answer, _REPLY, placeholder=' …')}”"
    verdict = "" if one.correct is None else ", which is right" if one.correct else ", which is not right"
    return f"The reply took {one.spent:,} tokens and {ends[one.reason]}: {answer}{verdict}."


def _refused(account: Account) -> Story | None:
    """The middle one of those that were turned away, by what it would have been worth."""
    if not account.turned_away:
        return None
    row = account.turned_away[len(account.turned_away) // 2]
    one, offers = account.results[row], account.offers
    price = one.price if not math.isnan(one.price) else account.price
    dear = offers is not None and price > float(offers.worth[row])
    return story(
        f"Turned away: {one.question.query_id}",
        one.question.question,
        ("price", f"{price:.3g} right answers per token." if not math.isnan(price) else ""),
        ("expected", "" if offers is None else _expectation(account, row, price)),
        ("why", "It would have cost more than it returns." if dear else "The last tokens did not reach it."),
        ("instead", "Its tokens went to questions that return more for them." if dear else ""),
    )


def _nobody(funded: Story | None, refused: Story | None) -> str:
    if funded is None:
        return "Nobody was funded." if refused is None else "Nobody else was funded: there is no reply to tell of."
    return "Nobody was turned away: every question that was reached got tokens." if refused is None else ""


def _bargains(account: Account) -> Rows:
    rows = []
    for row in account.bargains[:_BARGAINS]:
        one = account.results[row]
        if not _good(account, one):
            break
        offer = "–"
        if account.offers is not None:
            offer = percent(float(account.offers.gain[row]))
        text = shorten(one.question.question, _TEXT, placeholder=" …") or one.question.question[:_TEXT]
        answer = "–" if one.answer is None else shorten(one.answer, _TEXT, placeholder=" …")
        rows.append((one.question.query_id, text, answer, offer, f"{one.spent:,}"))
    return Rows(("question", "text", "answer", "believed", "tokens"), tuple(rows), words=3)


def _groups(account: Account) -> Rows:
    for name in ("tier", "dataset"):
        groups: dict[str, list[Result]] = {}
        for one in account.results:
            groups.setdefault(getattr(one.question, name), []).append(one)
        if any(groups) and len(groups) > 1:
            break
    else:
        return Rows((), ())
    rows = [
        (
            label or "(none)",
            f"{len(members):,}",
            f"{sum(one.reason.replied for one in members):,}",
            f"{sum(_good(account, one) for one in members):,}",
            f"{sum(one.spent for one in members):,}",
        )
        for label, members in list(groups.items())[:_GROUPS]
    ]
    return Rows((name, "questions", "funded", _what(account, 2), "tokens"), tuple(rows))


def _costs(account: Account) -> Rows:
    spent, rows = account.totals.spent, []
    for reason in Reason:
        members = [one for one in account.results if one.reason is reason]
        if members:
            tokens = sum(one.generated for one in members)
            good = f"{sum(_good(account, one) for one in members):,}"
            rows.append((str(reason), f"{len(members):,}", good, f"{tokens:,}", _share(tokens, spent)))
    wasted = sum(one.wasted for one in account.results)
    named = sum(one.generated for one in account.results) + wasted
    for what, tokens in (
        ("failed attempts, further samples", wasted),
        ("other (estimates, lost replies)", spent - named),
    ):
        if tokens > 0:
            rows.append((what, "", "", f"{tokens:,}", _share(tokens, spent)))
    rows.append(("all", f"{len(account.results):,}", f"{account.came:,}", f"{spent:,}", _share(spent, spent)))
    return Rows(("how it ended", "questions", _what(account, 2), "tokens", "of what was spent"), tuple(rows))


def _said(account: Account, more: dict[str, Any]) -> list[str]:
    spent = account.totals.spent
    in_vain = sum(one.generated for one in account.results if one.reason is Reason.STOPPED and not one.correct)
    failed = sum(one.spent for one in account.results if one.reason is Reason.FAILED)
    failed += sum(one.wasted for one in account.results if one.reason is not Reason.FAILED)
    vainly = "stopped and are not right" if account.graded else "stopped"
    said = [
        f"{in_vain:,} tokens ({_share(in_vain, spent)}) went to replies that were {vainly}, {failed:,} "
        f"({_share(failed, spent)}) to attempts that failed"
        + (" and to further samples of explored questions." if more.get("explored") else ".")
        if spent
        else "Nothing was spent."
    ]
    if told := told_readable(count_readable(map(reading_of, account.results))[0]):
        said.append(told)
    for what, name in (("explored_tokens", "exploring"), ("estimating_tokens", "estimating")):
        if more.get(what):
            said.append(f"{more[what]:,} tokens went into {name}; what came of exploring counts as well.")
    if account.totals.lost:
        said.append(f"{account.totals.lost:,} tokens were charged to replies under way when an earlier session died.")
    if account.totals.overrun:
        said.append(f"Servers made {account.totals.overrun:,} tokens more than they were allowed; they are charged.")
    return [*said, *more.get("remarks", ())]


def _compared(account: Account) -> str:
    came = sum(_good(account, one) for one in account.replies)
    if not account.expected.size or not np.isfinite(account.expected).all():
        unknown = "no right answers are known" if not account.graded else "nothing was believed beforehand"
        return f"{came:,} {_what(account, came)} came; what to expect is not known, as {unknown}."
    expected = float(account.expected[-1])
    off = came - expected
    # The count of right answers scatters like a Poisson count around what is expected of it.
    if abs(off) <= max(_SURE * expected, 2.0 * math.sqrt(max(expected, 1.0))):
        verdict = "as expected, within chance"
    else:
        verdict = "more than was believed" if off > 0 else "fewer than was believed: fit a predictor to these replies"
    return f"For the tokens that replies took, {expected:,.1f} right answers were expected; {came:,} came, {verdict}."


def _priced(account: Account) -> str:
    prices = account.prices()
    known = prices[np.isfinite(prices) & (prices > 0.0)]
    if known.size < 2:  # a single price does not move
        return ""
    first, last = (1000.0 * float(np.median(part)) for part in (known[: _part(known)], known[-_part(known) :]))
    moved, low, high = last / first, 1000.0 * float(known.min()), 1000.0 * float(known.max())
    if moved > 1.0 + _SURE:
        verdict = "it rose, as tokens went faster than believed"
    elif moved < 1.0 - _SURE:
        verdict = "it fell, as replies left tokens over"
    else:
        verdict = "it ended about where it began"
    return (
        f"Replies were begun at {first:.3g} right answers per 1,000 tokens at first and at {last:.3g} in the end, and "
        f"between {low:.3g} and {high:.3g} on the way: {verdict}."
    )


def _part(known: Sequence[float] | np.ndarray[Any, Any]) -> int:
    return max(1, len(known) // 10)


def _more(account: Account) -> list[str]:
    budget = account.totals.budget
    if not account.unserved:
        if not account.stopped + account.cut_off:
            return ["Every question was asked: more tokens buy nothing new here."]
        rest = told_of_rest(account.stopped, account.cut_off, account.totals.available)
        return [f"Every question was asked. {rest}"]
    if account.more is None:
        return [
            f"{len(account.unserved):,} questions were not asked. What more tokens would buy of them is not known, as "
            "nothing is believed of them: fit a predictor (`shadowprice fit`) to say so."
        ]
    found, said = account.more, []
    if any(one.reason is Reason.INTERRUPTED for one in account.results):
        said.append(
            f"It is not over: {account.totals.available:,} tokens are left, which are expected to buy about "
            f"{found.expected[0]:,.1f} right answers; go on with the same command and --resume."
        )
    gained = found.expected - found.expected[0]
    place = next((place for place in range(1, len(found)) if gained[place] >= 1.0), len(found) - 1)
    tokens, n = int(found.budgets[place] - found.budgets[0]), len(account.unserved)
    if gained[place] < _NOTHING:
        return [*said, f"Another {tokens:,} tokens buy about no more right answers: what is left is not worth asking."]
    return [
        *said,
        f"Another {tokens:,} tokens buy about {gained[place]:,.1f} more right answers among the {n:,} "
        f"question{'' if n == 1 else 's'} that {'was' if n == 1 else 'were'} not asked.",
        f"To top up: the same command with --resume and --budget {budget + tokens}; no reply is asked for twice.",
    ]


def _offers(account: Account) -> Rows:
    if account.more is None or len(account.more) < 2:  # nothing is offered
        return Rows((), ())
    found = account.more
    rows = [
        (
            f"{int(found.budgets[place] - found.budgets[0]):,}",
            f"{found.expected[place] - found.expected[0]:,.1f}",
            f"{int(found.funded[place]):,}",
            "–" if math.isnan(found.price[place]) else f"{1000.0 * found.price[place]:.3g}",
        )
        for place in range(1, len(found))
    ]
    columns = ("another … tokens", "buy right answers", "of questions", "price, right per 1,000 tokens")
    return Rows(columns, tuple(rows))
