"""A distribution is there as a whole, or not at all; and what was written works at once."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from lotusx.errors import ConfigurationError
from lotusx_cli.scaffold import Answers, Market, Scheme, Written, write, writing

ROOMS = {
    "__init__", "codec", "connector/__init__", "connector/account", "connector/market_data", "connector/trading",
    "conversions", "environments", "errors", "facts", "native", "plugin", "rest", "signer", "types",
}  # fmt: skip


def test_folder_that_exists_is_left_alone(answers: Answers, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")

    with pytest.raises(ConfigurationError, match=r"mine exists already: choose another folder"):
        write(answers, tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "precious"


def test_parent_that_is_not_there_is_named(answers: Answers, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere is no folder: make it first"):
        write(answers, tmp_path / "nowhere" / "lotusx-kraken")


def test_wrong_answer_writes_nothing(answers: Answers, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        write(replace(answers, name="binance"), tmp_path / "lotusx-kraken")
    assert list(tmp_path.iterdir()) == []


def test_disk_that_refuses_leaves_nothing_behind(
    answers: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        writing, "render", lambda answers, inside: [("one", ""), ("one/two", "")]
    )  # a file has no files

    with pytest.raises(OSError, match="one"):
        write(answers, tmp_path / "lotusx-kraken")
    assert list(tmp_path.iterdir()) == []


def test_rooms_are_those_of_every_plugin(answers: Answers, tmp_path: Path) -> None:
    written = write(replace(answers, ws="wss://ws.kraken.example"), tmp_path / "lotusx-kraken")

    source = written.folder / "src" / "lotusx_kraken"
    assert {str(file.relative_to(source)).removesuffix(".py") for file in source.rglob("*.py")} == ROOMS
    assert {"py.typed"} <= {file.name for file in source.iterdir()}
    assert {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", ".gitignore"} <= set(written.files)
    assert ".github/workflows/ci.yml" in written.files


def test_exchange_without_streams_has_no_codec(kraken: Written) -> None:
    assert not [name for name in kraken.files if "codec" in name]


@pytest.mark.parametrize("scheme", Scheme)
@pytest.mark.parametrize("markets", [(Market.SPOT,), (Market.PERP,)], ids=str)
def test_every_module_compiles_and_keeps_its_lines_short(
    scheme: Scheme, markets: tuple[Market, ...], tmp_path: Path
) -> None:
    name = "a-b-c-d-e-f-g-h-i-j-k-lm"
    answers = Answers(name, scheme, markets, "https://x.example", ws="wss://x.example", title="W" * 28)
    written = write(answers, tmp_path / name)

    tomllib.loads((written.folder / "pyproject.toml").read_text("utf-8"))
    for file in written.folder.rglob("*"):
        if file.is_file():
            text = file.read_text("utf-8")
            assert not re.search(r"\{%|\{\{(?! matrix|…)|PACKAGE", text.replace("${{", "")), file
            if file.suffix == ".py":
                ast.parse(text)
                assert max(map(len, text.splitlines() or [""])) <= 120, file


def test_plugin_imports_only_what_is_made_for_authors(answers: Answers, tmp_path: Path) -> None:
    written = write(replace(answers, ws="wss://ws.kraken.example"), tmp_path / "lotusx-kraken")

    imported = set()
    for file in (written.folder / "src").rglob("*.py"):
        nodes = ast.walk(ast.parse(file.read_text("utf-8")))
        imported |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    ours = {name for name in imported if name.split(".")[0] == "lotusx"}
    assert ours <= {"lotusx.plugin", "lotusx.model", "lotusx.errors", "lotusx.rules"}


def test_inside_a_checkout_its_tools_apply(answers: Answers, tmp_path: Path) -> None:
    (tmp_path / "lotusx-core").mkdir()
    (tmp_path / "lotusx-core" / "pyproject.toml").touch()
    (tmp_path / "plugins").mkdir()

    written = write(answers, tmp_path / "plugins" / "lotusx-kraken")

    assert written.inside == tmp_path
    assert not [name for name in written.files if name.startswith(".git")]
    project = tomllib.loads((written.folder / "pyproject.toml").read_text("utf-8"))
    assert set(project["tool"]) == {"hatch"}
    assert project["dependency-groups"] == {"test": ["lotusx-testing"]}


def run_tests(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run the distribution's own tests where its metadata lies beside its package, as an installation would."""
    info = folder / "src" / "lotusx_kraken-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lotusx-kraken\nVersion: 0.1.0\n", "utf-8")
    (info / "entry_points.txt").write_text("[lotusx.exchanges]\nkraken = lotusx_kraken.plugin\n", "utf-8")
    path = os.pathsep.join([str(folder / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *more],
        cwd=folder, env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_tests_of_a_new_plugin_pass_or_say_what_is_not_written(tmp_path: Path) -> None:
    pytest.importorskip("lotusx_testing", reason="a plugin's tests use lotusx-testing")
    answers = Answers("kraken", Scheme.HMAC_HEX, (Market.SPOT,), "https://kraken.example", ws="wss://kraken.example")
    written = write(answers, tmp_path / "lotusx-kraken")

    done = run_tests(written.folder, "-k", "not trio")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "ticker is not written (connector.market.ticker)" in done.stdout
    assert "the subject states no payloads, no new_values, no requests, no vectors" in done.stdout
    assert "no code of the documentation is in KINDS" in done.stdout
    counted = re.search(r"(\d+) passed, .*?(\d+) xfailed", done.stdout)
    assert counted is not None, done.stdout
    assert int(counted[1]) > 60
    assert int(counted[2]) > 30
