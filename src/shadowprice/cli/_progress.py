"""How far a command is, on stderr: a bar and a line per thing on a terminal, a plain line now and then elsewhere."""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from rich.console import RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from shadowprice._text import shown
from shadowprice.cli._options import say
from shadowprice.cli._terminal import Terminal

if TYPE_CHECKING:
    from shadowprice.jobs import Follow, Step

_BAR: Final = 20
_LONGEST: Final = 58
"""Characters of a line, so that none is wrapped anew when somebody makes the terminal narrower, down to 60 columns."""
_EVERY: Final = 30.0
"""Seconds after which a log gets a line whatever has happened, and before which it gets none."""
_SOONEST: Final = 5.0
"""Seconds between two lines of a log, at least."""
_SHARES: Final = ("fitting", "spending")
"""Work of which the share that is done is shown alone: its steps are no things that people count."""
_STEPS: Final = 10
"""Parts of the work after each of which a log gets a line."""


class Bar:
    """How far one piece of work is; this one tells nobody.

    Args:
        description: What is done.
        total: Steps in all; None if nobody knows.
        note: What is being done at the moment.
    """

    def __init__(self, description: str, total: float | None, note: str = "") -> None:
        self.description = description
        self.total = total
        self.done = 0.0
        self.lines: Mapping[str, str] = {"": note} if note else {}
        self._begun = time.monotonic()

    def advance(self, steps: float = 1.0, note: str | None = None) -> None:
        """Move on, and say something beside it."""
        self.show(self.done + steps, None if note is None else {"": note})

    def restart(self, total: float, note: str) -> None:
        """Begin again with another total."""
        self.total = total
        self.show(0.0, {"": note})

    def expect(self, steps: float) -> None:
        """Add steps that are to be taken."""
        self.total = (self.total or 0.0) + steps
        self.show(self.done)

    def show(self, done: float, lines: Mapping[str, str] | None = None) -> None:
        """Say how many steps are done, and things by their names."""
        self.done = done
        if lines is not None:
            self.lines = {name: shown(line) for name, line in lines.items()}

    @property
    def elapsed(self) -> float:
        """Seconds since the work began."""
        return time.monotonic() - self._begun


class _Things(Progress):
    """A bar with a line below it for each thing that is to be said."""

    things: Mapping[str, str] = MappingProxyType({})

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bar and the lines."""
        yield self.make_tasks_table(self.tasks)
        wide = max((len(name) for name in self.things), default=0)
        for name, line in self.things.items():
            text = f"  {f'{name:{wide}}  ' if name else ''}{line}"
            kept = min(_LONGEST, self.console.width)
            yield Text(text if len(text) <= kept else f"{text[: kept - 1]}…", no_wrap=True)


class _ScreenBar(Bar):
    """A bar on a terminal."""

    def __init__(self, screen: _Things, description: str, total: float | None, note: str) -> None:
        super().__init__(description, total, note)
        self._screen = screen
        screen.things = self.lines
        self._task = screen.add_task(description, total=total)

    def show(self, done: float, lines: Mapping[str, str] | None = None) -> None:
        """Draw it anew with the next picture."""
        super().show(done, lines)
        self._screen.things = self.lines
        self._screen.update(self._task, completed=done, total=self.total)

    def restart(self, total: float, note: str) -> None:
        """Begin again, and with the time that is left too."""
        self._screen.reset(self._task, total=total)
        super().restart(total, note)


class LogBar(Bar):
    """A bar of plain lines, for files and pipes: after each tenth, and every half minute whatever happens.

    Work of less than half a minute writes none.

    Args:
        description: What is done.
        total: Steps in all; None if nobody knows.
        note: What is being done at the moment.
        clock: Seconds that have gone by since any moment.
        write: What takes a line.
    """

    def __init__(
        self,
        description: str,
        total: float | None,
        note: str = "",
        *,
        clock: Callable[[], float] = time.monotonic,
        write: Callable[[str], None] = say,
    ) -> None:
        super().__init__(description, total, note)
        self._clock, self._write = clock, write
        self._begun = self._told_at = self._restarted_at = clock()
        self._told = 0
        self._lock = threading.Lock()

    def restart(self, total: float, note: str) -> None:
        """Begin again: how long the steps before took tells nothing of the next ones."""
        self._restarted_at = self._clock()
        super().restart(total, note)

    def show(self, done: float, lines: Mapping[str, str] | None = None) -> None:
        """Write a line if another tenth is done."""
        super().show(done, lines)
        part = int(_STEPS * done / self.total) if self.total else 0
        if part != self._told and self._clock() - self._begun >= _EVERY:
            self._tell(_SOONEST)

    def beat(self) -> None:
        """Write a line if none was written for long."""
        self._tell(_EVERY)

    def _tell(self, least: float) -> None:
        with self._lock:
            now = self._clock()
            if now - self._told_at < least:
                return
            self._told_at = now
            self._told = int(_STEPS * self.done / self.total) if self.total else 0
            self._write(self._line(now - self._begun, now - self._restarted_at))

    def _line(self, elapsed: float, on_these: float) -> str:
        parts = [_time(elapsed)]
        if self.total:
            parts.insert(0, f"{self.done:,.0f} of {self.total:,.0f} ({self.done / self.total:.0%})")
            if 0 < self.done < self.total:
                parts.append(f"about {_time(on_these * (self.total / self.done - 1))} left")
        elif self.done:
            parts.insert(0, f"{self.done:,.0f}")
        parts += [f"{name} {line}".strip() for name, line in self.lines.items() if line]
        return f"{self.description}: {', '.join(parts)}"


def _time(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


@contextmanager
def progress_bar(description: str, total: float | None, *, note: str = "", counts: bool = True) -> Iterator[Bar]:
    """Show how far some work is.

    Args:
        description: What is done.
        total: Steps in all; None if nobody knows.
        note: What is being done at the moment.
        counts: Whether to show the steps beside the share of them.
    """
    console = Terminal(stderr=True)
    if sys.stderr.isatty() and not console.is_dumb_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=_BAR),
            MofNCompleteColumn() if counts else TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
        )
        with _Things(*columns, console=console) as screen:
            yield _ScreenBar(screen, description, total, note)
        return
    bar = LogBar(description, total, note)
    with _beating(bar):
        yield bar


def bars() -> "Follow":
    """What shows people how far each piece of a job's work is."""
    shown_now: dict[str, tuple[Bar, ExitStack]] = {}

    def follow(step: "Step") -> None:
        if step.doing not in shown_now:
            stack, counts = ExitStack(), step.doing not in _SHARES
            bar = progress_bar(step.doing, step.total, note=step.lines.get("", ""), counts=counts)
            shown_now[step.doing] = stack.enter_context(bar), stack
        elif step.ended:
            shown_now.pop(step.doing)[1].close()
        else:
            shown_now[step.doing][0].show(step.done, step.lines)

    return follow


@contextmanager
def _beating(bar: LogBar) -> Iterator[None]:
    """Show that work goes on which takes no step for long."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(_SOONEST):
            bar.beat()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
