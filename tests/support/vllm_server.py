"""Runs a command against a real vLLM, on CPUs, with a tiny model of random weights: `vllm_server.py -- COMMAND ...`.

The command finds the server's URL in SHADOWPRICE_VLLM. The server stops when the command ends, or at SIGTERM, SIGHUP or
Ctrl-C, until which it runs where no command is given. Run this by the Python that has vLLM (`make test-vllm` does).
"""

import argparse
import http.client
import importlib.metadata
import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from pydoc_data.topics import topics

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

HOME = Path(sys.prefix)
"""What is made here lies in vLLM's environment, and goes with it."""

PATIENCE = 600.0
"""Seconds that the server gets to answer: 40 were enough on two idle cores."""

SPECIAL = ["<think>", "</think>", "<|im_start|>", "<|im_end|>"]

TOKENS = 4096
"""Random weights make all tokens equally likely: with a few hundred, many replies would end before their cap."""

CHAT_TEMPLATE = """\
{%- for message in messages -%}
{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|im_start|>assistant\\n<think>\\n' + ('' if enable_thinking | default(true) else '\\n</think>\\n\\n') }}
{%- endif -%}"""
"""Qwen's in short. vLLM itself sees to `continue_final_message`: it cuts the text behind the last message's content."""

SHAPE = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 32}
CONFIG = SHAPE | {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "intermediate_size": 128,
    "vocab_size": TOKENS,
    "eos_token_id": SPECIAL.index("<|im_end|>"),
}

SETTINGS = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_CPU_KVCACHE_SPACE": "2",
    # So small a model is no faster on more cores, and the machine has other work.
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
}


def name_vllm() -> None:
    """Lets vLLM find itself: it asks for the version of `vllm`, not of `vllm-cpu`, and reads there what it runs on."""
    version = importlib.metadata.version("vllm-cpu") + "+cpu"
    folder = Path(sysconfig.get_path("purelib")) / f"vllm-{version}.dist-info"
    folder.mkdir(exist_ok=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}\n")


def make_model(folder: Path) -> None:
    """Writes all of a model but its weights, which vLLM draws itself."""
    folder.mkdir(exist_ok=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=TOKENS, special_tokens=SPECIAL, initial_alphabet=alphabet)
    trainer.show_progress = False
    tokenizer.train_from_iterator(topics.values(), trainer)  # English that every Python brings
    tokenizer.save(str(folder / "tokenizer.json"))
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>", "chat_template": CHAT_TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(about, indent=2))
    (folder / "config.json").write_text(json.dumps(CONFIG, indent=2))


def free_port(wanted: int) -> int:
    """The port that is wanted, unless somebody else would answer there; any free one for 0."""
    with socket.create_server(("127.0.0.1", wanted)) as listener:
        port: int = listener.getsockname()[1]
    return port


def answers(port: int) -> bool:
    # Not urllib, which would ask a proxy that the environment names.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def stop(server: subprocess.Popen[bytes]) -> None:
    """Ends the server and its workers, which share its process group, kindly at first."""
    for sign, seconds in ((signal.SIGTERM, 20.0), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError):
            os.killpg(server.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            server.wait(seconds)


@contextmanager
def serving(port: int) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A vLLM that answers at the URL that comes with it."""
    name_vllm()
    make_model(HOME / "tiny")
    command = [str(Path(sys.executable).with_name("vllm")), "serve", str(HOME / "tiny"), "--served-model-name", "tiny"]
    command += ["--load-format", "dummy", "--dtype", "float32", "--max-model-len", "2048", "--enforce-eager"]
    command += ["--reasoning-parser", "qwen3", "--host", "127.0.0.1", "--port", str(port)]
    log = HOME / "vllm.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, env=os.environ | SETTINGS, stdout=out, stderr=out, stdin=subprocess.DEVNULL, process_group=0
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(port):
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{log.read_text(errors='replace')[-4000:]}\nvLLM does not answer; the end of {log} is above.")
            time.sleep(0.5)
        yield server, f"http://127.0.0.1:{port}/v1"
    finally:
        stop(server)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="where to serve (default: a free port)")
    parser.add_argument("command", nargs="*", help="what to run against it, after --")
    asked = parser.parse_args()
    for sign in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(sign) is signal.SIG_DFL:  # nohup ignores SIGHUP, and that is meant
            signal.signal(sign, lambda number, _: sys.exit(128 + number))
    with suppress(KeyboardInterrupt), serving(free_port(asked.port)) as (server, url):
        print(f"vLLM answers at {url}", flush=True)
        if not asked.command:
            return server.wait()
        return subprocess.run(asked.command, env=os.environ | {"SHADOWPRICE_VLLM": url}, check=False).returncode
    return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
