"""Reports of probes are kept by server and model, and a damaged one is none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shadowprice._errors import EngineError
from shadowprice.engines import ProbeReport, recall, remember


def a_report(**given: Any) -> ProbeReport:
    fields: dict[str, Any] = {
        "url": "http://host/v1",
        "model": "m",
        "server": "vLLM",
        "version": None,
        "dialect": "vllm",
        "cap": "max_completion_tokens",
        "counted_by": "usage",
        "models": ("m", "n"),
        "tokens": 60,
        "probed_at": "2026-11-25T16:00:00+00:00",
        "findings": (),
    }
    return ProbeReport(**fields | given)


def test_reports_are_kept_by_url_and_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHADOWPRICE_CACHE", str(tmp_path / "cache"))
    assert recall("http://host/v1", "m") is None
    path = remember(a_report())
    remember(a_report(model="n", tokens=1))
    remember(a_report(tokens=61))
    assert path.is_relative_to(tmp_path / "cache" / "servers")
    assert a_report(tokens=61) == recall("http://host/v1", "m")
    assert a_report(model="n", tokens=1) == recall("http://host/v1", "n")
    assert recall("http://other/v1", "m") is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:50],
        lambda text: "[]",
        lambda text: text.replace('"schema": 1', '"schema": 2'),
        lambda text: text.replace('"max_completion_tokens"', '"max_everything"'),
        lambda text: text.replace('"url"', '"uri"'),
        lambda text: text.replace('"findings": []', '"findings": [{"x": 1}]'),
        lambda text: text.replace('"findings": []', '"findings": 5'),
    ],
)
def test_a_damaged_report_is_none(
    damage: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHADOWPRICE_CACHE", str(tmp_path))
    path = remember(a_report())
    path.write_text(damage(path.read_text()))
    assert recall("http://host/v1", "m") is None


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SHADOWPRICE_CACHE", str(tmp_path / "file"))
    with pytest.raises(EngineError, match="could not be kept"):
        remember(a_report())
