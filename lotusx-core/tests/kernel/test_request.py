"""A request that is signed stays the same but for what signing adds."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from lotusx.errors import InvalidArgument
from lotusx.kernel.request import Cost, Effect, Lane, Origin, Request, Verb, plain_path


@pytest.mark.parametrize(
    "path",
    [
        "/v5/asset/%77ithdraw", "/v5//asset/withdraw", "/v5/x/../asset/withdraw", "/v5/./asset", "/v5/asset/withdraw;x",
        "/v5/asset\\withdraw", "v5/asset", ".example/v5", "@example/v5", "", "/", "/v5/asset/withdraw#x", "/v5/ä",
        "/v5/asset\n",
    ],
)  # fmt: skip
def test_a_path_that_a_server_may_read_as_another_one_is_refused(path: str) -> None:
    with pytest.raises(InvalidArgument, match="a path is"):
        plain_path(path)


def test_a_plain_path_is_compared_without_its_query_and_last_slash() -> None:
    assert plain_path("/api/v3/orderList/oco") == "/api/v3/orderList/oco"
    assert plain_path("/v5/asset-x/a.b_c/?d=%77/..") == "/v5/asset-x/a.b_c"


def test_signing_changes_query_headers_and_body_and_nothing_else() -> None:
    request = Request(
        Verb.POST, "https://a.example", "/b", "c=d", b"e", (("F", "g"),), content={"h": 1}, endpoint="i",
        costs=(Cost("j", 2),), signed=True, effect=Effect.COMMAND, lane=Lane.URGENT, timeout_s=3.0,
        origin=Origin.ORDER,
    )  # fmt: skip
    plain = Request(Verb.GET, "https://z.example", "/z")
    assert not [each.name for each in fields(Request) if getattr(request, each.name) == getattr(plain, each.name)]

    signed = request.signed_with(query="k=l", headers=(("M", "n"),), body=b"o")

    assert signed == replace(request, query="k=l", headers=(("M", "n"),), body=b"o")
