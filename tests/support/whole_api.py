"""A small server that has all routes of OpenAI's API and Anthropic's that the gateway knows, and obeys its caps.

A handler for `http_server`. What it is asked for, it streams, two words to each choice; what it cannot read, it refuses
in OpenAI's shape. Nothing that it says depends on the words that it was asked with.
"""

import json
from typing import Any, Final

from http_server import Wire

_WORDS: Final = ("first ", "second")
_CHAT: Final = "chat.completion.chunk"


async def whole_api(wire: Wire) -> None:
    """Answer one request."""
    body = wire.body
    if wire.path == "/v1/models":
        await wire.answer({"object": "list", "data": [{"id": "words", "object": "model"}]})
    elif not isinstance(body, dict) or not any(body.get(name) for name in ("messages", "prompt", "input")):
        error = {"message": "Nothing is asked.", "type": "invalid_request_error", "param": None, "code": None}
        await wire.answer({"error": error}, 400)
    elif wire.path == "/v1/embeddings":
        await wire.answer({"object": "list", "data": [{"index": 0, "object": "embedding", "embedding": [0.5]}]})
    else:
        await wire.begin()
        await _ROUTES[wire.path](wire, body)


async def _chat(wire: Wire, body: Any) -> None:
    cap = body.get("max_completion_tokens") or body["max_tokens"]
    await _choices(wire, body, cap, body.get("n") or 1, {"id": "c1", "object": _CHAT, "created": 5, "model": "words"})


async def _completions(wire: Wire, body: Any) -> None:
    prompts = body["prompt"]
    each = max(body.get(name) or 1 for name in ("n", "best_of"))
    several = len(prompts) if isinstance(prompts, list) and not isinstance(prompts[0], int) else 1
    top = {"id": "t1", "object": "text_completion", "created": 5, "model": "words"}
    await _choices(wire, body, body["max_tokens"], several * each, top)


async def _choices(wire: Wire, body: Any, cap: int, choices: int, top: dict[str, Any]) -> None:
    words = _WORDS[: int(cap)]
    end = "stop" if len(words) < cap else "length"

    def choice(index: int, text: str, finish: str | None) -> Any:
        said = {"delta": {"content": text} if text else {}} if top["object"] == _CHAT else {"text": text}
        return {"index": index, **said, "finish_reason": finish}

    for index in range(int(choices)):
        for word in words:
            await wire.event({**top, "choices": [choice(index, word, None)]})
        await wire.event({**top, "choices": [choice(index, "", end)]})
    if (body.get("stream_options") or {}).get("include_usage"):
        made = len(words) * int(choices)
        usage = {"prompt_tokens": 3, "completion_tokens": made, "total_tokens": 3 + made}
        await wire.event({**top, "choices": [], "usage": usage})
    await wire.event("[DONE]")


async def _responses(wire: Wire, body: Any) -> None:
    words = _WORDS[: int(body["max_output_tokens"])]
    response: dict[str, Any] = {"id": "r1", "object": "response", "status": "in_progress", "output": []}
    text = {"type": "output_text", "text": "".join(words), "annotations": []}
    item: dict[str, Any] = {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [text],
    }
    usage = {"input_tokens": 3, "output_tokens": len(words), "total_tokens": 3 + len(words)}
    await _typed(wire, "response.created", response=response)
    await _typed(wire, "response.output_item.added", output_index=0, item=item | {"content": []})
    for word in words:
        await _typed(wire, "response.output_text.delta", item_id="m1", output_index=0, content_index=0, delta=word)
    await _typed(wire, "response.output_item.done", output_index=0, item=item)
    ended = response | {"status": "completed", "output": [item], "usage": usage}
    await _typed(wire, "response.completed", response=ended)


async def _messages(wire: Wire, body: Any) -> None:
    words = _WORDS[: int(body["max_tokens"])]
    message: dict[str, Any] = {"id": "a1", "type": "message", "role": "assistant", "content": [], "stop_reason": None}
    await _typed(wire, "message_start", message=message | {"usage": {"input_tokens": 3, "output_tokens": 0}})
    await _typed(wire, "content_block_start", index=0, content_block={"type": "text", "text": ""})
    for word in words:
        await _typed(wire, "content_block_delta", index=0, delta={"type": "text_delta", "text": word})
    await _typed(wire, "content_block_stop", index=0)
    reason = "end_turn" if len(words) < body["max_tokens"] else "max_tokens"
    await _typed(wire, "message_delta", delta={"stop_reason": reason}, usage={"output_tokens": len(words)})
    await _typed(wire, "message_stop")


async def _typed(wire: Wire, kind: str, **fields: Any) -> None:
    await wire.send(f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode())


_ROUTES: Final = {
    "/v1/chat/completions": _chat,
    "/v1/completions": _completions,
    "/v1/responses": _responses,
    "/v1/messages": _messages,
}
