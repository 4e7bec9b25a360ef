"""Results of ZeroEval (`result_dirs/{task}/{model}.json`): a list of questions with the replies beside them."""

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from shadowprice._errors import InputError
from shadowprice.traces.importers._fields import Count, Record, check_record
from shadowprice.traces.importers._json import JsonStream
from shadowprice.traces.importers._replies import Entry, Log, LoggedReply, Skipped

_QUESTIONS = ("problem", "question", "puzzle", "instruction")
_GOLDS = ("correct_answer", "answer", "gold", "target")
_GRADERS = {
    "gsm": "number",
    "math-l5": "math",
    "crux": "literal",
    **dict.fromkeys(("mmlu-redux", "mmlu-pro-lite", "gpqa-main", "gpqa-diamond"), "choice"),
}
"""How the answers to each task are graded; by their characters if it is another."""


class _Config(Record):
    max_tokens: Count | None = None
    temperature: float | None = None


class _Item(Record):
    session_id: str
    chat_history: list[str] = Field(default_factory=list)
    output: str | list[str]
    generator: str | None = None
    configs: _Config = _Config()
    dataset: str | None = None


def read_zeroeval(log: Log) -> Iterator[Entry]:
    """Read the replies; they are asked for as JSON with the fields reasoning and answer, and graded here."""
    with JsonStream(log.path, log.advance) as stream:
        for number, record in stream.items("item"):
            where = f"{log.path}, item {number}"
            if not isinstance(record, dict):
                raise InputError(f"{where}: not a JSON object; give an unchanged result file.")
            yield from _entries(log, record, where)


def _entries(log: Log, record: dict[str, Any], where: str) -> Iterator[Entry]:
    item = check_record(_Item, record, where)
    task = item.dataset or log.path.parent.name or "zeroeval"
    dataset = log.settings.dataset or task
    gold = _gold(record)
    outputs = [item.output] if isinstance(item.output, str) else item.output
    if not outputs:
        yield Skipped("no reply")
    for text in outputs:
        if gold is None:
            yield Skipped("no reference answer in the results")
            continue
        yield LoggedReply(
            query_id=f"{dataset}/{item.session_id}",
            key=item.session_id,
            question=_question(record, item, where),
            golds=(gold,),
            dataset=dataset,
            model=item.generator,
            protocol="zeroeval",
            text=text,
            grader=_GRADERS.get(task, "exact"),
            max_tokens=item.configs.max_tokens,
            temperature=item.configs.temperature,
            where=where,
        )


def _question(record: dict[str, Any], item: _Item, where: str) -> str:
    for name in _QUESTIONS:
        if isinstance(record.get(name), str) and record[name].strip():
            return str(record[name])
    if item.chat_history and item.chat_history[-1].strip():
        return item.chat_history[-1]
    raise InputError(f"{where}: neither a question nor a chat_history; give an unchanged result file.")


def _gold(record: dict[str, Any]) -> str | None:
    """The reference answer. GSM8K's stands behind the last # of its solution."""
    for name in _GOLDS:
        value = record.get(name)
        if isinstance(value, str | int | float) and str(value).strip():
            return str(value).rpartition("#")[2].strip() if "# " in str(value) else str(value).strip()
    return None
