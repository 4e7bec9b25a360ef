"""One recorded question that a market funds, and one that it turns away: what is behind all the averages."""

import numpy as np

from shadowprice._types import IntArray
from shadowprice.bench._clauses import CLAUSES
from shadowprice.bench._recipe import Forecasts
from shadowprice.bench._stories import Story, believed, sentence, story
from shadowprice.policies import ClearLambert, Expected, Explanation, Why, explain
from shadowprice.traces import Traces


def stories_of(traces: Traces, forecasts: Forecasts, budget: int) -> tuple[str, list[Story]]:
    """What a plan for all recorded questions does to two of them, and a sentence on which plan that is.

    Of the funded ones the middle one by its worth among those whose recorded reply was right in time is told of, if
    there are any; of those that were turned away the middle one, too.

    Args:
        traces: Recorded replies.
        forecasts: What is believed of each question, made without it.
        budget: Mean tokens per query.

    Returns:
        The sentence, and two stories; fewer where nobody was funded, or nobody turned away.
    """
    policy = ClearLambert() if forecasts.outcomes is None else Expected()
    beliefs = forecasts.thresholds if forecasts.outcomes is None else forecasts.outcomes
    if beliefs is None:
        return "", []
    plan = policy.plan(beliefs, budget * traces.n_queries)
    told = explain(plan, policy.curve(beliefs))
    said = (
        f"All {traces.n_queries:,} questions in one market with {budget:,} tokens each on average, planned by "
        f"{policy.name} ({CLAUSES[policy.name]}) before any is asked."
    )
    found = [_funded(traces, told), _refused(traces, told)]
    return said, [one for one in found if one is not None]


def _funded(traces: Traces, told: Explanation) -> Story | None:
    bought = np.flatnonzero([why is Why.BOUGHT for why in told.whys])
    first = traces.first[bought]
    right = traces.correct[first] & (traces.answer_tokens[first] <= told.tokens[bought])
    row = _middle(bought[right] if right.any() else bought, told)
    if row is None:
        return None
    reply, tokens = traces.first[row], int(told.tokens[row])
    position = int(traces.answer_tokens[reply])
    if not traces.correct[reply]:
        came = f"Its recorded reply is wrong after {int(traces.completion_tokens[reply]):,} tokens."
    elif position <= tokens:
        came = f"Its recorded reply is right after {position:,} tokens, so in time."
    else:
        came = f"Its recorded reply is right after {position:,} tokens, which is too late."
    return story(
        f"Funded: {traces.query_ids[row]}",
        traces.questions[row],
        ("expected", believed(float(told.best_gain[row]), float(told.best_tokens[row]), told.price)),
        ("granted", f"{tokens:,} tokens."),
        ("came", came),
    )


def _refused(traces: Traces, told: Explanation) -> Story | None:
    row = None
    for kind in (Why.TOO_DEAR, Why.UNLIKELY, Why.NOT_REACHED):
        row = _middle(np.flatnonzero([why is kind for why in told.whys]), told)
        if row is not None:
            break
    if row is None:
        return None
    replies = np.flatnonzero(traces.query == row)
    right = replies[traces.correct[replies]]
    of = f"its {replies.size} recorded replies" if replies.size > 1 else "its recorded reply"
    if not right.size:
        missed = f"Nothing: none of {of} is right." if replies.size > 1 else "Nothing: its recorded reply is wrong."
    else:
        first = int(traces.answer_tokens[right].min())
        missed = f"{right.size} of {of} {'is' if right.size == 1 else 'are'} right, the first after {first:,} tokens."
    return story(
        f"Turned away: {traces.query_ids[row]}",
        traces.questions[row],
        ("price", f"{told.price:.3g} right answers per token."),
        ("why", sentence(told.reasons[row].removeprefix("abandoned: "))),
        ("missed", missed),
    )


def _middle(rows: IntArray, told: Explanation) -> int | None:
    if not rows.size:
        return None
    return int(rows[np.argsort(-told.best_price[rows], kind="stable")][rows.size // 2])
