"""Checks of what refusals mean: every documented code has its kind, and doubt about a command is never lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lotusx.errors import ErrorKind, ExchangeError
from lotusx.kernel.dialect import RestDialect
from lotusx.kernel.request import Effect, Request, Response, Verb

SERVER_ERRORS = (500, 502, 503, 504)
PAGES = (b"", b"<html>502 Bad Gateway</html>", b'{"code"', b"\xff")


@dataclass(frozen=True)
class ErrorTable:
    """The codes an exchange documents for one surface, and the plugin's table of them.

    Attributes:
        documented: Code → what the documentation says it means.
        table: The plugin's own.
        left_out: Documented codes that are none of the plugin's business, such as those of another product.
        source: The page.
    """

    name: str
    documented: Mapping[str, ErrorKind]
    table: Mapping[str, ErrorKind]
    left_out: Sequence[str] = field(default_factory=tuple)
    source: str = ""

    def __str__(self) -> str:
        return self.name

    def check(self) -> None:
        """Compare both ways.

        Raises:
            AssertionError: A documented code is missing or means something else, or one of the table is not documented.
        """
        wanted = {code: kind for code, kind in self.documented.items() if code not in self.left_out}
        problems = [f"{code} is documented as {kind}, and not in the table" for code, kind in wanted.items()
                    if code not in self.table]  # fmt: skip
        problems += [f"{code} is documented as {kind}, the table says {self.table[code]}"
                     for code, kind in wanted.items() if self.table.get(code, kind) is not kind]  # fmt: skip
        problems += [f"{code} is in the table, and not documented" for code in self.table if code not in wanted]
        problems += [f"{code} is left out, and not documented" for code in self.left_out if code not in self.documented]
        if not self.documented:
            problems.append("no code is documented")
        if problems:
            raise AssertionError(f"{self.name} ({self.source or 'no source given'}): " + "; ".join(problems))


def check_doubt(dialect: RestDialect, path: str = "/", verb: Verb = Verb.POST) -> None:
    """Answer a command with what a broken server says; the error must leave open whether it was executed.

    Raises:
        AssertionError: A reply counts as a success, or as a proof that nothing was done.
    """
    command = Request(verb, "", path, effect=Effect.COMMAND)
    for status in SERVER_ERRORS:
        for body in PAGES:
            error = dialect.error(command, Response(status, {}, body))
            if error is None or not error.may_have_executed:
                raise AssertionError(f"HTTP {status} with {body!r} leaves a command in doubt, and became {error!r}")


@dataclass(frozen=True)
class Refusal:
    """A refused request as documented, and what it must become.

    Attributes:
        reply: Whole, in the documented form.
        doubtful: Whether the command may have been executed all the same.
    """

    name: str
    request: Request
    reply: Response
    kind: ErrorKind
    code: str
    doubtful: bool = False

    def __str__(self) -> str:
        return self.name

    def check(self, dialect: RestDialect) -> None:
        """Read the reply.

        Raises:
            AssertionError: It becomes something else.
        """
        error = dialect.error(self.request, self.reply)
        if not isinstance(error, ExchangeError):
            raise AssertionError(f"{self.name}: {self.reply} became {error!r}, not a refusal")
        found, wanted = (error.kind, error.code, error.may_have_executed), (self.kind, self.code, self.doubtful)
        if found != wanted:
            raise AssertionError(f"{self.name}: kind, code and doubt are {found}, not {wanted}")
