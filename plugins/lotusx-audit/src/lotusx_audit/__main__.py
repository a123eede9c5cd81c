"""Verify an audit log: ``python -m lotusx_audit verify FILE``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from lotusx_audit.chain import Link
from lotusx_audit.log import AuditError
from lotusx_audit.verifying import verify


def link(text: str) -> Link:
    """Read a record's number and hash, ``12:9f86…``.

    Raises:
        ValueError: It is something else.
    """
    number, _, digest = text.partition(":")
    if not number.isdigit() or len(digest) != 64:
        raise ValueError(f"{text!r} is not the number and hash of a record, such as 12:9f86… (64 digits)")
    return Link(int(number), digest)


def main(arguments: Sequence[str]) -> int:
    """Verify; return 1 if something is wrong, 2 if the log cannot be read."""
    parser = argparse.ArgumentParser(prog="lotusx_audit", description=__doc__)
    command = parser.add_subparsers(required=True).add_parser("verify", help="name the first record that is not right")
    command.add_argument("file", type=Path)
    command.add_argument("--expect", type=link, metavar="SEQ:HASH", help="a record that must be in it")
    command.add_argument("--after", type=link, metavar="SEQ:HASH", help="the record that the first one follows")
    options = parser.parse_args(list(arguments))
    try:
        found = verify(options.file, expect=options.expect, after=options.after)
    except AuditError as error:
        print(error, file=sys.stderr)
        return 2
    newest = f"{found.newest.seq}:{found.newest.hash}"
    print(
        json.dumps({"ok": found.ok, "problem": found.problem, "records": found.records, "newest": newest,
                    "notes": found.notes}, indent=2)
    )  # fmt: skip
    return 0 if found.ok else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
