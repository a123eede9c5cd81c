"""Settings: arguments > environment > .env > lotusx.toml, and nothing misspelt passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lotusx.config import Sources, require_credentials, resolve, strict_bool
from lotusx.errors import ConfigurationError, CredentialsError
from lotusx.kernel.facts import ExchangeFacts
from lotusx.kernel.secrets import Secret

KEYS = ("api_key", "api_secret")
FACTS = ExchangeFacts(name="acme", contract=1, environments={}, capabilities={})


def sources(variables: dict[str, str] | None = None, dotenv: dict[str, str] | None = None, **document: Any) -> Sources:
    return Sources(variables or {}, dotenv or {}, document)


def test_each_layer_gives_way_to_the_one_above() -> None:
    layered = sources(
        {"LOTUSX_ACME_ENVIRONMENT": "from-variable"},
        {"LOTUSX_ACME_ENVIRONMENT": "from-dotenv", "LOTUSX_ACME_PROXY": "http://dotenv"},
        exchanges={"acme": {"environment": "from-toml", "proxy": "http://toml", "base_url": "http://toml"}},
    )
    found = resolve("acme", sources=layered, arguments={"environment": None})
    assert (found.environment, found.proxy, found.base_url) == ("from-variable", "http://dotenv", "http://toml")
    assert found.sources["proxy"] == ".env"
    assert resolve("acme", sources=layered, arguments={"environment": "mine"}).environment == "mine"


def test_credentials_are_secrets_and_never_shown() -> None:
    found = resolve("acme", sources=sources({"LOTUSX_ACME_API_KEY": "canary"}), credential_names=KEYS)
    key = found.credentials["api_key"]
    assert isinstance(key, Secret)
    assert key.reveal() == "canary"
    assert "canary" not in repr(found)


def test_a_named_account_has_its_own_keys_and_never_falls_back_to_others() -> None:
    variables = {"LOTUSX_ACME_API_KEY": "default", "LOTUSX_ACME__HEDGE__API_SECRET": "s", "LOTUSX_ACME_PROXY": "p"}
    found = resolve("acme", sources=sources(variables), account="hedge", credential_names=KEYS)
    assert set(found.credentials) == {"api_secret"}
    assert found.proxy == "p"
    toml = sources(exchanges={"acme": {"credentials": {"api_key": "d"}, "accounts": {"hedge": {"read_only": True}}}})
    found = resolve("acme", sources=toml, account="hedge", credential_names=KEYS)
    assert found.credentials == {}
    assert found.read_only is True


def test_an_accounts_own_setting_beats_the_inherited_one() -> None:
    variables = {"LOTUSX_ACME__HEDGE__PROXY": "own", "LOTUSX_ACME_PROXY": "shared"}
    assert resolve("acme", sources=sources(variables), account="hedge").proxy == "own"
    assert resolve("acme", sources=sources(variables)).proxy == "shared"


@pytest.mark.parametrize("name", ["LOTUSX_ACME_TESTNET", "LOTUSX_ACME_ENVIROMENT"])
def test_a_variable_nobody_knows_is_an_error_and_never_silently_live(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        resolve("acme", sources=sources({name: "true"}), credential_names=KEYS)


def test_a_misspelt_variable_names_the_near_match() -> None:
    with pytest.raises(ConfigurationError, match=r"did you mean LOTUSX_ACME_ENVIRONMENT\?"):
        resolve("acme", sources=sources({"LOTUSX_ACME_ENVIROMENT": "testnet"}))


def test_variables_of_an_exchange_with_a_longer_name_are_not_taken() -> None:
    variables = {"LOTUSX_ACME_PERP_API_KEY": "k"}
    found = resolve("acme", sources=sources(variables), credential_names=KEYS, other_exchanges=["acme-perp"])
    assert found.credentials == {}
    found = resolve("acme-perp", sources=sources(variables), credential_names=KEYS, other_exchanges=["acme"])
    assert set(found.credentials) == {"api_key"}


@pytest.mark.parametrize("value", ["yes", "1", "on", 1, None])
def test_booleans_are_strict(value: object) -> None:
    with pytest.raises(ConfigurationError, match="true or false"):
        strict_bool(value, name="read_only")


def test_booleans_read_true_and_false() -> None:
    assert strict_bool("True", name="x") is True
    assert strict_bool(False, name="x") is False


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"exchange": {}}, "did you mean 'exchanges'"),
        ({"exchanges": {"acme": {"enviroment": "x"}}}, "did you mean 'environment'"),
        ({"exchanges": {"acme": []}}, "must be a table"),
        ({"exchanges": {"acme": {"environment": 3}}}, "must be text"),
        ({"exchanges": {"acme": {"read_only": "yes"}}}, "true or false"),
        ({"exchanges": {"acme": {"credentials": {"api_key": 5}}}}, "must be text, not int"),
        ({"plugins": {"enabled": []}}, "did you mean 'enable'"),
    ],
)
def test_a_wrong_document_is_refused_with_its_place(document: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigurationError, match=expected):
        resolve("acme", sources=Sources({}, {}, document), credential_names=KEYS)


def test_plugins_are_enabled_and_allowed_by_the_document() -> None:
    found = resolve("acme", sources=sources(plugins={"enable": ["risk"], "allow": ["lotusx-acme"]}))
    assert (found.plugins, found.allowed_plugins) == (("risk",), ("lotusx-acme",))


def test_missing_credentials_name_the_variables_and_the_key() -> None:
    with pytest.raises(CredentialsError) as caught:
        require_credentials(FACTS, {"api_key": Secret("canary")}, None)
    text = str(caught.value)
    assert "LOTUSX_ACME_API_SECRET" in text
    assert "exchanges.acme.credentials" in text
    assert "canary" not in text
    with pytest.raises(CredentialsError, match="LOTUSX_ACME__HEDGE__API_KEY"):
        require_credentials(FACTS, {}, "hedge")


def test_the_process_is_read_from_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOTUSX_CONFIG", raising=False)
    assert Sources.of_process().document == {}
    (tmp_path / ".env").write_text("LOTUSX_ACME_PROXY=http://p\n", encoding="utf-8")
    (tmp_path / "lotusx.toml").write_text('[exchanges.acme]\nenvironment = "testnet"\n', encoding="utf-8")
    found = resolve("acme", sources=Sources.of_process())
    assert (found.environment, found.proxy) == ("testnet", "http://p")


def test_a_document_that_was_named_must_exist_and_be_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOTUSX_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(ConfigurationError, match="does not exist"):
        Sources.of_process()
    broken = tmp_path / "broken.toml"
    broken.write_text("= =", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="not valid TOML"):
        Sources.of_process(broken)
