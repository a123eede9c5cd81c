"""`lotusx new-exchange`, from a shell."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lotusx_cli.failures import Exit

if TYPE_CHECKING:
    from ..conftest import Lotusx

KRAKEN = "new-exchange kraken --scheme hmac-base64 --market spot --market perp --rest https://k.example --passphrase"


@pytest.fixture(autouse=True)
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_flags_suffice(lotusx: Lotusx, away: Path) -> None:
    done = lotusx(KRAKEN)

    assert done.code == 0, done.err
    assert (away / "lotusx-kraken" / "src" / "lotusx_kraken" / "plugin.py").exists()
    assert str(away / "lotusx-kraken") in done.out
    assert 'pip install -U "pip>=25.1" && pip install -e . --group dev && pytest -rx' in done.err


def test_in_a_checkout_it_goes_among_the_plugins(lotusx: Lotusx, away: Path) -> None:
    (away / "lotusx-core").mkdir()
    (away / "lotusx-core" / "pyproject.toml").touch()
    (away / "plugins").mkdir()

    done = lotusx(KRAKEN)

    assert (away / "plugins" / "lotusx-kraken" / "pyproject.toml").exists()
    assert "importlinter" in done.err


def test_second_time_is_refused(lotusx: Lotusx) -> None:
    lotusx(KRAKEN)

    done = lotusx(KRAKEN)

    assert done.code == Exit.USAGE
    assert "exists already" in done.err


def test_missing_answers_are_named_where_nobody_can_be_asked(lotusx: Lotusx, away: Path) -> None:
    done = lotusx("new-exchange kraken --market spot")

    assert done.code == Exit.USAGE
    assert "missing: --scheme, --rest" in done.err
    assert list(away.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (KRAKEN.replace(" kraken ", " KRAKEN "), "lower case letters"),
        (KRAKEN.replace(" kraken ", " binance "), "taken: lotusx-binance"),
        (KRAKEN.replace(" kraken ", " hyperliquid "), "hyperliquid"),
        (KRAKEN.replace("https://", ""), "no address"),
        (KRAKEN.replace("hmac-base64", "md5"), "md5"),
    ],
)
def test_wrong_answer_writes_nothing(arguments: str, what: str, lotusx: Lotusx, away: Path) -> None:
    done = lotusx(arguments)

    assert done.code == Exit.USAGE
    assert what in done.err
    assert list(away.iterdir()) == []


class Terminal(io.StringIO):
    """Somebody who types answers."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_wrong_answer_is_asked_for_again_at_once(
    lotusx: Lotusx, away: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ["Foo_Bar", "binance", "kraken", "md5", "hmac-hex", "n", "n", "y", "n", "https://k.example", ""]
    monkeypatch.setattr("sys.stdin", Terminal("\n".join(answers) + "\n"))

    done = lotusx("new-exchange")

    assert done.code == 0
    assert "lower case letters" in done.out + done.err
    assert (away / "lotusx-kraken" / "pyproject.toml").exists()


def test_on_a_terminal_a_wrong_name_is_refused_before_anything_is_asked(
    lotusx: Lotusx, away: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(""))
    done = lotusx("new-exchange Foo_Bar")

    assert done.code == Exit.USAGE
    assert "lower case letters" in done.err
