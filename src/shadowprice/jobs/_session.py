"""A run under way, for whoever may end it early."""

import asyncio

from shadowprice.ledger import Run as LedgerRun


class Session:
    """What stops a run; made inside the task that runs, for the thread of its event loop.

    ::

        run = asyncio.create_task(shadowprice.run_async(questions, budget=9_000, begun=sessions.append))
        …
        sessions[0].stop()

    Args:
        ledger: The run's ledger, open for as long as the run lasts.
    """

    def __init__(self, ledger: LedgerRun) -> None:
        self.halt = asyncio.Event()
        """Set when nothing more shall begin."""
        self._ledger = ledger
        self._task = asyncio.current_task()
        self._aborted = False

    @property
    def running(self) -> int:
        """Replies that are under way."""
        return self._ledger.totals().open

    @property
    def stopped(self) -> bool:
        """Whether somebody has asked for the end."""
        return self.halt.is_set()

    def stop(self) -> None:
        """Begin nothing more; replies under way may end."""
        self.halt.set()

    def abort(self) -> None:
        """Stop replies under way as well, and return what there is; once more breaks off what comes after that."""
        self._aborted = True
        self.stop()
        if self._task is not None:
            self._task.cancel()

    def heed(self) -> None:
        """Take the cancelling of the task, which stops the replies under way, as a wish that none begins after it."""
        if self._task is not None and self._task.cancelling():
            self.stop()

    @property
    def cancelled(self) -> bool:
        """Whether the task was cancelled by somebody else, who waits for it to end so."""
        return self._task is not None and self._task.cancelling() > 0 and not self._aborted
