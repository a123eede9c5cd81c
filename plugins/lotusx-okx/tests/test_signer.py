"""Signatures against another client's, deadlines, and secrets that do not show."""

from __future__ import annotations

import pickle
from typing import Any

import okx_documents as documented
import pytest

from lotusx.errors import CredentialsError
from lotusx.plugin import Request, Verb
from lotusx_okx.signer import OkxSigner, signer_from


@pytest.fixture
def signer() -> OkxSigner:
    return signer_from(documented.CREDENTIALS)


@pytest.mark.parametrize("row", documented.VECTORS["requests"], ids=lambda row: str(row["name"]))
def test_a_request_is_signed_as_another_client_signs_it(signer: OkxSigner, row: dict[str, Any]) -> None:
    documented.vector_of(row).check(signer)


def test_a_socket_is_logged_in_as_another_client_does_it(signer: OkxSigner) -> None:
    assert signer.sign_message({}, documented.CONTEXT) == documented.VECTORS["login"]


@pytest.mark.parametrize(
    ("verb", "path", "has_deadline"),
    [
        (Verb.POST, "/api/v5/trade/order", True),
        (Verb.POST, "/api/v5/trade/amend-batch-orders", True),
        (Verb.POST, "/api/v5/trade/cancel-order", False),
        (Verb.GET, "/api/v5/trade/order", False),
    ],
)
def test_orders_and_amendments_have_a_deadline(signer: OkxSigner, verb: Verb, path: str, has_deadline: bool) -> None:
    headers = dict(signer.sign_request(Request(verb, documented.BASE, path), documented.CONTEXT).headers)

    assert headers.get("expTime") == ("1700000005123" if has_deadline else None)


@pytest.mark.parametrize("name", ["api_key", "api_secret", "passphrase"])
def test_a_missing_credential_is_named(name: str) -> None:
    with pytest.raises(CredentialsError, match=name):
        signer_from({key: value for key, value in documented.CREDENTIALS.items() if key != name})


def test_secrets_neither_show_nor_pickle(signer: OkxSigner) -> None:
    shown = repr(signer)

    assert documented.VECTORS["credentials"]["api_secret"] not in shown
    assert documented.VECTORS["credentials"]["passphrase"] not in shown
    with pytest.raises(TypeError):
        pickle.dumps(signer)
