"""What is no answer is refused with every problem, and what to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lotusx.errors import ConfigurationError
from lotusx_cli.scaffold import Answers, Market, Scheme
from lotusx_cli.scaffold.answers import EXCHANGES, OURS


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"name": ""}, "has no name"),
        ({"name": "KRAKEN"}, "lower case"),
        ({"name": "1kraken"}, "a letter first"),
        ({"name": "ok--x"}, "single dashes"),
        ({"name": "kraken-"}, "lower case"),
        ({"name": "ok_x"}, "lower case"),
        ({"name": "../kraken"}, "lower case"),
        ({"name": "kraken\n"}, "lower case"),
        ({"name": "x" * 25}, "longer than 24"),
        ({"name": "binance"}, "lotusx-binance is the project's own"),
        ({"name": "core"}, "reserved"),
        ({"name": "class"}, "a word of Python"),
        ({"rest": ""}, "address of the REST service is missing"),
        ({"rest": "api.kraken.com"}, "--rest 'api.kraken.com' is no address: https://host"),
        ({"rest": "wss://kraken.com"}, "no address"),
        ({"rest": "https://me:secret@kraken.com"}, "without user"),
        ({"rest": 'https://kraken.com/"+x'}, "no address"),
        ({"ws": "https://kraken.com"}, "--ws 'https://kraken.com' is no address: wss://host"),
        ({"testnet_ws": "wss://t.kraken.com"}, "goes with --testnet-rest"),
        ({"testnet_rest": "https://t.kraken.com", "ws": "wss://kraken.com"}, "both environments"),
        ({"documentation": "docs"}, "--documentation 'docs' is no address"),
        ({"markets": ()}, "nothing is traded"),
        ({"scheme": Scheme.EIP712}, "not with eip712"),
        ({"scheme": Scheme.JWT}, "not with jwt"),
        ({"chain_id": 0}, "is no chain"),
        ({"title": 'O"K"X'}, "--title"),
        ({"title": "O" * 29}, "at most 28"),
    ],
)
def test_wrong_answer_is_named(wrong: dict[str, Any], what: str, answers: Answers) -> None:
    with pytest.raises(ConfigurationError, match=what):
        replace(answers, **wrong).check()


def test_every_problem_is_told_at_once(answers: Answers) -> None:
    with pytest.raises(ConfigurationError, match=r"lower case.*missing.*nothing is traded"):
        replace(answers, name="KRAKEN", rest="", markets=()).check()


def test_name_decides_distribution_package_and_classes() -> None:
    answers = Answers("my-kraken-2", Scheme.RSA, (Market.SPOT,), "https://kraken.com")
    answers.check()

    assert (answers.distribution, answers.package) == ("lotusx-my-kraken-2", "lotusx_my_kraken_2")
    assert (answers.prefix, answers.heading) == ("MyKraken2", "My Kraken 2")
    assert replace(answers, title="KRAKEN Europe").heading == "KRAKEN Europe"


def test_distributions_of_this_repository_are_reserved() -> None:
    root = Path(__file__).resolve().parents[3]
    if not (root / "plugins").is_dir():
        pytest.skip("not in a checkout")
    assert {folder.parent.name.removeprefix("lotusx-") for folder in root.glob("lotusx-*/pyproject.toml")} <= OURS
    ours = {folder.parent.name.removeprefix("lotusx-") for folder in root.glob("plugins/*/pyproject.toml")}
    assert ours <= EXCHANGES | OURS
