"""What `lotusx new-exchange` writes, as a stranger gets it: installed from a wheel, found, clean, its tests green."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lotusx_cli.scaffold import Scheme, write

from .conftest import ANSWERS

if TYPE_CHECKING:
    from .conftest import Generated

ROOT = Path(__file__).resolve().parents[2]


def test_tests_pass_or_say_what_is_not_written(generated: Generated) -> None:
    done = generated.run("pytest", "-q", "-p", "no:cacheprovider")

    assert done.returncode == 0, done.stdout + done.stderr
    counted = re.search(r"(\d+) passed, .*?(\d+) xfailed", done.stdout)
    assert counted is not None, done.stdout
    assert int(counted[2]) >= 30
    assert "place_order is not written (connector.trading.place)" in done.stdout


def test_command_line_finds_it(generated: Generated) -> None:
    (found,) = [item for item in generated.exchanges() if item["name"] == generated.answers.name]

    assert (found["distribution"], found["problem"]) == (generated.answers.distribution, "")
    facts = generated.run("lotusx_cli", "exchanges", generated.answers.name)
    assert facts.returncode == 0, facts.stderr
    assert "not_written" in facts.stdout.replace(" ", "_")


def test_what_is_not_written_is_refused_before_anything_is_sent(generated: Generated) -> None:
    done = generated.run(
        "lotusx_cli", "ticker", "--exchange", generated.answers.name, "--symbol", "BTC/USDT", "--environment", "live"
    )

    assert done.returncode == 4, done.stdout + done.stderr
    assert "does not offer" in done.stderr


def test_style_and_types_are_clean(generated: Generated) -> None:
    for command in (["ruff", "check", "--no-cache"], ["ruff", "format", "--check", "--no-cache"]):
        done = generated.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
    done = generated.run("mypy", "--cache-dir", str(generated.folder.parent / "cache"), "src", "tests")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("scheme", [Scheme.HMAC_BASE64, Scheme.EIP712], ids=str)
def test_inside_a_checkout_it_is_clean_by_the_rules_of_this_repository(scheme: Scheme, tmp_path: Path) -> None:
    (tmp_path / "lotusx-core").mkdir()
    (tmp_path / "plugins").mkdir()
    (tmp_path / "lotusx-core" / "pyproject.toml").touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    written = write(ANSWERS[scheme], tmp_path / "plugins" / ANSWERS[scheme].distribution)
    assert written.inside == tmp_path

    for command in (["ruff", "check", "--no-cache"], ["ruff", "format", "--check", "--no-cache"]):
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), str(written.folder / "src")],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
