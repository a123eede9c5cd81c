"""Signs actions: the account's own key, or that of an agent wallet which the account has approved.

A request's ``content`` is the action; the signer writes the body. Whether an action is signed as one of the exchange's
chain or field by field is the action's own business (`L1Action`, `UserAction`). Source: hyperliquid-docs, "Signing" and
"Nonces and API wallets"; every vector in the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec

from lotusx.errors import CredentialsError
from lotusx.plugin import Request, SigningContext
from lotusx_hyperliquid.accounts import credential, credential_address
from lotusx_hyperliquid.actions import AgentSendAsset, L1Action
from lotusx_hyperliquid.hashing import TypedData, action_hash, l1_digest, user_domain
from lotusx_hyperliquid.keys import Key
from lotusx_hyperliquid.user_actions import SIGNATURE_CHAIN_ID, USER_ACTIONS, UserAction

_TYPED = {kind: TypedData(kind.primary, kind.typed()) for kind in USER_ACTIONS}
_DOMAIN = user_domain(SIGNATURE_CHAIN_ID)

_pack = msgspec.msgpack.Encoder().encode
_to_json = msgspec.json.Encoder().encode


class HyperliquidSigner:
    """Signs for one key, on one network.

    Args:
        account: The address that is traded for, where the key is an agent wallet's; ``None``: the key's own.
        vault: The sub-account or vault that is traded for, if any.
        mainnet: Which network's signatures: they are worth nothing on the other.
    """

    __slots__ = ("_chain", "_key", "_mainnet", "_vault", "_vault_bytes", "account", "is_agent")

    def __init__(self, key: Key, *, mainnet: bool, account: str | None = None, vault: str | None = None) -> None:
        self._key = key
        self._mainnet = mainnet
        self._chain = "Mainnet" if mainnet else "Testnet"
        self._vault = vault
        self._vault_bytes = bytes.fromhex(vault[2:]) if vault else None
        self.is_agent = account is not None
        self.account = account or key.address

    @property
    def address(self) -> str:
        """The key's own address: an agent wallet's, where it is one."""
        return self._key.address

    @property
    def nonce_scope(self) -> str:
        """The key's address: the exchange counts nonces by it, whomever it signs for."""
        return self._key.address

    @property
    def user(self) -> str:
        """The address whose orders, fills and balances are asked for."""
        return self._vault or self.account

    def __repr__(self) -> str:
        return f"{type(self).__name__}(address={self._key.address}, user={self.user}, network={self._chain})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer holds a secret and cannot be pickled")

    def sign_request(self, request: Request, context: SigningContext) -> Request:
        """Return *request* with the body that carries its ``content``, an action, and the signature.

        Raises:
            CredentialsError: The account's own key has to sign this, and an agent wallet's is there.
        """
        body = _to_json(self._signed(request.content, context))
        return request.signed_with(query=request.query, headers=request.headers, body=body)

    def sign_message(self, payload: Mapping[str, Any], context: SigningContext) -> dict[str, Any]:
        """Return what a WebSocket ``post`` carries for the action in ``payload["action"]``. Errors as above."""
        return self._signed(payload["action"], context)

    def _signed(self, action: object, context: SigningContext) -> dict[str, Any]:
        if isinstance(action, L1Action):
            return self._l1(action, context)
        if isinstance(action, UserAction):
            return self._user(action, context.nonce)
        raise TypeError(f"an action of Hyperliquid is signed, not {type(action).__name__}")

    def _l1(self, action: L1Action, context: SigningContext) -> dict[str, Any]:
        nonce = context.nonce
        if isinstance(action, AgentSendAsset):
            action = msgspec.structs.replace(action, nonce=nonce)
        vault = self._vault_bytes if action.for_vault else None
        expires_after = context.now_ms + context.receive_window_ms if action.expires else None
        digest = l1_digest(
            action_hash(_pack(action), nonce, vault=vault, expires_after=expires_after), mainnet=self._mainnet
        )
        signed = {"action": action, "nonce": nonce, "signature": self._key.sign(digest)}
        if vault is not None:
            signed["vaultAddress"] = self._vault
        if expires_after is not None:
            signed["expiresAfter"] = expires_after
        return signed

    def _user(self, action: UserAction, nonce: int) -> dict[str, Any]:
        if self.is_agent:
            raise CredentialsError(
                f"hyperliquid: {action.primary} is signed with the account's own key, and private_key is that of an "
                f"agent wallet (account_address is {self.account}); connect with the account's key for this"
            )
        common = {"hyperliquidChain": self._chain, action.stamp: nonce}
        values = msgspec.structs.asdict(action) | common
        sent = msgspec.to_builtins(action) | {"signatureChainId": SIGNATURE_CHAIN_ID} | common
        return {
            "action": sent,
            "nonce": nonce,
            "signature": self._key.sign(_TYPED[type(action)].digest(values, _DOMAIN)),
        }


def signer_from(credentials: Mapping[str, Any], *, mainnet: bool) -> HyperliquidSigner | None:
    """Build the signer that *credentials* ask for; ``None``: they name an account to read, and no key.

    Raises:
        CredentialsError: The key or an address is malformed, or two of them contradict each other.
    """
    account = credential_address(credentials, "account_address")
    vault = credential_address(credentials, "vault_address")
    text = credential(credentials, "private_key")
    if not text:
        if account is None:
            raise CredentialsError("hyperliquid: give private_key, or account_address to only read that account")
        if vault is not None:
            raise CredentialsError(
                "hyperliquid: vault_address goes with private_key; to only read it, give it as account_address"
            )
        return None
    key = Key(text)
    if account == key.address:
        raise CredentialsError(
            "hyperliquid: account_address is the address of private_key itself. If the key is an agent wallet's, give "
            "the address of the account that approved it; if it is the account's own, leave account_address out"
        )
    if vault is not None and vault in (key.address, account):
        raise CredentialsError(
            "hyperliquid: vault_address is the account itself; leave it out, or give the sub-account's or vault's own"
        )
    return HyperliquidSigner(key, mainnet=mainnet, account=account, vault=vault)
