"""Reserving before asking, charging afterwards, each exactly once."""

import sqlite3
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, SupportsIndex

from shadowprice._errors import InputError
from shadowprice.ledger._reading import read_totals
from shadowprice.ledger._records import Answer, Grant, Outcome, State, Totals
from shadowprice.ledger._recovery import Recovered, recover
from shadowprice.ledger._secrets import without_secrets
from shadowprice.ledger._standing import News, Standing, look, look_around
from shadowprice.ledger._values import checked_name, checked_tokens, now, payload_text

if TYPE_CHECKING:
    from shadowprice.ledger._ledger import Ledger


class Run:
    """One budget in a ledger, shared by all processes that have opened the run.

    At every moment, tokens spent, reserved and held ahead are together at most the budget; only a server that generates
    more than it was allowed can break that, and what it did is charged in full and shown as overrun. Every method is
    one transaction, and doing the same again changes nothing.

    Made by `Ledger.open_run`.
    """

    topped_up: int | None = None
    """The budget before, where opening the run has raised it."""
    taken_back: int = 0
    """Outcomes that this has taken back."""
    replaces: bool = False
    """Whether an earlier run has made room for it, which is kept under another name."""

    def __init__(self, ledger: "Ledger", number: int, name: str, holder: int, recovered: Recovered) -> None:
        self.name = name
        self.recovered = recovered
        """What opening the run found of dead processes."""
        self._ledger = ledger
        self._number = number
        self._holder = holder
        self._seen_outcome = 0
        self._seen_version = -1

    def reserve(
        self,
        request: str,
        tokens: SupportsIndex,
        *,
        least: SupportsIndex = 1,
        ahead: SupportsIndex = 0,
        among: SupportsIndex = 1,
        enough: SupportsIndex = 0,
        spare: SupportsIndex = 0,
    ) -> Grant:
        """Set tokens aside for a request before it is sent.

        What it is granted is charged if this process dies. What is held ahead is only kept from others while the
        request runs: its server may have made it before anybody could stop it.

        Args:
            request: Id of the request, unique in the run.
            tokens: Tokens that it should be allowed to generate in all, at least 1.
            least: Tokens below which it is better refused; fewer than `tokens` are granted if no more are left.
            ahead: Tokens beyond these to hold, as far as its share of what is free goes.
            among: Shares into which what is free is divided for that.
            enough: Tokens of `ahead` below which it is better refused, whatever its share is.
            spare: Tokens of the run that must be left free.

        Returns:
            What was granted. 0 tokens is a refusal, and says why. A request that this connection holds already keeps
            what it has, whatever is asked for; see `extend`.
        """
        checked_name(request, "The request's id")
        wanted = checked_tokens(tokens, f"The reservation of request '{request}'", 1)
        fewest = min(wanted, checked_tokens(least, f"The least reservation of request '{request}'", 1))
        beyond, shares = self._checked_ahead(request, ahead, among)
        left_free = checked_tokens(spare, "What must be left free", 0)
        needed = min(beyond, checked_tokens(enough, f"What is held ahead at least for request '{request}'", 0))
        with self._ledger.write() as db:
            now_ = self._look(db, request)
            if now_.reason is not None:
                return Grant(0, Answer.SETTLED)
            if now_.state == State.OPEN:
                if not self._mine(now_):
                    return Grant(0, Answer.ELSEWHERE)
                return Grant(now_.reserved, Answer.GRANTED, now_.ahead)
            free = now_.left - now_.held - left_free
            granted = min(wanted, free)
            if granted < fewest:
                return Grant(0, Answer.HELD if now_.left >= fewest else Answer.NOTHING_LEFT)
            if free - granted < needed:
                return Grant(0, Answer.HELD)
            held = min(beyond, max(needed, (free - granted) // shares))
            db.execute(
                "INSERT INTO attempts (run, request, attempt, holder, state, reserved, ahead, opened) "
                "VALUES (?, ?, ?, ?, 'open', ?, ?, ?)",
                (self._number, request, (now_.attempt or 0) + 1, self._holder, granted, held, now()),
            )
            self._move(reserved=granted, ahead=held)
        return Grant(granted, Answer.GRANTED, held)

    def extend(self, request: str, tokens: SupportsIndex) -> Grant:
        """Let a request that is under way go on, first with what is held ahead for it.

        Args:
            request: A request that this connection has reserved tokens for.
            tokens: Tokens that it should be allowed to generate in all.

        Returns:
            Tokens that it may generate in all: what was asked for, or what fits; never less than before. The answer
            says why it is less than what was asked for.

        Raises:
            InputError: It has no open reservation of this connection.
        """
        wanted = checked_tokens(tokens, f"The reservation of request '{request}'", 1)
        with self._ledger.write() as db:
            now_ = self._look(db, request)
            self._check_open(request, now_)
            more = max(0, min(wanted - now_.reserved, now_.left - now_.held + now_.ahead))
            used = min(more, now_.ahead)
            if more:
                self._allow(db, request, now_, reserved=more, ahead=-used)
        short = now_.reserved + more < wanted
        answer = Answer.GRANTED if not short else Answer.HELD if now_.left > more else Answer.NOTHING_LEFT
        return Grant(now_.reserved + more, answer, now_.ahead - used)

    def hold(self, request: str, ahead: SupportsIndex, *, among: SupportsIndex = 1) -> int:
        """Hold more tokens ahead for a request under way, whose server is to be asked to go on.

        Args:
            request: A request that this connection has reserved tokens for.
            ahead: Tokens beyond its reservation to hold in all, as far as its share of what is free goes.
            among: Shares into which what is free is divided for that.

        Returns:
            Tokens that are held ahead for it now; never fewer than before.

        Raises:
            InputError: It has no open reservation of this connection.
        """
        beyond, shares = self._checked_ahead(request, ahead, among)
        with self._ledger.write() as db:
            now_ = self._look(db, request)
            self._check_open(request, now_)
            more = max(0, min(beyond - now_.ahead, (now_.left - now_.held) // shares))
            if more:
                self._allow(db, request, now_, ahead=more)
        return now_.ahead + more

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

    def finish(self) -> None:
        """Take note that every request has its outcome, so that the run may make room for a new one."""
        with self._ledger.write() as db:
            db.execute("UPDATE runs SET finished = coalesce(finished, ?) WHERE id = ?", (now(), self._number))

    def recover(self) -> Recovered:
        """Charge the reservations of processes that have died since the run was opened.

        A request that was under way when its process died may have generated all that was reserved for it, so that is
        what it is charged; see `correct` for what is known better. It has no outcome and may be reserved again.
        """
        with self._ledger.write() as db:
            found = recover(db, self._ledger.place, self._number, self._holder, ahead=self._ledger.caps_are_lost)
        if found.requests:
            self._seen_version = -1  # it is news, although no other process wrote it
        return found

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
            newest, found = look_around(db, self._number, self._holder, self._seen_outcome)
        self._seen_version, self._seen_outcome = version, newest
        return found

    def together(self) -> AbstractContextManager[None]:
        """Do everything in a block in one transaction; see `Ledger.batch`."""
        return self._ledger.batch()

    def totals(self) -> Totals:
        """Where the run's tokens are."""
        with self._ledger.read() as db:
            return read_totals(db, self._number)

    def held(self) -> int:
        """Tokens in open reservations, and those that servers may make beyond them; 0 if there are none."""
        with self._ledger.read() as db:
            (held,) = db.execute("SELECT reserved + ahead FROM runs WHERE id = ?", (self._number,)).fetchone()
        return int(held)

    def is_same(self, other: "Run") -> bool:
        """Whether both are the same run of a file, whatever it was called when they were opened."""
        return self._number == other._number

    def outcomes(self) -> dict[str, Outcome]:
        """All outcomes so far, by request; nobody needs to ask these again."""
        return {outcome.request: outcome for outcome in self._ledger.outcomes(self.name)}

    def _look(self, db: sqlite3.Connection, request: str) -> Standing:
        moved = self._ledger.moved(self._number)
        return look(db, self._number, request, moved.spent + moved.reserved, moved.ahead)

    def _check_open(self, request: str, now_: Standing) -> None:
        if now_.state != State.OPEN or not self._mine(now_):
            raise self._not_open(request, now_)

    def _checked_ahead(self, request: str, ahead: SupportsIndex, among: SupportsIndex) -> tuple[int, int]:
        return (
            checked_tokens(ahead, f"What is held ahead for request '{request}'", 0),
            checked_tokens(among, f"The number of shares for request '{request}'", 1),
        )

    def _allow(
        self, db: sqlite3.Connection, request: str, now_: Standing, *, reserved: int = 0, ahead: int = 0
    ) -> None:
        db.execute(
            "UPDATE attempts SET reserved = reserved + ?, ahead = ahead + ? "
            "WHERE run = ? AND request = ? AND attempt = ?",
            (reserved, ahead, self._number, request, now_.attempt),
        )
        self._move(reserved=reserved, ahead=ahead)

    def _mine(self, now_: Standing) -> bool:
        return now_.holder == self._holder

    def _is_ours_to_close(self, now_: Standing) -> bool:
        """Open; or given up for lost although we live, because somebody took our lock file away."""
        return now_.reason is None and now_.state in (State.OPEN, State.LOST) and self._mine(now_)

    def _close(
        self, db: sqlite3.Connection, request: str, now_: Standing, state: State, tokens: int, note: str = ""
    ) -> None:
        assert now_.attempt is not None
        if now_.charged is not None:
            self._recharge(db, request, now_.attempt, state, tokens, now_.reserved, now_.charged, note)
            return
        # What its server made ahead was reserved after all.
        reserved = min(max(now_.reserved, tokens), now_.reserved + now_.ahead)
        db.execute(
            "UPDATE attempts SET state = ?, reserved = ?, ahead = 0, charged = ?, note = ?, closed = ? "
            "WHERE run = ? AND request = ? AND attempt = ?",
            (state, reserved, tokens, note, now(), self._number, request, now_.attempt),
        )
        overrun = max(0, tokens - reserved)
        self._move(reserved=-now_.reserved, ahead=-now_.ahead, spent=tokens, overrun=overrun)

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
        self._move(spent=tokens - charged, overrun=overrun)

    def _move(self, *, reserved: int = 0, ahead: int = 0, spent: int = 0, overrun: int = 0) -> None:
        self._ledger.move(self._number, spent, reserved, ahead, overrun)

    def _not_open(self, request: str, now_: Standing) -> InputError:
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
