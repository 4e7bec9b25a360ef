"""How a gateway is set up, and that the command serves, drains and ends as it should."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pyarrow as pa
import pytest

from counting_server import counting_server, made_tokens
from http_server import Serve, Wire
from shadowprice import fit
from shadowprice._errors import InputError
from shadowprice.gateway import Tenant, UpstreamChoice
from shadowprice.jobs import ServeOptions
from shadowprice.jobs.given import read_serving, read_window
from shadowprice.traces import write_traces

Command = Callable[..., Any]


@pytest.mark.parametrize(
    ("text", "tokens", "seconds"),
    [
        ("2M/h", 2_000_000, 3600),
        ("500k/d", 500_000, 86_400),
        ("40k / 15min", 40_000, 900),
        ("100 per 2 s", 100, 2),
        ("$5/h", 12_500_000, 3600),
        ("1.5k/day", 1500, 86_400),
    ],
)
def test_budgets_come_again_and_again(text: str, tokens: int, seconds: int) -> None:
    found = read_window(text, "0.4")
    assert (tokens, seconds) == (found.tokens, found.seconds)


@pytest.mark.parametrize(
    "text", ["", "2M", "2M/", "/h", "2M/h/d", "30%/h", "300/question/h", "0/h", "2M/0s", "2M/9999d", "-5/h"]
)
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_window(text)


def test_money_needs_a_price() -> None:
    with pytest.raises(InputError, match="--price-per-million"):
        read_window("$5/h")


def test_options_go_before_the_file_and_the_file_before_what_is_usual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_OF_B", "secret-b")
    monkeypatch.setenv("SHADOWPRICE_UPSTREAM_KEY", "secret-all")
    file = tmp_path / "serve.toml"
    file.write_text(
        'budget = "2M/h"\nport = 9000\ncarry = 0.1\nledger = "other.ledger"\n'
        '[[upstream]]\nurl = "http://a:1/v1"\n'
        '[[upstream]]\nurl = "http://b:1/v1"\nkey-env = "KEY_OF_B"\non-leave = "drain"\novershoot = 8\n'
        '[[tenant]]\nname = "evals"\nkey-env = "KEY_OF_B"\nweight = 0.2\n'
    )
    options = read_serving(file, {"port": 9001, "host": None, "upstream": ()})
    assert ("2M/h", 9001, 0.1, "127.0.0.1") == (options.budget, options.port, options.carry, options.host)
    assert Path("other.ledger") == options.ledger
    assert (Tenant("evals", "secret-b", 0.2),) == options.tenant
    assert [
        UpstreamChoice("http://a:1/v1", "secret-all"),
        UpstreamChoice("http://b:1/v1", "secret-b", "drain", 8),
    ] == options.upstreams
    assert "secret" not in repr(options) + repr(options.upstreams)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("budgt = '2M/h'", "did you mean budget"),
        ("key = 'x'", "keys have no place"),
        ("port = '80'", "field 'port'"),
        ("port = true", "field 'port'"),
        ("budget = 5", "field 'budget'"),
        ("upstream = [5]", "field 'upstream'"),
        ("[[upstream]]\nurl = 'http://a'\nurll = 1", "did you mean url"),
        ("[[upstream]]\nurl = 'http://a'\nkey-env = 'NO_SUCH_KEY'", "NO_SUCH_KEY"),
        ("tenant = 'evals'", "'name', 'key-env' and 'weight'"),
        ("[[tenant]]\nname = 'evals'", "field 'key-env' is missing"),
        ("[[tenant]]\nname = 'evals'\nkey-env = 'PATH'\nwieght = 2", "did you mean weight"),
        ("[[tenant]]\nname = 'evals'\nkey-env = 'PATH'\nweight = 0", "field 'weight': 0 is no number from 0.001"),
        ("[[tenant]]\nname = 'evals'\nkey-env = 'PATH'\nweight = nan", "field 'weight'"),
        ("budget = '", "no TOML"),
        ("a" * 2_000_000, "larger than"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "serve.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=said):
        read_serving(file, {})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"upstream": ()}, "--upstream"),
        ({"budget": ""}, "--budget"),
        ({"max_tokens": 0}, "--max-tokens"),
        ({"timeout": 0.0}, "--timeout"),
        ({"stall": float("nan")}, "--stall"),
        ({"port": 70_000}, "--port"),
        ({"thinking": -1}, "--thinking"),
        ({"log": "all"}, "log 'all'"),
        ({"tenant": (Tenant("a", "x"), Tenant("a", "y"))}, "the same name or key"),
        ({"tenant": (Tenant("a", "x"),), "key": "x"}, "the same name or key"),
        ({"tenant": (Tenant("a", "\n"),)}, "The key of a holds"),
        ({"value": "right"}, "--predictor"),
        ({"value": "wrong"}, "value 'wrong'"),
        ({"key": "schlüssel"}, "key"),
    ],
)
def test_options_that_make_no_sense_are_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ServeOptions(**({"upstream": ("http://a",), "budget": "2M/h"} | changed)).check()


def test_a_key_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text("from-file\n")
    monkeypatch.setenv("SHADOWPRICE_GATEWAY_KEY", "from-environment")
    assert "from-file" == read_serving(None, {}, file).key
    assert "from-environment" == read_serving(None, {}).key
    assert "given" == read_serving(None, {"key": "given"}).key
    file.write_text("")
    with pytest.raises(InputError, match="holds no key"):
        read_serving(None, {}, file)


def test_check_looks_at_everything_and_spends_nothing(shadowprice: Command, tmp_path: Path) -> None:
    with counting_server() as url:
        said = shadowprice(
            "serve", "--upstream", url, "--budget", "2M/h", "--ledger", tmp_path / "l", "--check", "--json"
        )
    assert 0 == said.code, said.err
    found = json.loads(said.out)
    assert (2_000_000, 3600) == (found["tokens"], found["seconds"])
    assert [True] == [one["reached"] for one in found["upstreams"]]
    said = shadowprice(
        "serve", "--upstream", "http://127.0.0.1:1", "--budget", "2M/h", "--ledger", tmp_path / "l", "--check"
    )
    assert 4 == said.code
    assert "No server can be reached" in said.err
    said = shadowprice(
        "serve", "--upstream", "http://127.0.0.1:1", "--budget", "2M", "--ledger", tmp_path / "l", "--check"
    )
    assert 2 == said.code


def test_check_says_where_a_url_is_not_that_of_an_api(shadowprice: Command, serve: Serve, tmp_path: Path) -> None:
    async def nothing(wire: Wire) -> None:
        await wire.answer({"error": "not found"}, 404)

    url = serve(nothing).url.replace("/v1", "/v2")
    said = shadowprice("serve", "--upstream", url, "--budget", "2M/h", "--ledger", tmp_path / "l", "--check")
    assert (0, f"{url} lists no models: check its URL, which usually ends in /v1.") == (said.code, said.err.strip())


@contextmanager
def served(url: str, ledger: Path, *words: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    command = [
        sys.executable,
        "-m",
        "shadowprice",
        "serve",
        "--upstream",
        url,
        "--ledger",
        str(ledger),
        "--port",
        "0",
        *words,
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": "200"}) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if line.startswith("Serving "):
                    break
            else:
                raise AssertionError("it did not start")
            yield line.split()[1].rstrip(":"), process
        finally:
            process.kill()


def test_sigterm_before_it_serves_ends_it_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        words = ["serve", "--upstream", url, "--budget", "1k/h", "--port", "0", "--ledger", str(tmp_path / "l")]
        process = subprocess.Popen([sys.executable, "-m", "shadowprice", *words], stderr=subprocess.PIPE, text=True)
        silent.settimeout(60)
        connection, _ = silent.accept()  # it is asked what it is, and says nothing
        with connection:
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=20)
    assert (143, "") == (process.returncode, said)


def test_the_command_serves_and_lets_replies_end(tmp_path: Path) -> None:
    ledger = tmp_path / "serve.ledger"
    with counting_server(rate=100) as server, served(server, ledger, "--budget", "50k/d") as (url, process):
        body = {"messages": [{"role": "user", "content": "300 words"}], "stream": True}
        with (
            httpx2.Client(timeout=20, trust_env=False) as client,
            client.stream("POST", url + "/chat/completions", json=body) as reply,
        ):
            blocks = reply.iter_bytes()
            got = next(blocks)
            process.send_signal(signal.SIGTERM)
            root = url.removesuffix("/v1")
            while 200 == httpx2.get(root + "/readyz", trust_env=False).status_code:
                time.sleep(0.01)
            assert 503 == httpx2.get(root + "/readyz", trust_env=False).status_code
            assert 200 == httpx2.get(root + "/healthz", trust_env=False).status_code
            refused = httpx2.post(url + "/chat/completions", json=body, trust_env=False)
            assert (503, "draining") == (refused.status_code, refused.json()["error"]["code"])
            got += b"".join(blocks)
        assert 300 == got.count(b'"a "')
        assert got.endswith(b"data: [DONE]\n\n")
        assert 0 == process.wait(20)
    shown = subprocess.run(
        [sys.executable, "-m", "shadowprice", "ledger", "show", str(ledger), "--json"], capture_output=True, check=True
    )
    [run] = json.loads(shown.stdout)["runs"]
    assert (300, 0, {"finished": 1}) == (run["spent"], run["open"], run["reasons"])
    assert "50k" not in json.dumps(run["newest"])
    learnt = json.loads((tmp_path / "serve.ledger-market.json").read_text())
    assert 1 == learnt["schema"]


@pytest.mark.usefixtures("small_fits")
def test_a_predictor_lets_in_what_will_be_right(tmp_path: Path) -> None:
    """Sums are right after 12 tokens, and conjectures wrong after 300: so it was on other questions of both kinds."""
    rows = [(f"Add {number} and {number + 3}.", True) for number in range(40)]
    rows += [(f"Prove the conjecture of Mr {number} on surfaces.", False) for number in range(40)]
    traces = pa.table(
        {
            "query_id": [f"q{number}" for number in range(80)],
            "question": [question for question, _ in rows],
            "correct": [right for _, right in rows],
            "completion_tokens": [12 if right else 300 for _, right in rows],
            "answer_tokens": [11 if right else 300 for _, right in rows],
        }
    )
    write_traces(traces, tmp_path / "t.parquet")
    fit(tmp_path / "t.parquet").save(tmp_path / "p.shadow")
    options = ("--predictor", str(tmp_path / "p.shadow"), "--budget", "100/d")

    def asked(url: str, question: str) -> tuple[int, str]:
        body = {"messages": [{"role": "user", "content": question}], "stream": True}
        answer = httpx2.post(url + "/chat/completions", json=body, trust_env=False, timeout=20)
        return answer.status_code, answer.json()["error"]["code"] if answer.status_code == 429 else ""

    with counting_server() as server, served(server, tmp_path / "l", *options) as (url, _):
        hard = [f"Prove the conjecture of Mr {number} on surfaces." for number in (51, 8, 23)]
        assert (429, "not_worth_asking") == asked(url, hard[0])
        # All sums are worth the same, and there may be more of them to come than there are tokens for.
        sums = {number: asked(url, f"Add {number} and 7.")[0] for number in (8, 13, 5, 11)}
        assert 200 == sums[8]
        assert {429} == {asked(url, question)[0] for question in hard}
        assert sum(number for number, status in sums.items() if status == 200) == made_tokens(server)
