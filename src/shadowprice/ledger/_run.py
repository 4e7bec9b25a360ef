"""Reserving before asking, charging afterwards, each exactly once."""

import sqlite3
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex

from shadowprice._errors import InputError
from shadowprice.ledger._holders import is_alive, sweep
from shadowprice.ledger._records import Answer, Grant, Outcome, State, Totals
from shadowprice.ledger._secrets import without_secrets
from shadowprice.ledger._values import checked_name, checked_tokens, now, payload_text

if TYPE_CHECKING:
    from shadowprice.ledger._ledger import Ledger

_LOOK = """
SELECT r.budget - r.spent - r.reserved, o.reason, o.generated, o.payload,
    a.attempt, a.state, a.holder, a.reserved, a.charged, a.note
FROM runs r
LEFT JOIN outcomes o ON o.run = r.id AND o.request = ?2
LEFT JOIN attempts a ON a.run = r.id AND a.request = ?2
WHERE r.id = ?1 ORDER BY a.attempt DESC LIMIT 1"""


class Recovered(NamedTuple):
    """What dead processes left behind."""

    requests: int
    """Requests that they had reserved tokens for."""
    tokens: int
    """Tokens that these were charged, all that was reserved."""


class News(NamedTuple):
    """What a run looks like from outside, at one moment."""

    available: int
    """Tokens that are neither spent nor reserved; below 0 after an overrun."""
    elsewhere: int
    """Requests that other connections have reserved tokens for."""
    settled: list[str]
    """Requests settled since the last time, by anybody."""


class _Standing(NamedTuple):
    """A run and one of its requests, at the beginning of a transaction."""

    left: int
    """Tokens that are neither spent nor reserved; below 0 after an overrun."""
    reason: str | None
    generated: int | None
    payload: str | None
    attempt: int | None
    state: str | None
    holder: int | None
    reserved: int
    charged: int | None
    note: str | None


