"""What a run that explores believes, before it has learnt anything and after."""

from shadowprice.beliefs import Evidence, OutcomePredictor, PriorPredictor, RunningPredictor


def usual(longest: int, typical: float) -> PriorPredictor:
    """What is usually true of replies.

    Args:
        longest: Tokens that no reply exceeds.
        typical: Tokens of a reply.
    """
    return PriorPredictor(longest, typical).fit()


def learn(evidence: Evidence, longest: int, seed: int) -> tuple[OutcomePredictor, RunningPredictor]:
    """Learn from replies what to believe of questions, and of replies on the way.

    Args:
        evidence: Graded replies.
        longest: Tokens that no reply exceeds.
        seed: Of what is drawn at random.

    Raises:
        InputError: There is nothing to learn from.
    """
    predictor = OutcomePredictor(max_tokens=longest)
    running = RunningPredictor(random_state=seed).fit(evidence, predictor)
    return predictor.fit(evidence), running
