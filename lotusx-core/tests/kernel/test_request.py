"""A request that is signed stays the same but for what signing adds."""

from __future__ import annotations

from dataclasses import fields, replace

from lotusx.kernel.request import Cost, Effect, Lane, Origin, Request, Verb


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