class Run:
    """One budget in a ledger, shared by all processes that have opened the run.

    At every moment, tokens spent and reserved together are at most the budget; only a server that generates more than
    it was allowed can break that, and what it did is charged in full and shown as overrun. Every method is one
    transaction, and doing the same again changes nothing.

    Made by `Ledger.open_run`.
    """

    def __init__(self, ledger: "Ledger", number: int, name: str, holder: int, recovered: Recovered) -> None:
        self.name = name
        self.recovered = recovered
        """What opening the run found of dead processes."""
        self._ledger = ledger
        self._number = number
        self._holder = holder
        self._seen_outcome = 0
        self._seen_version = -1

    def reserve(self, request: str, tokens: SupportsIndex, *, least: SupportsIndex = 1) -> Grant:
        """Set tokens aside for a request before it is sent.

        Args:
            request: Id of the request, unique in the run.
            tokens: Tokens that it should be allowed to generate in all, at least 1.
            least: Tokens below which it is better refused; fewer than `tokens` are granted if no more are left.

        Returns:
            What was granted. 0 tokens is a refusal, and says why. A request that this connection holds already keeps
            what it has, whatever is asked for; see `extend`.
        """
        checked_name(request, "The request's id")
        wanted = checked_tokens(tokens, f"The reservation of request '{request}'", 1)
        enough = min(wanted, checked_tokens(least, f"The least reservation of request '{request}'", 1))
        with self._ledger.write() as db:
            now_ = self._look(db, request)
            if now_.reason is not None:
                return Grant(0, Answer.SETTLED)
            if now_.state == State.OPEN:
                return Grant(now_.reserved, Answer.GRANTED) if self._mine(now_) else Grant(0, Answer.ELSEWHERE)
            granted = min(wanted, now_.left)
            if granted < enough:
                return Grant(0, Answer.NOTHING_LEFT)
            db.execute(
                "INSERT INTO attempts (run, request, attempt, holder, state, reserved, opened) "
                "VALUES (?, ?, ?, ?, 'open', ?, ?)",
                (self._number, request, (now_.attempt or 0) + 1, self._holder, granted, now()),
            )
            self._move(db, reserved=granted)
        return Grant(granted, Answer.GRANTED)

    def extend(self, request: str, tokens: SupportsIndex) -> int:
        """Let a request that is under way go on.

        Args:
            request: A request that this connection has reserved tokens for.
            tokens: Tokens that it should be allowed to generate in all.

        Returns:
            Tokens that it may generate in all: what was asked for, or what fits; never less than before.

        Raises:
            InputError: It has no open reservation of this connection.
        """
        wanted = checked_tokens(tokens, f"The reservation of request '{request}'", 1)
        with self._ledger.write() as db:
            now_ = self._look(db, request)
            if now_.state != State.OPEN or not self._mine(now_):
                raise self._not_open(request, now_)
            more = min(wanted - now_.reserved, now_.left)
            if more <= 0:
                return now_.reserved
            db.execute(
                "UPDATE attempts SET reserved = reserved + ? WHERE run = ? AND request = ? AND attempt = ?",
                (more, self._number, request, now_.attempt),
            )
            self._move(db, reserved=more)
        return now_.reserved + more

    def settle(
        self, request: str, generated: SupportsIndex, reason: str, payload: Mapping[str, Any] | None = None
    ) -> None:
        """Give a request its outcome, once and for all: release its reservation, charge what was generated.

        Args:
            request: A request with a reservation; one without may be settled with 0 tokens, because it was abandoned.
            generated: Tokens that were generated in this attempt. More than was reserved is charged in full.
            reason: How it ended, in a word or two.
            payload: The result as JSON, enough to write the output file from. NaN becomes null, and fields named like
                secrets are hidden.

        Raises:
            InputError: It was settled with other values, or another process holds it, or it was never reserved, or the
                payload is not JSON.
        """
        checked_name(request, "The request's id")
        checked_name(reason, f"The reason of request '{request}'")
        tokens = checked_tokens(generated, f"The count of request '{request}'", 0)
        text = payload_text(payload or {})
        with self._ledger.write() as db:
            now_ = self._look(db, request)
            if now_.reason is not None:
                if (now_.reason, now_.generated, now_.payload) == (reason, tokens, text):
                    return
                other = " and another payload" if (now_.reason, now_.generated) == (reason, tokens) else ""
                raise self._refusal(
                    request,
                    f"was settled as '{now_.reason}' with {now_.generated} tokens and cannot be settled again as "
                    f"'{reason}' with {tokens}{other}; settle a request once",
                )
            if self._is_ours_to_close(now_):
                self._close(db, request, now_, State.SETTLED, tokens)
            elif tokens or now_.state == State.OPEN:
                raise self._not_open(request, now_)
            db.execute(
                "INSERT INTO outcomes (run, request, reason, generated, payload, settled) VALUES (?, ?, ?, ?, ?, ?)",
                (self._number, request, reason, tokens, text, now()),
            )

    def charge(self, request: str, generated: SupportsIndex, note: str = "") -> None:
        """End an attempt that failed: release its reservation, charge what it generated. It may be tried again.

        Args:
            request: A request with a reservation.
            generated: Tokens that were generated in this attempt.
            note: What went wrong; secrets of known forms are not kept.

        Raises:
            InputError: It has no open reservation of this connection, or was charged otherwise.
        """
        tokens = checked_tokens(generated, f"The count of request '{request}'", 0)
        self._end_attempt(request, State.CHARGED, tokens, without_secrets(note))

    def release(self, request: str, note: str = "") -> None:
        """Give a reservation back at no cost, because the request certainly never reached a server.

        Args:
            request: A request with a reservation.
            note: Why; secrets of known forms are not kept.

        Raises:
            InputError: It has no open reservation of this connection.
        """
        self._end_attempt(request, State.RELEASED, 0, without_secrets(note))

    def _end_attempt(self, request: str, state: State, tokens: int, note: str) -> None:
        if note:
            checked_name(note, "The note")
        with self._ledger.write() as db:
            now_ = self._look(db, request)
            if self._is_ours_to_close(now_):
                self._close(db, request, now_, state, tokens, note)
            elif (now_.state, now_.charged, now_.note) != (state, tokens, note):
                raise self._not_open(request, now_)

    def recover(self) -> Recovered:
        """Charge the reservations of processes that have died since the run was opened.

        A request that was under way when its process died may have generated all that was reserved for it, so that is
        what it is charged; see `correct` for what is known better. It has no outcome and may be reserved again.
        """
        with self._ledger.write() as db:
            return recover(db, self._ledger.place, self._number, self._holder)

    def correct(self, request: str, attempt: SupportsIndex, generated: SupportsIndex) -> None:
        """Charge a lost attempt what it is known to have generated, from a server's log for example.

        Args:
            request: The request.
            attempt: The number of an attempt whose process died; see `Ledger.attempts`.
            generated: Tokens that it generated.

        Raises:
            InputError: There is no such attempt, or it is not lost, or it was corrected to fewer tokens before, which
                others may have reserved since.
        """
        tokens = checked_tokens(generated, f"The count of request '{request}'", 0)
        number = checked_tokens(attempt, f"The attempt of request '{request}'", 1)
        with self._ledger.write() as db:
            row = db.execute(
                "SELECT state, reserved, charged FROM attempts WHERE run = ? AND request = ? AND attempt = ?",
                (self._number, request, number),
            ).fetchone()
            if row is None or row[0] != State.LOST:
                raise self._refusal(
                    request, f"has no lost attempt {number}; only attempts whose process died can be corrected"
                )
            self._recharge(db, request, number, State.LOST, tokens, row[1], row[2])

    def news(self) -> News | None:
        """What has become of the run since the last call; None if no other process has written since.

        The first call says what was settled before, and whether others are at work.
        """
        with self._ledger.read() as db:
            (version,) = db.execute("PRAGMA data_version").fetchone()
            if version == self._seen_version:
                return None
            rows = db.execute(
                "SELECT number, request FROM outcomes WHERE run = ? AND number > ? ORDER BY number",
                (self._number, self._seen_outcome),
            ).fetchall()
            (left,) = db.execute("SELECT budget - spent - reserved FROM runs WHERE id = ?", (self._number,)).fetchone()
            (elsewhere,) = db.execute(
                "SELECT count(*) FROM attempts WHERE run = ? AND state = 'open' AND holder <> ?",
                (self._number, self._holder),
            ).fetchone()
        self._seen_version = version
        self._seen_outcome = rows[-1][0] if rows else self._seen_outcome
        return News(left, elsewhere, [request for _, request in rows])

    def together(self) -> AbstractContextManager[None]:
        """Do everything in a block in one transaction; see `Ledger.batch`."""
        return self._ledger.batch()

    def totals(self) -> Totals:
        """Where the run's tokens are."""
        return self._ledger.totals(self.name)

    def outcomes(self) -> dict[str, Outcome]:
        """All outcomes so far, by request; nobody needs to ask these again."""
        return {outcome.request: outcome for outcome in self._ledger.outcomes(self.name)}

    def _look(self, db: sqlite3.Connection, request: str) -> _Standing:
        return _Standing(*db.execute(_LOOK, (self._number, request)).fetchone())

    def _mine(self, now_: _Standing) -> bool:
        return now_.holder == self._holder

    def _is_ours_to_close(self, now_: _Standing) -> bool:
        """Open; or given up for lost although we live, because somebody took our lock file away."""
        return now_.reason is None and now_.state in (State.OPEN, State.LOST) and self._mine(now_)

    def _close(
        self, db: sqlite3.Connection, request: str, now_: _Standing, state: State, tokens: int, note: str = ""
    ) -> None:
        assert now_.attempt is not None
        if now_.charged is not None:
            self._recharge(db, request, now_.attempt, state, tokens, now_.reserved, now_.charged, note)
            return
        db.execute(
            "UPDATE attempts SET state = ?, charged = ?, note = ?, closed = ? "
            "WHERE run = ? AND request = ? AND attempt = ?",
            (state, tokens, note, now(), self._number, request, now_.attempt),
        )
        self._move(db, reserved=-now_.reserved, spent=tokens, overrun=max(0, tokens - now_.reserved))

    def _recharge(
        self,
        db: sqlite3.Connection,
        request: str,
        attempt: int,
        state: State,
        tokens: int,
        reserved: int,
        charged: int,
        note: str = "",
    ) -> None:
        if charged < min(tokens, reserved):
            raise self._refusal(
                request,
                f"was charged {charged} tokens for attempt {attempt}, and the rest may be reserved by others, so it "
                f"cannot be charged {tokens} now; correct an attempt once",
            )
        db.execute(
            "UPDATE attempts SET state = ?, charged = ?, note = ? WHERE run = ? AND request = ? AND attempt = ?",
            (state, tokens, note, self._number, request, attempt),
        )
        overrun = max(0, tokens - reserved) - max(0, charged - reserved)
        self._move(db, spent=tokens - charged, overrun=overrun)

    def _move(self, db: sqlite3.Connection, *, reserved: int = 0, spent: int = 0, overrun: int = 0) -> None:
        db.execute(
            "UPDATE runs SET reserved = reserved + ?, spent = spent + ?, overrun = overrun + ? WHERE id = ?",
            (reserved, spent, overrun, self._number),
        )

    def _not_open(self, request: str, now_: _Standing) -> InputError:
        if now_.reason is not None:
            return self._refusal(request, f"was settled as '{now_.reason}'; settle a request once")
        if now_.state is None:
            return self._refusal(request, "has no reservation; reserve tokens before it is sent")
        if now_.state == State.OPEN:
            return self._refusal(request, "is held by another process; leave it to that one")
        return self._refusal(
            request,
            f"has no open reservation, its attempt {now_.attempt} is {now_.state} with {now_.charged} tokens; reserve "
            "tokens before it is sent again",
        )

    def _refusal(self, request: str, what: str) -> InputError:
        return InputError(f"{self._ledger.path}, run '{self.name}': request '{request}' {what}.")


def recover(db: sqlite3.Connection, path: Path, run: int, holder: int) -> Recovered:
    """Charge the open reservations of dead processes in full, within a transaction."""
    requests = tokens = 0
    for other, mark in db.execute(
        "SELECT id, mark FROM holders WHERE id <> ?1 AND (closed IS NULL "
        "OR id IN (SELECT holder FROM attempts WHERE run = ?2 AND state = 'open'))",
        (holder, run),
    ).fetchall():
        if is_alive(path, mark):
            continue
        db.execute("UPDATE holders SET closed = coalesce(closed, ?) WHERE id = ?", (now(), other))
        left = db.execute(
            "SELECT count(*), coalesce(sum(reserved), 0) FROM attempts WHERE run = ? AND holder = ? AND state = 'open'",
            (run, other),
        ).fetchone()
        db.execute(
            "UPDATE attempts SET state = 'lost', charged = reserved, closed = ? "
            "WHERE run = ? AND holder = ? AND state = 'open'",
            (now(), run, other),
        )
        db.execute("UPDATE runs SET reserved = reserved - ?1, spent = spent + ?1 WHERE id = ?2", (left[1], run))
        requests, tokens = requests + left[0], tokens + left[1]
    sweep(path)
    return Recovered(requests, tokens)
