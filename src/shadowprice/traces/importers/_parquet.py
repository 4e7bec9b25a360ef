"""Traces in our own schema, to be put together with others."""

from collections.abc import Iterator

from shadowprice.traces._files import read_traces
from shadowprice.traces.importers._replies import Entry, Log, LoggedReply

_ROWS = 4096


def read_parquet(log: Log) -> Iterator[Entry]:
    """Read the rows of a Parquet file of traces."""
    table = read_traces(log.path).table
    size = log.path.stat().st_size
    row = 0
    for batch in table.to_batches(max_chunksize=_ROWS):
        log.advance(size * batch.num_rows // table.num_rows)
        for record in batch.to_pylist():
            reason = record.get("finish_reason")
            yield LoggedReply(
                query_id=record["query_id"],
                question=record["question"],
                text=record.get("completion") or "",
                golds=(record["gold"],) if record.get("gold") else (),
                dataset=record.get("dataset"),
                tier=record.get("tier"),
                model=record.get("model"),
                protocol=record.get("protocol"),
                correct=record["correct"],
                answer=record.get("answer"),
                tokens=record["completion_tokens"],
                answer_tokens=record["answer_tokens"],
                max_tokens=record.get("max_tokens"),
                temperature=record.get("temperature"),
                seed=record.get("seed"),
                censored=None if reason is None else reason == "length",
                where=f"{log.path}, row {row}",
            )
            row += 1
