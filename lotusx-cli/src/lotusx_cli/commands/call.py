"""The exchange's own endpoints, explored from a terminal."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import click

from lotusx_cli.connecting import connected, facts_of, run
from lotusx_cli.exploring import OneRequest, Showing, endpoints
from lotusx_cli.options import Target, with_exchange, with_output
from lotusx_cli.output import Out
from lotusx_cli.sunsets import ended

if TYPE_CHECKING:
    from lotusx.kernel.transport import HttpTransport

_VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")

_EXAMPLES = """\b
lotusx call -e binance                                      list them
lotusx call -e binance average_price symbol=BTCUSDT         call one by name
lotusx call -e binance GET /api/v3/avgPrice symbol=BTCUSDT  call any
lotusx call -e binance GET /api/v3/account --signed --show  the signed request, not sent
"""


@click.command(epilog=_EXAMPLES)
@click.argument("what", nargs=-1)
@with_exchange
@click.option("--search", metavar="TEXT", help="List only endpoints that mention it.")
@click.option("--signed", is_flag=True, help="Sign it (VERB PATH only; named endpoints know).")
@click.option("--weight", type=click.IntRange(0), default=1, show_default=True, help="What it costs of the limits.")
@click.option("--body", metavar="JSON", help="All parameters as one JSON object.")
@click.option("--show", is_flag=True, help="Print the request as it would leave, signed; send nothing.")
@click.option("--live", is_flag=True, help="Allow what changes something where money is real.")
@with_output
def call(
    what: tuple[str, ...], target: Target, search: str | None, signed: bool, weight: int, body: str | None, show: bool,
    live: bool, out: Out,
) -> None:  # fmt: skip
    """Explore an exchange's own endpoints: list them, call one, or show the signed request."""
    direct = bool(what) and what[0].upper() in _VERBS
    if direct and len(what) < 2:
        raise click.UsageError(f"{what[0]} needs a path, such as /api/v3/time")
    given = parameters(what[2 if direct else 1 :], body)

    async def act() -> None:
        facts = facts_of(target.exchange)
        showing = Showing()
        rule = OneRequest(allow_commands=live or show)
        http = cast("HttpTransport", showing) if show else None
        async with connected(target, read_only=None, http=http, plugins=[rule]) as exchange:
            rule.real_money = facts.environments[exchange.environment].real_money
            native: Any = exchange.native
            if not what:
                found = endpoints(type(native), search or "")
                out.rows(
                    found, ["name", "parameters", "documentation"], title=f"{exchange.name}: {facts.documentation}"
                )
                return
            try:
                if direct:
                    if end := ended(facts, what[1], datetime.now(UTC).date()):
                        out.note(f"note: {end}")
                    answer = await native.call(what[0].upper(), what[1], given, signed=signed, weight=weight)
                else:
                    answer = await named(native, what[0], given)
            except Showing.Shown as shown:
                out.record(shown.request)
                out.note("nothing was sent; the signature is valid for moments and belongs to your key")
                return
        print(json.dumps(_jsonable(answer), indent=2))

    run(act)


def parameters(words: Sequence[str], body: str | None) -> dict[str, Any]:
    """Return ``name=value`` words and the JSON object *body* as parameters; values of words stay text."""
    found: dict[str, Any] = {}
    if body is not None:
        try:
            document = json.loads(body, parse_float=Decimal)
        except ValueError as error:
            raise click.UsageError(f"--body is not JSON: {error}") from None
        if not isinstance(document, dict):
            raise click.UsageError("--body must be a JSON object")
        found |= document
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{word!r} is not of the form name=value")
        found[name] = value
    return found


async def named(native: object, name: str, given: Mapping[str, Any]) -> object:
    """Call the endpoint *name*, its arguments read as its signature says."""
    known = {item["name"] for item in endpoints(type(native))}
    if name not in known:
        import difflib

        near = difflib.get_close_matches(name, sorted(known), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else " Without a name they are listed."
        if "/" in name:
            hint = f" Before a path stands its verb: GET {name}"
        raise click.UsageError(f"There is no endpoint {name!r}.{hint}")
    method = getattr(native, name)
    signature = inspect.signature(method)
    free = {parameter.name for parameter in signature.parameters.values() if parameter.kind is parameter.VAR_KEYWORD}
    arguments: dict[str, Any] = {}
    for key, value in given.items():
        if key not in signature.parameters and not free:
            takes = ", ".join(signature.parameters) or "nothing"
            raise click.UsageError(f"{name} takes no {key!r} (it takes: {takes})")
        annotation = str(signature.parameters[key].annotation) if key in signature.parameters else "str"
        arguments[key] = read(value, annotation, key)
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise click.UsageError(f"{name}: {error}") from None
    return await method(**arguments)


def read(value: Any, annotation: str, name: str) -> Any:
    """Return *value* as the annotation of its parameter wants it; what is no text stays as it is."""
    if not isinstance(value, str):
        return value
    first = annotation.partition(" | ")[0]
    try:
        if first == "int":
            return int(value)
        if first == "bool":
            return {"true": True, "false": False}[value.lower()]
        if first == "Decimal":
            return Decimal(value)
        if first.startswith(("Mapping", "Params", "dict")):
            return json.loads(value)
    except (ValueError, ArithmeticError, KeyError):
        raise click.UsageError(f"{name} must be {first}, not {value!r}") from None
    if first.startswith(("Sequence", "list")):
        return value.split(",")
    return value


def _jsonable(answer: object) -> object:
    from lotusx_cli.values import to_plain

    return to_plain(answer)
