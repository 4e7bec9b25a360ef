"""The rival that asks the model itself: TALE-EP's own recorded replies, matched to the questions of a bench."""

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import IntArray
from shadowprice.beliefs import Beliefs
from shadowprice.traces import Replies, Traces


class TaleReplies:
    """Replies that were recorded with ``--protocol tale-ep``.

    The call that asks for the estimate is paid for: its tokens come before those of the reply.

    Args:
        tale: Recorded replies with estimates.
        traces: What is benched; every question of it must have a reply, found by its `query_id`.

    Raises:
        InputError: The replies have no estimates, or some question has no reply.
    """

    def __init__(self, tale: Traces, traces: Traces) -> None:
        columns = tale.table.column_names
        if any(name not in columns or tale.table[name].null_count for name in ("estimate", "estimate_tokens")):
            raise InputError(f"{tale.name} has no estimates; record it with `shadowprice record --protocol tale-ep`.")
        place = {name: number for number, name in enumerate(tale.query_ids)}
        missing = [name for name in traces.query_ids if name not in place]
        if missing:
            raise InputError(
                f"{tale.name} has no reply to {len(missing)} of {traces.n_queries} questions of {traces.name}, the "
                f"first being {missing[0]}; record the same questions with --protocol tale-ep."
            )
        self._tale = tale
        self._place = np.array([place[name] for name in traces.query_ids], dtype=np.int64)
        self._estimate = tale.table["estimate"].to_numpy()
        self._asking = tale.table["estimate_tokens"].to_numpy()

    def draw(self, queries: IntArray, rng: np.random.Generator) -> tuple[Replies, Beliefs]:
        """A recorded reply to each of the given questions of the bench, and what the model said that it needs."""
        drawn = Replies.draw(self._tale, self._place[queries], rng)
        asking = self._asking[drawn.rows]
        replies = Replies(
            queries, drawn.rows, drawn.correct, drawn.answer_tokens + asking, drawn.completion_tokens + asking
        )
        return replies, Beliefs.certain((self._estimate[drawn.rows] + asking).astype(np.float64))
