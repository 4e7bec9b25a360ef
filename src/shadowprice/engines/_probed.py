"""What a probe has found, and where it is kept."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from shadowprice._atomic import write_whole
from shadowprice._cache import cache_path
from shadowprice._errors import EngineError, InputError
from shadowprice.engines._base import CountedBy
from shadowprice.engines._dialects import CapField

Verdict = Literal["yes", "no", "unclear", "not tested"]
_SCHEMA: Final = 1
CONFIDENCE: Final = "log-probabilities are real"
"""The check on which hangs whether a server is asked how sure its model is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried."""

    check: str
    """What was asked, as a statement: `max_tokens binds`."""
    verdict: Verdict
    """Whether it holds."""
    detail: str
    """What was seen, in plain words."""


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What one server did with one model, at one moment. Holds no secrets."""

    url: str
    """Base URL, without user, password and query."""
    model: str
    """The model that was asked."""
    server: str
    """The server's name, or `unknown`."""
    version: str | None
    """Its version, where it tells."""
    dialect: str
    """The dialect that it was asked in."""
    cap: CapField
    """The field that caps tokens there: the dialect's own, unless only the other one was seen to bind."""
    counted_by: CountedBy
    """The best count of tokens that its replies carry while they are written."""
    models: tuple[str, ...]
    """The models that it lists."""
    tokens: int
    """Tokens that the probe cost."""
    probed_at: str
    """When, in UTC, ISO 8601."""
    findings: tuple[Finding, ...]
    """What was tried, in order."""

    def verdict(self, check: str) -> Verdict:
        """The verdict on a check; `not tested` if there is none of that name."""
        return next((finding.verdict for finding in self.findings if finding.check == check), "not tested")


def remember(report: ProbeReport) -> Path:
    """Keep a report under its URL and model, in place of an older one.

    Raises:
        EngineError: The cache cannot be written.
    """
    path = _path(report.url, report.model)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_whole(path) as partial:
            text = json.dumps({"schema": _SCHEMA, **asdict(report)}, indent=2, ensure_ascii=False)
            partial.write_text(text + "\n", encoding="utf-8")
    except (OSError, InputError) as error:
        raise EngineError(f"The probe's report could not be kept in '{path.parent}': {error}.") from error
    return path


def recall(url: str, model: str) -> ProbeReport | None:
    """The report on a URL and a model, if there is one that can be read."""
    try:
        data = json.loads(_path(url, model).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return _report(data)


def _report(data: Any) -> ProbeReport | None:
    """A damaged or foreign file is no report: a probe can be run again."""
    if not isinstance(data, Mapping) or data.get("schema") != _SCHEMA or data.get("cap") not in get_args(CapField):
        return None
    try:
        findings = tuple(Finding(**finding) for finding in data["findings"])
        rest = {name: value for name, value in data.items() if name not in ("schema", "findings", "models")}
        return ProbeReport(**rest, models=tuple(data["models"]), findings=findings)
    except (KeyError, TypeError):
        return None


def _path(url: str, model: str) -> Path:
    name = hashlib.sha256(f"{url}\n{model}".encode()).hexdigest()[:16]
    return cache_path() / "servers" / f"{name}.json"
