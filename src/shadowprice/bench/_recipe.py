"""What each policy may believe of recorded questions, and how that is made."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from shadowprice._errors import InputError
from shadowprice.beliefs import AbstractOutlook, Beliefs, Outlook
from shadowprice.policies import Knowledge
from shadowprice.traces import RecordedOutlook, Replies


@dataclass(frozen=True, eq=False)
class Forecasts:
    """Beliefs about all questions and replies of some traces."""

    thresholds: Beliefs | None = None
    """n rows, for policies that price thresholds."""
    outcomes: Beliefs | None = None
    """n rows with outcomes."""
    outlook: RecordedOutlook | None = None
    """A row for each of the m replies; without it, policies that look see only how far a query has come."""

    def of(self, knowledge: Knowledge, replies: Replies) -> tuple[Beliefs, AbstractOutlook | None]:
        """What a policy with that knowledge is opened with.

        Raises:
            InputError: These forecasts were made without it.
        """
        if knowledge is Knowledge.ANSWERS:
            return replies.certain, None
        if knowledge is Knowledge.NOTHING:
            return Beliefs.certain(np.ones(len(replies.queries))), None
        beliefs = self.thresholds if knowledge is Knowledge.THRESHOLDS else self.outcomes
        if beliefs is None:
            raise InputError(f"There are no forecasts of {knowledge}; make them with `forecast`.")
        mine = replies.seen(beliefs.take(replies.queries))
        if knowledge is Knowledge.THRESHOLDS or mine.outcomes is None:
            return mine, None
        return mine, Outlook(mine.outcomes) if self.outlook is None else self.outlook.take(replies.rows)


class Recipe(NamedTuple):
    """How forecasts are made; equal recipes on equal traces give equal forecasts."""

    knowledge: tuple[Knowledge, ...] = (Knowledge.THRESHOLDS, Knowledge.OUTCOMES)
    """Which beliefs are asked for."""
    reads: bool = True
    """Whether the texts that queries write are read."""
    folds: int = 2
    """Folds of the questions: each is held out once."""
    seed: int = 0
    """Seed of the folds, and of what is left out or blurred."""
    size: int | None = None
    """Questions to learn from, at most."""
    noise: float = 0.0
    """σ of log-normal noise on the token counts that are believed."""
    encoder: str | None = None
    """Name of another model that reads the questions, of `beliefs.encoders.ENCODERS`."""

    @property
    def steps(self) -> int:
        """Predictors that are fitted for it, which is how often `forecast` advances."""
        outcomes = Knowledge.OUTCOMES in self.knowledge
        return self.folds * ((Knowledge.THRESHOLDS in self.knowledge) + outcomes + (outcomes and self.reads))
