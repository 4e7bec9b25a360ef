"""Fine-tuning: an encoder learns to predict one number from a question."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs.encoders._transformer import import_torch, pick_device, tokenize


class Epoch(NamedTuple):
    """How far training has come."""

    number: int
    """Epochs done."""
    trained: float
    """Mean squared error on the questions that were trained on, while they were; in variances of the target."""
    held_out: float
    """The same on those held out, after the epoch."""


@dataclass(frozen=True, slots=True)
class FineTuning:
    """How to fine-tune: AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101), warm-up, then a linear decay."""

    learning_rate: float = 2e-5
    """Of AdamW, at its highest."""
    weight_decay: float = 0.01
    """Of AdamW."""
    warm_up: float = 0.1
    """Share of the steps in which the learning rate rises."""
    batch_size: int = 16
    """Questions per step."""
    epochs: int = 8
    """Epochs, at most."""
    patience: int = 2
    """Epochs without a better error on the questions held out, after which to stop; the best epoch is kept."""
    held_out: float = 0.15
    """Share of the questions that are held out."""
    max_length: int = 256
    """Tokens of a question that are read."""
    device: str | None = None
    """Such as ``cpu`` or ``cuda``; by default a GPU if there is one."""

    def __post_init__(self) -> None:
        good = self.learning_rate > 0 and 0 < self.held_out < 1 and 0 <= self.warm_up < 1 and self.weight_decay >= 0
        if not good or min(self.batch_size, self.epochs, self.patience, self.max_length) < 1:
            raise InputError(
                "Fine-tuning needs a learning rate above 0, held_out between 0 and 1, and counts of at least 1: "
                f"{self}."
            )


def split_questions(count: int, share: float, seed: int) -> tuple[IntArray, IntArray]:
    """Numbers of the questions to train on and of those held out, at least one of each.

    Raises:
        InputError: There are fewer than two questions.
    """
    if count < 2:
        raise InputError(f"Fine-tuning needs right replies to at least 2 questions, not {count}.")
    order = np.random.default_rng(seed).permutation(count).astype(np.int64)
    cut = min(count - 1, max(1, round(share * count)))
    return np.sort(order[cut:]), np.sort(order[:cut])


def fine_tune(
    network: Any,
    tokenizer: Any,
    questions: Sequence[str],
    target: FloatArray,
    weight: FloatArray,
    split: tuple[IntArray, IntArray],
    how: FineTuning,
    seed: int,
    report: Callable[[Epoch], None],
) -> list[Epoch]:
    """Train a network with one output, in place, and leave it as it was after its best epoch.

    Args:
        network: A sequence classifier of `transformers` with one label.
        tokenizer: Its tokenizer.
        questions: ``(n,)`` texts.
        target: ``(n,)`` what to predict, of mean 0 and variance 1.
        weight: ``(n,)`` what each question counts.
        split: Numbers of the questions to train on and of those held out.
        how: How.
        seed: Of the new layer's dropout and the order of batches; on a CPU the result is reproducible.
        report: Called after each epoch.
    """
    torch = import_torch()
    device = pick_device(how.device)
    seen, unseen = split
    network.to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=how.learning_rate, weight_decay=how.weight_decay)
    steps = how.epochs * -(-len(seen) // how.batch_size)
    warm = max(1, round(how.warm_up * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))
    )
    order = np.random.default_rng(seed)
    history: list[Epoch] = []
    best: tuple[float, Any] = (np.inf, None)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        for number in range(how.epochs):
            network.train()
            total = 0.0
            shuffled = order.permutation(seen)
            for start in range(0, len(shuffled), how.batch_size):
                rows = shuffled[start : start + how.batch_size]
                batch = tokenize(tokenizer, [questions[int(row)] for row in rows], how.max_length).to(device)
                said = network(**batch).logits[:, 0]
                wanted, counts = (
                    torch.tensor(part[rows], dtype=said.dtype, device=device) for part in (target, weight)
                )
                loss = (counts * (said - wanted) ** 2).sum() / counts.sum()
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                total += float(loss.detach()) * len(rows)
            error = predict_numbers(network, tokenizer, [questions[int(row)] for row in unseen], how) - target[unseen]
            held_out = float(np.average(error**2, weights=weight[unseen]))
            history.append(Epoch(number + 1, total / len(seen), held_out))
            report(history[-1])
            if not np.isfinite(held_out):
                raise InputError(f"Fine-tuning diverged in epoch {number + 1}; use a smaller learning rate.")
            if held_out < best[0]:
                best = (held_out, deepcopy({name: part.cpu() for name, part in network.state_dict().items()}))
            elif number - min(range(len(history)), key=lambda at: history[at].held_out) >= how.patience:
                break
    network.load_state_dict(best[1])
    network.eval()
    return history


def predict_numbers(network: Any, tokenizer: Any, questions: Sequence[str], how: FineTuning) -> FloatArray:
    """The network's output ``(n,)`` for n questions."""
    torch = import_torch()
    device = next(network.parameters()).device
    network.eval()
    parts = [np.empty(0)]
    with torch.inference_mode():
        for start in range(0, len(questions), 2 * how.batch_size):
            batch = tokenize(tokenizer, questions[start : start + 2 * how.batch_size], how.max_length).to(device)
            parts.append(network(**batch).logits[:, 0].double().cpu().numpy())
    return np.concatenate(parts)
