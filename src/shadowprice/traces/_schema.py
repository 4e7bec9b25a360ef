"""The columns of a trace: what happened when a model reasoned, one row per reply."""

from typing import Final

import pyarrow as pa

from shadowprice.beliefs import SUMMARY

SCHEMA_VERSION: Final = 1

CONFIDENCE: Final = pa.struct([(name, pa.list_(pa.float32())) for name in (*SUMMARY, "answer")])
"""How sure the model was: each of `SUMMARY` at the token counts of `CONFIDENCE_GRID` that the reply reached, nats, and
the first three of them over the tokens of the final answer."""

ESTIMATED: Final = "estimated"
"""What the metadata `token_unit` says of tokens that nobody has counted."""

TRACE_SCHEMA: Final = pa.schema(
    [
        pa.field("query_id", pa.string(), nullable=False, metadata={"doc": "`dataset/number`, one per question"}),
        pa.field("dataset", pa.string(), metadata={"doc": "where the question is from"}),
        pa.field("tier", pa.string(), metadata={"doc": "easy, medium or hard"}),
        pa.field("model", pa.string(), metadata={"doc": "who answered"}),
        pa.field("protocol", pa.string(), metadata={"doc": "how it was asked, see docs/asking.md"}),
        pa.field("sample_index", pa.int64(), metadata={"doc": "which try, from 0"}),
        pa.field("seed", pa.int64(), metadata={"doc": "seed of the sampler"}),
        pa.field("temperature", pa.float64(), metadata={"doc": "sampling temperature, 0 is greedy"}),
        pa.field("question", pa.string(), nullable=False, metadata={"doc": "the problem text"}),
        pa.field("gold", pa.string(), metadata={"doc": "the reference answer"}),
        pa.field("completion", pa.string(), metadata={"doc": "the whole reply, where it is kept"}),
        pa.field("answer", pa.string(), metadata={"doc": "the final answer read from the reply"}),
        pa.field("correct", pa.bool_(), nullable=False, metadata={"doc": "was it right"}),
        pa.field("completion_tokens", pa.int64(), nullable=False, metadata={"doc": "length of the reply, tokens"}),
        pa.field(
            "answer_tokens",
            pa.int64(),
            nullable=False,
            metadata={"doc": "tokens up to the end of the final answer: where a right answer emerges"},
        ),
        pa.field("estimate", pa.int64(), metadata={"doc": "tokens that the model said it needs, where it was asked"}),
        pa.field("estimate_tokens", pa.int64(), metadata={"doc": "tokens that it took to say so"}),
        pa.field("max_tokens", pa.int64(), metadata={"doc": "the recording's cap, tokens"}),
        pa.field("finish_reason", pa.string(), metadata={"doc": "`stop`, or `length` (censored)"}),
        pa.field("confidence", CONFIDENCE, metadata={"doc": "how sure the model was on the way, where it was told"}),
        pa.field("schema_version", pa.int64(), metadata={"doc": "version of this schema"}),
    ]
)
"""Every column that `shadowprice record` writes; the non-nullable ones are required of any trace file."""

REQUIRED: Final = tuple(field.name for field in TRACE_SCHEMA if not field.nullable)
