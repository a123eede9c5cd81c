"""What `lotusx doctor` looks at. Each finding stands by itself: one that fails hides no other."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from importlib import metadata

import anyio

from lotusx.errors import ConfigurationError, LotusXError
from lotusx.plugin.registry import find, installed_exchanges, load
from lotusx_cli import sunsets
from lotusx_cli.connecting import connected, facts_of
from lotusx_cli.options import Target
from lotusx_cli.sharing import cleaned


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: ``result`` is ``ok``, ``failed`` or ``not_checked``."""

    area: str
    check: str
    result: str
    detail: str


async def diagnose(names: Sequence[str], config: str | None, timeout_s: float) -> list[Finding]:
    """Look at everything; of exchanges at *names* (empty: all installed), together."""
    findings = [*_machine(), *_configuration(config), *_plugins(config)]
    claims = [item for item in installed_exchanges() if not item.problem]
    chosen = names or [item.name for item in claims]
    today = datetime.now(UTC).date()
    findings += [item for name in chosen for item in _endpoints(name, today)]
    results: dict[str, list[Finding]] = {}

    async def one(name: str) -> None:
        results[name] = await _exchange(name, config, timeout_s)

    async with anyio.create_task_group() as tasks:
        for name in chosen:
            tasks.start_soon(one, name)
    return findings + [item for name in chosen for item in results[name]]


def shareable(findings: Sequence[Finding], own: Iterable[str]) -> dict[str, object]:
    """Return the report without what should not leave the machine (`sharing.cleaned`); *own*: what was configured."""
    private = tuple(own)
    return {
        "lotusx": _version("lotusx-core"),
        "findings": [{name: cleaned(value, private) for name, value in asdict(item).items()} for item in findings],
    }


def _machine() -> list[Finding]:
    packages = ("lotusx-core", "lotusx-cli", "lotusx-sim", "anyio", "httpx", "msgspec", "pydantic", "wsproto")
    versions = ", ".join(f"{name} {_version(name)}" for name in packages)
    python = (
        f"{platform.python_implementation()} {platform.python_version()} on {platform.system()} {platform.machine()}"
    )
    return [
        Finding("machine", "python", "ok" if sys.version_info >= (3, 11) else "failed", python),
        Finding("machine", "packages", "ok", versions),
        Finding("machine", "order books", "ok", _books()),
    ]


def _books() -> str:
    from lotusx.kernel.book.half import COMPILED  # takes a moment, and the help needs none of it

    if COMPILED is not None:
        return "compiled"
    return "interpreted: no wheel of lotusx-core was for this platform, and there was no compiler; a level costs more"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "is not installed"


def _configuration(config: str | None) -> list[Finding]:
    from lotusx.config_explain import problems

    try:
        found = problems(config)
    except LotusXError as error:
        found = [str(error)]
    return [Finding("configuration", "files", "failed", text) for text in found] or [
        Finding("configuration", "files", "ok", "readable, and every key is known")
    ]


def _plugins(config: str | None) -> list[Finding]:
    from lotusx_cli.inventory import installed_plugins

    try:
        found = installed_plugins(config)
    except LotusXError as error:
        return [Finding("plugins", "configuration", "failed", str(error))]
    return [
        Finding("plugins", item.name, "failed" if item.problem else "ok", item.problem or _about(item.distribution))
        for item in found
    ]


def _about(distribution: str) -> str:
    return f"{distribution} {_version(distribution)}"


def _endpoints(name: str, today: date) -> list[Finding]:
    try:
        facts = facts_of(name)
    except LotusXError as error:
        return [Finding(name, "endpoints", "failed", str(error))]
    return [Finding(name, "endpoints", *item) for item in sunsets.judge(facts, today)]


async def _exchange(name: str, config: str | None, timeout_s: float) -> list[Finding]:
    try:
        with anyio.fail_after(timeout_s):
            async with connected(Target(name, config=config)) as exchange:
                report = await exchange.health_check()
    except TimeoutError:
        return [Finding(name, "connectivity", "failed", f"no answer within {timeout_s:g} s")]
    except LotusXError as error:
        result = "not_checked" if type(error) is ConfigurationError and _needs_options(name) else "failed"
        return [Finding(name, "connection", result, str(error))]
    return [Finding(f"{name} ({report.environment})", item.name, item.result, item.detail) for item in report.checks]


def _needs_options(name: str) -> bool:
    """Whether *name* is made from options of the call, such as a recording to replay; the doctor has none to give."""
    return isinstance(load(find(name)), type)
