"""What the signer writes, for whom, and what it refuses."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import CredentialsError, InvalidArgument
from lotusx.plugin import Request, Secret, SigningContext, Verb
from lotusx_hyperliquid.accounts import address, user_of
from lotusx_hyperliquid.actions import AgentSendAsset, CancelItem, CancelOrders, CreateSubAccount, L1Action, Noop
from lotusx_hyperliquid.environments import ENVIRONMENTS
from lotusx_hyperliquid.keys import Key
from lotusx_hyperliquid.plugin import lotusx_signer
from lotusx_hyperliquid.signer import HyperliquidSigner, signer_from
from lotusx_hyperliquid.user_actions import UsdSend

KEY = "0x0123456789012345678901234567890123456789012345678901234567890123"  # of the published vectors
OWN = "0x14791697260e4c9a71f18484c9f997b308e59325"
MASTER = "0x5e9ee1089755c3435139848e47e6635505d5a13a"
VAULT = "0x1719884eb866cb12b2287399b15f7db5e7d775ea"
CONTEXT = SigningContext(now_ms=1_700_000_000_000, nonce=1_700_000_000_007, receive_window_ms=5_000)
CANCEL = CancelOrders([CancelItem(5, 1)])


def signer(**more: str) -> HyperliquidSigner:
    made = signer_from({"private_key": Secret(KEY), **more}, mainnet=True)
    assert made is not None
    return made


def signed(action: L1Action | UsdSend, **more: str) -> dict[str, Any]:
    request = Request(Verb.POST, "https://x", "/exchange", content=action, signed=True)
    body: dict[str, Any] = json.loads(signer(**more).sign_request(request, CONTEXT).body)
    return body


def test_order_action_expires_when_the_receive_window_ends_and_others_do_not() -> None:
    assert signed(CANCEL)["expiresAfter"] == 1_700_000_005_000
    assert "expiresAfter" not in signed(Noop())
    assert "expiresAfter" not in signed(UsdSend(MASTER, "1"))


def test_vault_is_named_where_the_action_can_act_for_one() -> None:
    assert signed(CANCEL, vault_address=VAULT)["vaultAddress"] == VAULT
    assert "vaultAddress" not in signed(CreateSubAccount("a"), vault_address=VAULT)
    assert "vaultAddress" not in signed(UsdSend(MASTER, "1"), vault_address=VAULT)
    assert "vaultAddress" not in signed(CANCEL)


def test_inner_nonce_of_a_transfer_is_the_outer_one() -> None:
    body = signed(AgentSendAsset(OWN, "", "spot", "USDC:0x0", "1", ""))

    assert body["action"]["nonce"] == body["nonce"] == CONTEXT.nonce


def test_request_and_message_carry_the_same() -> None:
    assert signer().sign_message({"action": Noop()}, CONTEXT) | {"action": {"type": "noop"}} == signed(Noop())


def test_networks_sign_differently_and_a_simulator_signs_as_the_main_one() -> None:
    def signature(environment: str) -> object:
        made = lotusx_signer(ENVIRONMENTS[environment], {"private_key": KEY})
        assert made is not None
        return made.sign_message({"action": Noop()}, CONTEXT)["signature"]

    assert signature("live") == signature("simulator") != signature("testnet")


def test_account_model_of_a_key_alone_is_its_own_account() -> None:
    made = signer()

    assert (made.account, made.user, made.is_agent) == (OWN, OWN, False)
    assert user_of(made, {}) == OWN


def test_agent_reads_and_trades_for_the_account_that_approved_it() -> None:
    made = signer(account_address=MASTER.upper().replace("0X", "0x"))

    assert (made.account, made.user, made.is_agent) == (MASTER, MASTER, True)


def test_vault_is_what_is_read_and_traded_for() -> None:
    made = signer(account_address=MASTER, vault_address=VAULT)

    assert (made.account, made.user) == (MASTER, VAULT)


def test_address_alone_reads_and_needs_no_signer() -> None:
    credentials = {"account_address": MASTER}

    assert lotusx_signer(ENVIRONMENTS["live"], credentials) is None
    assert user_of(None, credentials) == MASTER
    assert user_of(None, {}) is None


def test_agent_does_not_sign_what_only_the_account_may() -> None:
    with pytest.raises(CredentialsError, match="agent wallet"):
        signed(UsdSend(MASTER, "1"), account_address=MASTER)


def test_address_is_sent_in_lower_case_and_checked() -> None:
    assert address("0x14791697260E4c9A71f18484C9f997B308e59325", name="destination") == OWN
    for wrong in (OWN[2:], OWN[:-1], f"{OWN}0", KEY, ""):
        with pytest.raises(InvalidArgument, match="destination must be 0x and 40"):
            address(wrong, name="destination")


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        ({}, "give private_key, or account_address"),
        ({"vault_address": VAULT}, "give private_key"),
        ({"account_address": MASTER, "vault_address": VAULT}, "vault_address goes with private_key"),
        ({"private_key": OWN}, "64 hexadecimal digits"),
        ({"private_key": "correct horse battery"}, "64 hexadecimal digits"),
        ({"private_key": "0" * 64}, "not a number the curve"),
        ({"private_key": "f" * 64}, "not a number the curve"),
        ({"private_key": KEY, "account_address": KEY}, "account_address must be 0x and 40"),
        ({"private_key": KEY, "account_address": OWN[2:]}, "account_address must be 0x and 40"),
        ({"private_key": KEY, "account_address": OWN}, "the address of private_key itself"),
        ({"private_key": KEY, "vault_address": OWN}, "vault_address is the account itself"),
        ({"private_key": KEY, "account_address": MASTER, "vault_address": MASTER}, "vault_address is the account"),
    ],
)
def test_unusable_credentials_are_named_and_never_shown(credentials: dict[str, str], words: str) -> None:
    with pytest.raises(CredentialsError, match=words) as caught:
        signer_from(credentials, mainnet=True)

    assert not any(value in str(caught.value) for value in credentials.values())


def test_signer_neither_shows_nor_pickles_its_key() -> None:
    made, key = signer(account_address=MASTER), Key(KEY)

    for text in (repr(made), repr(key), str(made)):
        assert KEY[2:] not in text
    for secret in (made, key):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(secret)


def test_signing_something_else_than_an_action_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match="not dict"):
        signer().sign_message({"action": {"type": "noop"}}, CONTEXT)


@given(st.binary(min_size=32, max_size=32))
def test_signature_is_of_low_s_and_recovers_to_the_key(digest: bytes) -> None:
    from coincurve import PublicKey

    from lotusx_hyperliquid.hashing import keccak256

    signature = Key(KEY).sign(digest)

    r, s = (bytes.fromhex(signature[name][2:]) for name in ("r", "s"))
    assert (len(r), len(s)) == (32, 32)
    assert int.from_bytes(s, "big") <= 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
    public = PublicKey.from_signature_and_message(r + s + bytes([signature["v"] - 27]), digest, hasher=None)
    assert "0x" + keccak256(public.format(compressed=False)[1:])[-20:].hex() == OWN
