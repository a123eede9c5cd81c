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
        ({"name": "OKX"}, "lower case"),
        ({"name": "1okx"}, "a letter first"),
        ({"name": "ok--x"}, "single dashes"),
        ({"name": "okx-"}, "lower case"),
        ({"name": "ok_x"}, "lower case"),
        ({"name": "../okx"}, "lower case"),
        ({"name": "okx\n"}, "lower case"),
        ({"name": "x" * 25}, "longer than 24"),
        ({"name": "binance"}, "lotusx-binance is the project's own"),
        ({"name": "core"}, "reserved"),
        ({"name": "class"}, "a word of Python"),
        ({"rest": ""}, "address of the REST service is missing"),
        ({"rest": "api.okx.com"}, "--rest 'api.okx.com' is no address: https://host"),
        ({"rest": "wss://okx.com"}, "no address"),
        ({"rest": "https://me:secret@okx.com"}, "without user"),
        ({"rest": 'https://okx.com/"+x'}, "no address"),
        ({"ws": "https://okx.com"}, "--ws 'https://okx.com' is no address: wss://host"),
        ({"testnet_ws": "wss://t.okx.com"}, "goes with --testnet-rest"),
        ({"testnet_rest": "https://t.okx.com", "ws": "wss://okx.com"}, "both environments"),
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
        replace(answers, name="OKX", rest="", markets=()).check()


def test_name_decides_distribution_package_and_classes() -> None:
    answers = Answers("my-okx-2", Scheme.RSA, (Market.SPOT,), "https://okx.com")
    answers.check()

    assert (answers.distribution, answers.package) == ("lotusx-my-okx-2", "lotusx_my_okx_2")
    assert (answers.prefix, answers.heading) == ("MyOkx2", "My Okx 2")
    assert replace(answers, title="OKX Europe").heading == "OKX Europe"


def test_distributions_of_this_repository_are_reserved() -> None:
    root = Path(__file__).resolve().parents[3]
    if not (root / "plugins").is_dir():
        pytest.skip("not in a checkout")
    assert {folder.parent.name.removeprefix("lotusx-") for folder in root.glob("lotusx-*/pyproject.toml")} <= OURS
    ours = {folder.parent.name.removeprefix("lotusx-") for folder in root.glob("plugins/*/pyproject.toml")}
    assert ours - {"okx"} <= EXCHANGES
