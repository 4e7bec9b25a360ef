"""Logs of inspect_ai: `.eval` (a zip file) and `.json`."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from shadowprice._errors import InputError
from shadowprice._json import parse_json
from shadowprice.traces.importers._endings import CUT_OFF, count_generated, count_reasoning, no_answer
from shadowprice.traces.importers._fields import Count, Message, Record, check_record, last_asked
from shadowprice.traces.importers._json import JsonStream
from shadowprice.traces.importers._replies import Entry, Log, LoggedReply, Skipped, read_score
from shadowprice.traces.importers._zip import ZipLog

_HEADERS = ("header.json", "_journal/start.json")
_EPOCH = re.compile(r"_epoch_(\d+)\.json$")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ATTACHMENT = re.compile(r"attachment://([0-9a-f]{32})")


class _Config(Record):
    max_tokens: Count | None = None
    temperature: float | None = None
    seed: int | None = None


class _Dataset(Record):
    name: str | None = None


class _Eval(Record):
    task: str
    model: str
    dataset: _Dataset = _Dataset()
    model_generate_config: _Config = _Config()


class _Plan(Record):
    config: _Config = _Config()


class _Header(Record):
    eval: _Eval
    plan: _Plan | None = None


class _Usage(Record):
    input_tokens: Count | None = None
    input_tokens_cache_write: Count | None = None
    input_tokens_cache_read: Count | None = None
    output_tokens: Count = 0
    total_tokens: Count | None = None
    reasoning_tokens: Count | None = None

    @property
    def generated(self) -> int:
        """Tokens of reasoning and reply together; some providers leave the reasoning out of the output."""
        prompt = self.input_tokens
        if prompt is not None:
            prompt += (self.input_tokens_cache_write or 0) + (self.input_tokens_cache_read or 0)
        return count_generated(self.output_tokens, self.reasoning_tokens, total=self.total_tokens, prompt=prompt) or 0

    @property
    def thoughts(self) -> int | None:
        """Tokens of the reasoning."""
        return count_reasoning(self.output_tokens, self.reasoning_tokens, self.generated)


class _Choice(Record):
    message: Message
    stop_reason: str | None = None


class _Output(Record):
    choices: list[_Choice] = Field(default_factory=list)
    usage: _Usage | None = None


class _Score(Record):
    value: Any = None
    answer: str | None = None


class _Sample(Record):
    id: str
    epoch: Count = 1
    input: str | list[Message]
    choices: list[str] | None = None
    target: str | list[str] = ""
    messages: list[Message] = Field(default_factory=list)
    output: _Output | None = None
    scores: dict[str, _Score] | None = None
    model_usage: dict[str, _Usage] = Field(default_factory=dict)
    error: Any = None
    limit: Any = None
    attachments: dict[str, str] = Field(default_factory=dict)


def read_inspect(log: Log) -> Iterator[Entry]:
    """Read the samples of a log, the epochs of a question as its replies."""
    if log.path.suffix == ".json" or not _is_zip(log):
        yield from _read_json(log)
    else:
        yield from _read_eval(log)


def _is_zip(log: Log) -> bool:
    with log.path.open("rb") as file:
        return file.read(2) == b"PK"


def _read_eval(log: Log) -> Iterator[Entry]:
    with ZipLog(log.path) as archive:
        present = [name for name in _HEADERS if name in archive.names]
        if not present:
            raise InputError(f"{log.path}: a zip file without header.json; give a log that inspect_ai wrote.")
        if present[0] != _HEADERS[0]:
            log.note("the evaluation did not end; its finished samples were taken")
        where = f"{log.path}, member '{present[0]}'"
        header = check_record(_Header, parse_json(archive.read(present[0]), where), where)
        samples = [name for name in archive.names if name.startswith("samples/") and name.endswith(".json")]
        for name in sorted(samples, key=_epoch):
            where = f"{log.path}, member '{name}'"
            log.advance(archive.size(name))
            yield _entry(log, header, parse_json(archive.read(name), where), where)


def _epoch(name: str) -> int:
    match = _EPOCH.search(name)
    return int(match[1][:9]) if match else 0


def _read_json(log: Log) -> Iterator[Entry]:
    fields: dict[str, Any] = {}
    with JsonStream(log.path, log.advance) as stream:
        stream.expect("{", "the beginning")
        while not stream.take("}"):
            name = stream.value("a field's name")
            stream.expect(":", f"field '{name}'")
            if name == "samples" and stream.peek() == "[":
                header = check_record(_Header, fields, str(log.path))
                for number, sample in stream.items("sample"):
                    yield _entry(log, header, sample, f"{log.path}, sample {number}")
                return
            fields[str(name)] = stream.value(f"field '{name}'")
            if not stream.take(","):
                break
    check_record(_Header, fields, str(log.path))
    raise InputError(f"{log.path}: the log holds no samples; run inspect_ai without --no-log-samples.")


def _entry(log: Log, header: _Header, record: Any, where: str) -> Entry:
    sample = check_record(_Sample, record, where)
    if sample.error:
        return Skipped("the sample ended in an error")
    if sample.output is None or not sample.output.choices:
        return Skipped("no reply")
    replies = _replies(sample)
    reason = sample.output.choices[0].stop_reason
    # An agent hands in its answer by a call, and the log's verdict is about that.
    stopped = no_answer(None if reason == "tool_calls" else reason, replies[-1])
    if stopped is not None:
        return stopped
    score = _verdict(log, sample)
    correct = read_score(score.value) if score else Skipped("no score")
    if isinstance(correct, Skipped) and log.settings.grader is None:
        return correct
    config = header.eval.model_generate_config
    plan = header.plan.config if header.plan else _Config()
    usage = _usage(sample, header.eval.model, len(replies))
    withheld = any(message.withheld for message in replies)
    if withheld and usage is None:
        log.note("reasoning that is neither shown nor counted is missing from estimates of tokens")
    dataset = log.settings.dataset or header.eval.task
    return LoggedReply(
        query_id=f"{dataset}/{sample.id}",
        key=sample.id,
        question=_question(sample),
        golds=tuple([sample.target] if isinstance(sample.target, str) else sample.target),
        dataset=dataset,
        model=header.eval.model,
        protocol="inspect_ai",
        text=_attached("\n\n".join(message.text for message in replies if message.text), sample),
        reasoning=_attached("\n\n".join(message.thoughts for message in replies if message.thoughts), sample),
        correct=None if isinstance(correct, Skipped) else correct,
        answer=score.answer if score else None,
        tokens=usage.generated if usage else None,
        reasoning_tokens=usage.thoughts if usage else None,
        withheld=withheld,
        max_tokens=config.max_tokens if config.max_tokens is not None else plan.max_tokens,
        temperature=config.temperature if config.temperature is not None else plan.temperature,
        seed=config.seed if config.seed is not None else plan.seed,
        censored=bool(sample.limit) or reason in CUT_OFF,
        where=where,
    )


def _verdict(log: Log, sample: _Sample) -> _Score | None:
    """The score to go by: the one that was asked for, or the first. A scorer may give several, by name."""
    scores: dict[str, _Score] = {}
    for name, score in (sample.scores or {}).items():
        parts = score.value if isinstance(score.value, dict) else None
        if parts is None:
            scores[name] = score
        else:
            scores |= {f"{name}/{part}": _Score(value=value, answer=score.answer) for part, value in parts.items()}
    wanted = log.settings.metric
    if not scores:
        return None
    if wanted is None:
        first = next(iter(scores))
        if len(scores) > 1:
            log.note(f"verdicts are those of '{first}'; --metric takes another of {', '.join(scores)}")
        return scores[first]
    if wanted not in scores:
        raise InputError(f"{log.path}: there is no score '{wanted}'; choose --metric from {', '.join(scores)}.")
    return scores[wanted]


def _replies(sample: _Sample) -> list[Message]:
    """What the model wrote: the assistant's messages that were not given to it, in order."""
    output = sample.output.choices[0].message if sample.output else Message()
    given = len(sample.input) if isinstance(sample.input, list) else 0
    written = [
        message
        for message in sample.messages[given:]
        if message.role == "assistant" and message.source != "input" and (message.text or message.thoughts)
    ]
    return written if len(written) > 1 else [output]


def _usage(sample: _Sample, model: str, turns: int) -> _Usage | None:
    """Tokens that the model wrote: of its one reply, or of all its turns.

    A sample's usage also counts what a model was asked in order to grade it, so a single reply's own is better.
    """
    single = sample.output.usage if sample.output else None
    if turns == 1 and single is not None:
        return single
    return sample.model_usage.get(model) or single


def _question(sample: _Sample) -> str:
    asked = _attached(sample.input if isinstance(sample.input, str) else last_asked(sample.input), sample)
    if not sample.choices:
        return asked
    choices = (f"{letter}) {choice}" for letter, choice in zip(_LETTERS, sample.choices, strict=False))
    return "\n".join([asked, *choices])


def _attached(text: str, sample: _Sample) -> str:
    """Put long texts back, which inspect_ai keeps once and refers to."""
    return _ATTACHMENT.sub(lambda match: sample.attachments.get(match[1], match[0]), text)
