"""What `lotusx doctor` looks at. Each finding stands by itself: one that fails hides no other."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import anyio

from lotusx.errors import LotusXError
from lotusx.plugin.registry import installed_exchanges
from lotusx_cli.connecting import connected
from lotusx_cli.options import Target

_ADDRESS = re.compile(r"https?://[^\s'\",)]+|wss?://[^\s'\",)]+|\b\d{1,3}(?:\.\d{1,3}){3}\b")
_LONG = re.compile(r"\b[A-Za-z0-9+/_=-]{24,}\b")


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
    results: dict[str, list[Finding]] = {}

    async def one(name: str) -> None:
        results[name] = await _exchange(name, config, timeout_s)

    async with anyio.create_task_group() as tasks:
        for name in chosen:
            tasks.start_soon(one, name)
    return findings + [item for name in chosen for item in results[name]]


def shareable(findings: Sequence[Finding]) -> dict[str, object]:
    """Return the report without what should not leave the machine: folders, addresses, anything that may be a key."""
    return {
        "lotusx": _version("lotusx-core"),
        "findings": [{name: _cleaned(value) for name, value in asdict(item).items()} for item in findings],
    }


def _cleaned(text: str) -> str:
    for known, stand_in in ((str(Path.cwd()), "<here>"), (str(Path.home()), "<home>"), (platform.node(), "<machine>")):
        if known and known != "/":
            text = text.replace(known, stand_in)
    return _LONG.sub("<removed>", _ADDRESS.sub("<address>", text))


def _machine() -> list[Finding]:
    packages = ("lotusx-core", "lotusx-cli", "lotusx-sim", "anyio", "httpx", "msgspec", "pydantic", "wsproto")
    versions = ", ".join(f"{name} {_version(name)}" for name in packages)
    python = (
        f"{platform.python_implementation()} {platform.python_version()} on {platform.system()} {platform.machine()}"
    )
    return [
        Finding("machine", "python", "ok" if sys.version_info >= (3, 11) else "failed", python),
        Finding("machine", "packages", "ok", versions),
    ]


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


async def _exchange(name: str, config: str | None, timeout_s: float) -> list[Finding]:
    try:
        with anyio.fail_after(timeout_s):
            async with connected(Target(name, config=config)) as exchange:
                report = await exchange.health_check()
    except TimeoutError:
        return [Finding(name, "connectivity", "failed", f"no answer within {timeout_s:g} s")]
    except LotusXError as error:
        return [Finding(name, "connection", "failed", str(error))]
    return [Finding(f"{name} ({report.environment})", item.name, item.result, item.detail) for item in report.checks]
