"""Whether an audit log is as it was written: names the first record that is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lotusx_audit.chain import GENESIS, Link, link_of, read
from lotusx_audit.log import AuditError, read_head, rotated


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found.

    Attributes:
        problem: What is wrong first, with its file and line; empty: nothing.
        records: How many records are proved to be as they were written, from the first on.
        newest: The last of them. Who keeps its number and hash elsewhere can prove later that nothing was cut off.
        notes: What is worth knowing and no proof of anything.
    """

    problem: str
    records: int
    newest: Link
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem


@dataclass(slots=True)
class _State:
    link: Link = field(default_factory=Link)
    records: int = 0
    problem: str = ""
    notes: list[str] = field(default_factory=list)
    expected: Link | None = None
    head: Link | None = None


def verify(path: Path, *, expect: Link | None = None, after: Link | None = None) -> Verification:
    """Verify the log at *path* with the files set aside before it, record by record, in bounded memory.

    Args:
        expect: A record that must be in it, as noted elsewhere.
        after: The record its first one follows, where earlier files were moved away.

    Raises:
        AuditError: A file cannot be read.
    """
    files = [*rotated(path), *([path] if path.exists() else [])]
    if not files:
        raise AuditError(f"there is no audit log {path}")
    state = _State(expected=expect, link=after or Link())
    try:
        state.head = read_head(path)
        if state.head is None:
            state.notes.append("there is no head file: whether the newest records were cut off cannot be told")
    except AuditError as error:
        state.notes.append(str(error))
    for file in files:
        _verify_file(file, state, is_last=file is files[-1])
        if state.problem:
            break
    if not state.problem:
        _verify_end(path, state)
    return Verification(state.problem, state.records, state.link, tuple(state.notes))


def _verify_file(file: Path, state: _State, *, is_last: bool) -> None:
    for number, line, complete in _lines(file):
        where = f"{file.name}, line {number} (record {state.link.seq + 1})"
        if not complete:
            if is_last:
                state.notes.append(
                    f"{where}: an unfinished record, as a crash leaves it; the next writer sets it aside"
                )
                return
            state.problem = f"{where}: it is not finished"
            return
        try:
            record = read(line)
        except ValueError as error:
            state.problem = f"{where}: {error}"
            return
        found = link_of(record)
        if record.get("prev") != state.link.hash or found.seq != state.link.seq + 1:
            what = "it does not follow the record before it: records were removed, inserted or put in another order"
            if state.records == 0 and record.get("prev") != GENESIS:
                what = f"it follows record {found.seq - 1}, which is not here"
            state.problem = f"{where}: {what}"
            return
        state.link = found
        state.records += 1
        for wanted in (state.expected, state.head):
            if wanted is not None and wanted.seq == found.seq and wanted.hash != found.hash:
                whose = "the head file says" if wanted is state.head else "was expected"
                state.problem = f"{where}: another record {whose}: {wanted.hash}"
                return
        if record.get("type") == "missing":
            state.problem = (
                f"{where}: records {record.get('last_seq', 0) + 1} to {record.get('head_seq')} were gone when it was "
                "written: cut off, or lost with the machine's power"
            )
            return
        if record.get("type") in ("torn", "gap"):
            state.notes.append(f"{where}: {record['type']}")


def _verify_end(path: Path, state: _State) -> None:
    for wanted, whose in ((state.head, f"{path.name}.head"), (state.expected, "what was noted elsewhere")):
        if wanted is not None and wanted.seq > state.link.seq:
            state.problem = (
                f"{path.name}: its newest record is {state.link.seq}, {whose} says there were {wanted.seq}: "
                "records were cut off"
            )
            return


def _lines(file: Path) -> Iterator[tuple[int, bytes, bool]]:
    try:
        with file.open("rb") as content:
            for number, line in enumerate(content, 1):
                yield number, line.rstrip(b"\n"), line.endswith(b"\n")
    except OSError as error:
        raise AuditError(f"{file} cannot be read: {error.strerror}") from error
