"""The paper's predictor as the paper has it: τ̂ = exp(f_θ(s)), f_θ a fine-tuned text encoder."""

import os
from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from shadowprice._errors import InputError
from shadowprice._types import FloatArray
from shadowprice.beliefs._beliefs import Beliefs
from shadowprice.beliefs._evidence import Evidence
from shadowprice.beliefs._predictor import AbstractPredictor
from shadowprice.beliefs.encoders._transformer import import_torch, load_network
from shadowprice.beliefs.past import Past
from shadowprice.beliefs.static._fine_tuning import Epoch, FineTuning, fine_tune, predict_numbers, split_questions
from shadowprice.beliefs.surges import steady_surge


class TransformerPredictor(AbstractPredictor):
    """Predicts emergence thresholds with a fine-tuned text encoder (Wan et al. 2026, arXiv 2606.03092, §5.1).

    f_θ learns the mean log position of each question's right answers. Some questions are held out: they say when to
    stop, and the surge that all questions share is fitted to their predictions. `save_transformer` writes it to a
    directory.

    Args:
        model: A directory with an encoder, or ``hub:microsoft/deberta-v3-base``, the paper's, to fetch it.
        how: How to fine-tune; by default `FineTuning()`.
        random_state: Seed of everything random.
        report: Called after each epoch, to show progress.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        how: FineTuning | None = None,
        random_state: int = 0,
        report: Callable[[Epoch], None] | None = None,
    ) -> None:
        self.model = model
        self.how = how
        self.random_state = random_state
        self.report = report

    def fit(self, evidence: Evidence) -> Self:
        """Learn from replies, one or several per question.

        Raises:
            MissingExtraError: The extra `transformers` is not installed.
            InputError: Fewer than two questions were answered right, there is no such model, or training diverged.
        """
        torch = import_torch()
        how = self.how or FineTuning()
        texts, text = np.unique(np.asarray(evidence.questions, dtype=object), return_inverse=True)
        heard = evidence.weight > 0.0
        right = evidence.correct & heard
        query = text[evidence.query]
        solved, place = np.unique(query[right], return_inverse=True)
        if len(solved) < 2:
            raise InputError(f"Fine-tuning needs right replies to at least 2 questions, not {len(solved)}.")
        tokens = np.maximum(evidence.answer_tokens, 1)
        count = np.bincount(place, evidence.weight[right])
        position = np.bincount(place, evidence.weight[right] * np.log(tokens[right])) / count
        self.mean_ = float(position.mean())
        self.spread_ = float(position.std()) or 1.0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)  # of the new layer
            self.network_, self.tokenizer_ = load_network(
                self.model, "AutoModelForSequenceClassification", num_labels=1, problem_type="regression"
            )
        self.how_ = how
        split = split_questions(len(solved), how.held_out, self.random_state)
        self.history_ = fine_tune(
            self.network_,
            self.tokenizer_,
            [str(texts[number]) for number in solved],
            (position - self.mean_) / self.spread_,
            # Several replies to one question say less than as many to several.
            np.sqrt(count),
            split,
            how,
            self.random_state,
            self.report or (lambda epoch: None),
        )
        # Questions that nobody solved were not trained on either.
        unseen = np.ones(len(texts), np.bool_)
        unseen[solved[split[0]]] = False
        rows = np.flatnonzero(unseen[query] & heard)
        predicted = np.full(len(texts), np.nan)
        predicted[unseen] = self._positions([str(texts[number]) for number in np.flatnonzero(unseen)])
        surge = steady_surge(
            predicted[query[rows]], tokens[rows], evidence.correct[rows], evidence.weight[rows], self.random_state
        )
        share = float(np.average(evidence.correct[heard], weights=evidence.weight[heard]))
        self.scale_, self.beta_, self.alpha_ = surge.scale, surge.beta, share * np.e * surge.beta
        return self

    def predict(self, questions: Sequence[str], past: Past | None = None) -> Beliefs:
        """Beliefs about n questions; it reads texts alone, and no past."""
        del past
        check_is_fitted(self)
        threshold = self.scale_ * self._positions(questions)
        return Beliefs(threshold, np.full(len(threshold), self.alpha_), np.full(len(threshold), self.beta_))

    def _positions(self, questions: Sequence[str]) -> FloatArray:
        """Predicted answer positions ``(n,)``, tokens."""
        said = predict_numbers(self.network_, self.tokenizer_, questions, self.how_)
        return np.asarray(np.exp(self.mean_ + self.spread_ * said), dtype=np.float64)
