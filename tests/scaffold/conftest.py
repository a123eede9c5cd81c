"""A plugin for every way of signing: generated, built as a wheel, installed beside this environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from lotusx_cli.scaffold import Answers, Market, Scheme, write

BOTH = (Market.SPOT, Market.PERP)
REST, WS = "https://api.kraken.example", "wss://ws.kraken.example/v5"
ANSWERS = {
    Scheme.HMAC_HEX: Answers(
        "kraken", Scheme.HMAC_HEX, (Market.SPOT,), REST, WS, documentation="https://kraken.example/docs"
    ),
    Scheme.HMAC_BASE64: Answers("kraken", Scheme.HMAC_BASE64, BOTH, REST, WS, passphrase=True, title="KRAKEN"),
    Scheme.ED25519: Answers("zeta-2", Scheme.ED25519, (Market.PERP,), "https://zeta.example"),
    Scheme.RSA: Answers("a-long-name-of-exchanges", Scheme.RSA, BOTH, REST, WS),
    Scheme.JWT: Answers("upbit", Scheme.JWT, (Market.SPOT,), "https://upbit.example", testnet_rest="https://t.example"),
    Scheme.EIP712: Answers("vertex", Scheme.EIP712, (Market.PERP,), REST, WS, chain_id=42_161),
}


@dataclass(frozen=True)
class Generated:
    """One distribution, and the folder its wheel is installed in."""

    answers: Answers
    folder: Path
    site: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a module of Python in the distribution's folder, which does not make its sources importable."""
        path = os.pathsep.join([str(self.site), *filter(None, [os.environ.get("PYTHONPATH")])])
        return subprocess.run(
            [sys.executable, "-m", *arguments], cwd=self.folder, env={**os.environ, "PYTHONPATH": path},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def exchanges(self) -> list[dict[str, str]]:
        """Return what `lotusx exchanges` lists."""
        done = self.run("lotusx_cli", "exchanges", "--json")
        assert done.returncode == 0, done.stderr
        found: list[dict[str, str]] = json.loads(done.stdout)
        return found


@pytest.fixture(scope="session", params=Scheme, ids=str)
def generated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generated:
    """Each scheme in turn, with the wheel built from the sdist as a release does it."""
    answers = ANSWERS[request.param]
    home = tmp_path_factory.mktemp(answers.package)
    written = write(answers, home / answers.distribution)
    commands = (
        ["build", "--no-isolation", "--outdir", str(home / "dist"), str(written.folder)],
        ["pip", "install", "--quiet", "--no-deps", "--no-index", "--find-links", str(home / "dist"),
         "--target", str(home / "site"), answers.distribution],
    )  # fmt: skip
    for command in commands:
        done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return Generated(answers, written.folder, home / "site")
