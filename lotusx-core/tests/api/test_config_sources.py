"""Documents, .env files and references: what is read, from where, and what beats what."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import lotusx
from lotusx.config import Document, Sources, resolve
from lotusx.config_explain import explain, problems, refusals
from lotusx.config_layers import accounts_of
from lotusx.config_schema import schema
from lotusx.config_sources import user_folder
from lotusx.errors import ConfigurationError, CredentialsError, LotusXError, PluginError
from lotusx.kernel.secrets import Secret

from .acme import FACTS, install

KEYS = ("api_key", "api_secret")
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import os

    for name in os.environ:
        if name.startswith("LOTUSX_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("APPDATA", str(tmp_path / "user"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str, name: str = "lotusx.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def of(*documents: Document, variables: dict[str, str] | None = None) -> Sources:
    user = documents[0] if len(documents) == 2 else None
    own = documents[-1]
    return Sources(
        variables or {}, {}, own.content, own.name, user=user, folder=own.folder, trusted=own.trusted
    )  # fmt: skip


def exchange(**settings: Any) -> dict[str, Any]:
    return {"exchanges": {"acme": settings}}


def test_every_layer_beats_those_below_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("user", "project", "dotenv", "local", "variable")

    def proxy() -> str | None:
        return resolve("acme", sources=Sources.of_process()).proxy

    assert proxy() is None
    write(here / "user" / "lotusx", '[exchanges.acme]\nproxy = "user"\n')
    assert proxy() == names[0]
    write(here, '[exchanges.acme]\nproxy = "project"\n')
    assert proxy() == names[1]
    write(here, "LOTUSX_ACME_PROXY=dotenv\n", ".env")
    assert proxy() == names[2]
    write(here, "LOTUSX_ACME_PROXY=local\n", ".env.local")
    assert proxy() == names[3]
    monkeypatch.setenv("LOTUSX_ACME_PROXY", "variable")
    assert proxy() == names[4]
    assert resolve("acme", sources=Sources.of_process(), arguments={"proxy": "argument"}).proxy == "argument"


@pytest.mark.parametrize("name", [".env", ".env.local"])
@pytest.mark.parametrize(
    "damaged",
    [
        'LOTUSX_ACME_ENVIRONMENT="testnet',
        "LOTUSX_ACME_ENVIRONMENT testnet",
        "LOTUSX_ACME_ENVIRONMENT: testnet",
        "LOTUSX_ACME_ENVIRONMENT",
        "LOTUSX_ACME_ENVIRONMENT:testnet",
        'OTHER="closed" too late',
    ],
)
def test_a_damaged_line_is_an_error_and_never_live(damaged: str, name: str, here: Path) -> None:
    write(here, f"# of acme\nLOTUSX_ACME_PROXY=p\n\n{damaged}\n", name)
    with pytest.raises(ConfigurationError, match=rf"^{name.replace('.', '[.]')}:4: ") as caught:
        Sources.of_process()
    assert "testnet" not in str(caught.value)  # the line may hold a key


def test_a_sound_dotenv_file_is_read_as_before(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_OF_PROXY", "proxy.test")
    text = (
        "\ufeff# a comment\nPORT=1\nexport LOTUSX_ACME_PROXY='http://${HOST_OF_PROXY}:${PORT}' # why\n"
        "LOTUSX_ACME_JOURNAL=\nSOMEBODY_ELSES\n"
    )
    write(here, text, ".env")
    found = Sources.of_process().dotenv
    assert found == {"PORT": "1", "LOTUSX_ACME_PROXY": "http://proxy.test:1", "LOTUSX_ACME_JOURNAL": ""}


def test_a_dotenv_file_that_is_no_text_is_named(here: Path) -> None:
    (here / ".env").write_bytes(b"LOTUSX_ACME_PROXY=\xff\xfe\n")
    with pytest.raises(ConfigurationError, match=r"\.env is not UTF-8 text"):
        Sources.of_process()


def test_a_document_may_begin_with_a_byte_order_mark(here: Path) -> None:
    write(here, '\ufeff[exchanges.acme]\nproxy = "p"\n')
    assert resolve("acme", sources=Sources.of_process()).proxy == "p"


def test_a_named_document_stands_alone(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here / "user" / "lotusx", '[exchanges.acme]\nproxy = "user"\n')
    write(here, '[exchanges.acme]\nproxy = "project"\n')
    monkeypatch.setenv("LOTUSX_CONFIG", str(write(here / "other", "[exchanges.acme]\nread_only = true\n", "x.toml")))
    found = resolve("acme", sources=Sources.of_process())
    assert (found.proxy, found.read_only) == (None, True)


def test_what_is_said_of_an_account_beats_what_is_said_of_its_exchange_wherever_it_stands() -> None:
    user = Document(exchange(accounts={"hedge": {"environment": "testnet"}}), "user")
    project = Document(exchange(environment="demo", proxy="p"), "project")
    found = resolve("acme", sources=of(user, project), account="hedge")
    assert (found.environment, found.proxy) == ("testnet", "p")


@pytest.mark.parametrize("account", [None, "hedge"])
def test_a_testnet_never_becomes_live_by_precedence_alone(account: str | None) -> None:
    setting = {"environment": "testnet"}
    project = Document(exchange(**({"accounts": {"hedge": setting}} if account else setting)), "lotusx.toml")
    sources = of(project, variables={"LOTUSX_ACME_ENVIRONMENT": "live"})
    with pytest.raises(
        ConfigurationError, match=r"lotusx\.toml says environment 'testnet' and environment says 'live'"
    ):
        resolve("acme", sources=sources, account=account)
    assert resolve("acme", sources=sources, account=account, arguments={"environment": "live"}).environment == "live"


def test_live_gives_way_to_any_other_environment() -> None:
    sources = of(Document(exchange(environment="live")), variables={"LOTUSX_ACME_ENVIRONMENT": "testnet"})
    assert resolve("acme", sources=sources).environment == "testnet"


def test_strategies_may_say_what_they_like() -> None:
    sources = of(Document({"strategy": {"mine": {"anything": [1, 2], "enviroment": True}}}))
    assert resolve("acme", sources=sources).environment is None


# ------------------------------------------------------------------------------------------------ credentials


def secret_of(value: Any, here: Path, *, trusted: bool = True, variables: dict[str, str] | None = None) -> str:
    document = Document(exchange(credentials={"api_secret": value}), "doc", here, trusted)
    found = resolve("acme", sources=of(document, variables=variables), credential_names=KEYS)
    secret = found.credentials["api_secret"]
    assert isinstance(secret, Secret)
    return secret.reveal()


def test_a_credential_is_read_from_a_variable(here: Path) -> None:
    assert secret_of({"env": "MINE"}, here, variables={"MINE": "canary\n"}) == "canary"
    with pytest.raises(CredentialsError, match="the variable MINE is not set"):
        secret_of({"env": "MINE"}, here)
    with pytest.raises(CredentialsError, match="is empty"):
        secret_of({"env": "MINE"}, here, variables={"MINE": " "})


def test_a_credential_is_read_from_a_file_beside_the_document(here: Path) -> None:
    write(here, "canary\n", "key")
    assert secret_of({"file": "key"}, here) == "canary"
    with pytest.raises(CredentialsError, match="cannot be read: No such file"):
        secret_of({"file": "none"}, here)
    (here / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CredentialsError, match="it is not text"):
        secret_of({"file": "binary"}, here)


def test_a_credential_is_what_a_program_prints(here: Path) -> None:
    assert secret_of({"command": [sys.executable, "-c", "print('canary')"]}, here) == "canary"
    with pytest.raises(CredentialsError, match="ended with status 3"):
        secret_of({"command": [sys.executable, "-c", "raise SystemExit(3)"]}, here)
    with pytest.raises(CredentialsError, match="cannot be run"):
        secret_of({"command": ["no-such-program-here"]}, here)


def test_a_document_that_was_merely_found_runs_no_program(here: Path) -> None:
    write(here, '[exchanges.acme.credentials]\napi_secret = { command = ["touch", "ran"] }\n')
    with pytest.raises(ConfigurationError, match="may not name a program"):
        resolve("acme", sources=Sources.of_process(), credential_names=KEYS)
    assert not (here / "ran").exists()
    named = Sources.of_process(here / "lotusx.toml")
    with pytest.raises(CredentialsError, match="is empty"):
        resolve("acme", sources=named, credential_names=KEYS)
    assert (here / "ran").exists()


def test_a_credential_is_read_from_the_keyring(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import ModuleType

    keyring = ModuleType("keyring")
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    passwords = {("lotusx", "acme"): "canary"}
    keyring.get_password = lambda service, user: passwords.get((service, user))  # type: ignore[attr-defined]
    assert secret_of({"keyring": "lotusx", "user": "acme"}, here) == "canary"
    with pytest.raises(CredentialsError, match="has no password"):
        secret_of({"keyring": "lotusx", "user": "other"}, here)

    def locked(service: str, user: str) -> str:
        raise RuntimeError("canary inside")

    keyring.get_password = locked  # type: ignore[attr-defined]
    with pytest.raises(CredentialsError, match=r"cannot be read \(RuntimeError\)") as caught:
        secret_of({"keyring": "lotusx", "user": "acme"}, here)
    assert "canary" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(CredentialsError, match=r"lotusx-core\[keyring\]"):
        secret_of({"keyring": "lotusx", "user": "acme"}, here)


@pytest.mark.parametrize(
    "value",
    [
        {}, {"env": "A", "file": "b"}, {"env": "A", "user": "b"}, {"keyring": "a"}, {"fil": "x"}, {"env": 3},
        {"command": "pass show x"}, {"command": []}, {"command": [1]},
    ],
)  # fmt: skip
def test_a_reference_of_no_known_form_is_refused_with_its_place(value: Any, here: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"doc: exchanges\.acme\.credentials\.api_secret"):
        secret_of(value, here)


# ---------------------------------------------------------------------------------------- hosts, limits, cache


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (exchange(hosts=[]), "must be a table"),
        (exchange(hosts={"live": {"api": "https://x"}}), "must be a list of addresses"),
        (exchange(limits={"shar": 1}), "did you mean 'share'"),
        (exchange(limits={"share": 0}), "above 0 and at most 1"),
        (exchange(limits={"share": "half"}), "above 0 and at most 1"),
        (exchange(limits={"share": True}), "above 0 and at most 1"),
        ({"cache": {"instrument_s": 1}}, "did you mean 'instruments_s'"),
        ({"cache": {"instruments_s": -1}}, "0 or more"),
        ({"cache": {"folder": 1}}, "must be text"),
        ({"plugins": {"allow": "lotusx-acme"}}, "list of texts"),
    ],
)
def test_a_wrong_value_is_refused_with_what_would_be_right(document: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        resolve("acme", sources=of(Document(document)))


def test_a_share_is_exact_however_it_is_written() -> None:
    for written in ("0.1", 0.1):
        assert resolve("acme", sources=of(Document(exchange(limits={"share": written})))).share == Decimal("0.1")
    assert resolve("acme", sources=of(Document(exchange(limits={})))).share is None


def test_plugins_add_up_and_allow_lists_narrow_each_other() -> None:
    user = Document({"plugins": {"enable": ["risk"], "allow": ["a", "b"]}})
    project = Document({"plugins": {"enable": ["log"], "allow": ["b", "c"]}})
    found = resolve("acme", sources=of(user, project))
    assert (found.plugins, found.allowed_plugins) == (("risk", "log"), ("b",))


def test_an_allow_list_holds_for_cross_cutting_plugins_too(here: Path) -> None:
    install(here)
    info = here / "stranger-1.0.dist-info"
    write(info, "Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n", "METADATA")
    write(info, "[lotusx.plugins]\nnosy = json\n", "entry_points.txt")
    acme = next(line for line in _metadata_names(here) if line != "stranger")
    write(here, f'[plugins]\nenable = ["nosy"]\nallow = ["{acme}"]\n')
    with pytest.raises(PluginError, match="stranger, which is not on the list"):
        lotusx.connect("acme")


def _metadata_names(folder: Path) -> list[str]:
    lines = [line for file in folder.glob("*.dist-info/METADATA") for line in file.read_text().splitlines()]
    return [line.removeprefix("Name: ") for line in lines if line.startswith("Name: ")]


@pytest.mark.parametrize(
    ("hosts", "complaint"),
    [
        ({"moon": {"api": []}}, "has no environment 'moon'"),
        ({"live": {"apy": []}}, "no such service"),
        ({"live": {"api": ["http://a.test"]}}, "https://"),
        ({"live": {"market": ["https://a.test"]}}, "wss://"),
        ({"live": {"api": ["nonsense"]}}, "https://"),
    ],
)
def test_further_hosts_are_checked_before_anything_is_sent(hosts: dict[str, Any], complaint: str, here: Path) -> None:
    install(here)
    lines = [
        f"[exchanges.acme.hosts.{name}]\n{key} = {json.dumps(urls)}\n"
        for name, services in hosts.items()
        for key, urls in services.items()
    ]
    write(here, "".join(lines))
    with pytest.raises(ConfigurationError, match=complaint):
        lotusx.connect("acme", config="lotusx.toml")


def test_a_document_that_was_merely_found_sends_nothing_elsewhere(here: Path) -> None:
    install(here)
    write(here, '[exchanges.acme.hosts.live]\napi = ["https://stranger.test"]\n')
    with pytest.raises(ConfigurationError, match="may not say where requests go"):
        lotusx.connect("acme")


# ------------------------------------------------------------------------------------------------- explaining


def test_every_setting_is_explained_and_no_secret_shown(here: Path) -> None:
    write(here, "canary", "key")
    (here / "key").chmod(0o644)
    document = exchange(
        proxy="doc", credentials={"api_key": "canary-key-of-mine", "api_secret": {"file": "key"}}, read_only=True
    )
    sources = of(Document(document, "doc", here), variables={"LOTUSX_ACME_PROXY": "variable"})
    found = {item.setting: item for item in explain(FACTS, None, sources)}
    assert (found["proxy"].value, found["proxy"].source, found["proxy"].overruled) == (
        "variable",
        "environment",
        ("doc",),
    )
    assert found["read_only"].value == "true"
    assert found["credentials.api_key"].value == "cana…"
    assert found["credentials.api_secret"].value.startswith("file ")
    if sys.platform != "win32":
        assert "chmod 600" in found["credentials.api_secret"].value
    assert "canary" not in str(found)
    clear = of(Document(exchange(credentials={"api_secret": "canary"})))
    assert explain(FACTS, None, clear)[0].value == "*** (in clear)"


def test_other_references_are_explained_by_where_they_point(here: Path) -> None:
    for value, shown in (
        ({"env": "MINE"}, "variable MINE"),
        ({"keyring": "lotusx", "user": "me"}, "keyring lotusx, user me"),
        ({"command": ["pass", "canary"]}, "output of pass"),
        ({"file": "none"}, "(missing)"),
    ):
        sources = of(Document(exchange(credentials={"api_secret": value}), "doc", here))
        assert explain(FACTS, None, sources)[0].value.endswith(shown)


def test_nothing_is_wrong_with_nothing() -> None:
    assert problems() == []


def test_every_mistake_of_every_document_and_variable_is_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(here)
    write(
        here,
        '[exchanges.acmee]\nproxy = "x"\n[exchanges.acme]\nenvironment = "moon"\n'
        '[exchanges.acme.accounts.hedge]\nread_only = "yes"\n',
    )
    monkeypatch.setenv("LOTUSX_AMCE_API_KEY", "canary")
    monkeypatch.setenv("LOTUSX_ACME__DESK__PROXI", "canary")
    found = "\n".join(problems())
    for expected in (
        "exchange that is not installed; did you mean 'acme'?",
        "LOTUSX_AMCE_API_KEY is no setting of an installed exchange; did you mean 'acme'?",
        "LOTUSX_ACME__DESK__PROXI",
    ):
        assert expected in found
    assert "canary" not in found
    write(here, "[cahce]\n")
    assert "unknown key 'cahce'; did you mean 'cache'?" in "\n".join(problems())


def test_plugins_that_are_enabled_look_at_their_options(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Mapping[str, Any]] = []

    def make(name: str, allowed: object, options: Mapping[str, Any]) -> object:
        made.append(options)
        raise ConfigurationError(f"[{name}] has an unknown key")

    monkeypatch.setattr("lotusx.config_explain.make_plugin", make)
    write(here, '[risk]\nmax_notinal = "5"\n')
    assert problems() == ["[risk] has an unknown key"]
    assert made == [{"max_notinal": "5"}]


def test_a_plugin_that_is_not_installed_is_named(here: Path) -> None:
    write(here, '[plugins]\nenable = ["nowhere"]\n')
    (said,) = problems()
    assert said.startswith("no plugin 'nowhere' is installed")


def test_each_account_is_looked_at_by_itself(here: Path) -> None:
    install(here)
    write(
        here,
        '[exchanges.acme]\nproxy = "p"\n[exchanges.acme.accounts.a]\nread_only = "yes"\n'
        '[exchanges.acme.accounts.b]\nenvironment = "moon"\n[exchanges.acme.accounts.c.credentials]\napi_kee = "k"\n',
    )
    found = "\n".join(problems())
    assert "true or false" in found
    assert "no environment 'moon'; it has: live, simulator" in found
    assert "no credential 'api_kee'; did you mean 'api_key'?" in found


def test_accounts_are_found_in_documents_and_variables() -> None:
    sources = of(
        Document(exchange(accounts={"a-b": {}})),
        variables={"LOTUSX_ACME__C__API_KEY": "", "LOTUSX_ACME__A_B__API_KEY": ""},
    )
    assert accounts_of("acme", sources) == ["a-b", "c"]


def test_the_users_folder_is_where_the_system_says() -> None:
    variable = "APPDATA" if sys.platform == "win32" else "XDG_CONFIG_HOME"
    assert user_folder({variable: "/x"}) == Path("/x/lotusx")
    assert user_folder({}).name == "lotusx"


def test_the_published_schema_is_the_one_in_the_code() -> None:
    file = ROOT / "docs" / "lotusx.schema.json"
    if not file.exists():
        pytest.skip("the documentation is not here")
    assert json.loads(file.read_text("utf-8")) == schema()


def test_the_schema_knows_what_the_reader_knows() -> None:
    from lotusx.config_layers import FIELDS, SECTIONS, TABLES

    document = schema()
    assert set(document["properties"]) == set(SECTIONS)
    own = document["properties"]["exchanges"]["additionalProperties"]["properties"]
    assert set(own) == {*FIELDS, *TABLES, "credentials", "accounts"}


def test_an_address_of_another_environment_is_never_taken_for_this_one() -> None:
    from dataclasses import replace

    from lotusx.kernel.facts import Environment
    from lotusx.reach import reach_of

    testnet = Environment("testnet", {"api": "https://test.acme.test"}, {"market": "wss://test.acme.test/ws"})
    facts = replace(FACTS, environments={**FACTS.environments, "testnet": testnet})
    settings = resolve("acme", sources=of(Document(exchange(hosts={"testnet": {"api": ["https://acme.test"]}}))))
    with pytest.raises(ConfigurationError, match="belongs to another environment"):
        reach_of(facts, testnet, settings, testnet.rest, testnet.ws)


def test_further_hosts_stand_behind_the_usual_one() -> None:
    from lotusx.reach import reach_of

    live = FACTS.environments["live"]
    settings = resolve("acme", sources=of(Document(exchange(hosts={"live": {"api": ["https://b.test/"]}}))))
    found = reach_of(FACTS, live, settings, live.rest, live.ws)
    assert found.rest == {"https://acme.test": ("https://acme.test", "https://b.test")}
    assert found.ws == {}


HALF = '[exchanges.acme.credentials]\napi_key = "k"\n'
WHOLE = HALF + "api_secret = "


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HALF, "api_secret is missing"),
        (WHOLE + '{ file = "none" }', "none cannot be read"),
        (WHOLE + '{ env = "NOPE" }', "the variable NOPE is not set"),
        (WHOLE + '{ command = ["true"] }', "may not name a program"),
        ('[exchanges.acme]\nenvironment = "simulator"', "needs base_url"),
        ('[exchanges.acme]\nbase_url = "http://127.0.0.1:1"', "base_url goes with environment='simulator'"),
        ('[exchanges.acme]\nenvironment = "simulator"\nbase_url = "127.0.0.1:1"', "must start with http://"),
        ('[exchanges.acme]\nenvironment = "tesnet"', "tesnet"),
    ],
)
def test_what_connect_would_refuse_is_told_without_connecting(text: str, said: str, here: Path) -> None:
    install(here)
    write(here, text)
    (found,) = refusals("acme")
    assert said in found
    with pytest.raises(LotusXError):
        lotusx.connect("acme")


def test_a_proxy_that_is_no_address_is_told_without_connecting(here: Path) -> None:
    install(here)
    write(here, '[exchanges.acme]\nproxy = "10.0.0.1:3128"')
    (found,) = refusals("acme")
    assert found.startswith("proxy must be an address such as http://")


def test_an_exchange_that_is_not_on_the_list_of_allowed_plugins_is_refused(here: Path) -> None:
    install(here)
    write(here, '[plugins]\nallow = ["lotusx-other"]\n')
    with pytest.raises(PluginError, match="allow"):
        refusals("acme")


def test_an_account_without_credentials_is_refused_and_a_whole_one_is_not(here: Path) -> None:
    install(here)
    assert refusals("acme") == []
    assert "LOTUSX_ACME__HEDGE__API_KEY" in "".join(refusals("acme", "hedge"))
    write(here, '[exchanges.acme.accounts.hedge.credentials]\napi_key = "k"\napi_secret = "s"\n')
    assert refusals("acme", "hedge") == []


@pytest.mark.skipif(sys.platform == "win32", reason="no touch")
def test_no_program_is_run_and_no_keyring_is_asked_to_look_for_mistakes(here: Path) -> None:
    install(here)
    touch = f'command = ["touch", "{here / "ran"}"]'
    named = write(
        here, f"[exchanges.acme.credentials]\napi_key = {{ {touch} }}\napi_secret = {{ {touch} }}\n", "x.toml"
    )
    assert refusals("acme", config=named) == []
    write(here, named.read_text().replace(touch, 'keyring = "nobody", user = "x"'), "x.toml")
    assert refusals("acme", config=named) == []
    assert not (here / "ran").exists()
