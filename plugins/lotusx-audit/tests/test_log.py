"""The log is as it was written, or the first record that is not is named."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from lotusx_audit import AuditError, AuditLog, verify
from lotusx_audit.chain import GENESIS, Link, read, seal
from lotusx_audit.log import read_head, rotated


def write(path: Path, count: int = 5) -> Path:
    log = AuditLog(path)
    for number in range(count):
        log.append([{"type": "note", "number": number, "text": "ä ☃"}])
    log.close()
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "audit.jsonl")


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_what_was_written_verifies_and_nobody_else_may_read_it(path: Path) -> None:
    found = verify(path)
    assert (found.ok, found.records, found.newest, found.notes) == (True, 5, read_head(path), ())
    assert [json.loads(line)["number"] for line in lines(path)] == list(range(5))
    assert json.loads(lines(path)[0])["prev"] == GENESIS
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_any_change_of_a_single_byte_is_found(path: Path) -> None:
    original = path.read_bytes()
    first = original.index(b"\n") + 1
    second = original.index(b"\n", first)
    for at in range(first, second):
        changed = bytearray(original)
        changed[at] ^= 1
        path.write_bytes(changed)
        found = verify(path)
        assert found.problem.startswith("audit.jsonl, line 2 (record 2): "), (at, found)
        assert found.records == 1


def test_a_record_that_says_the_same_in_another_form_is_not_as_it_was_written(path: Path) -> None:
    every = lines(path)
    every[2] = json.dumps(json.loads(every[2])).encode() + b"\n"
    path.write_bytes(b"".join(every))
    assert verify(path).problem.endswith("it is not in the form it was written in")


@pytest.mark.parametrize("how", ["removed", "swapped", "repeated", "forged"])
def test_records_that_do_not_follow_each_other_are_named(path: Path, how: str) -> None:
    one, two, three, *rest = lines(path)
    forged, _ = seal({"type": "note", "number": 1, "text": "another"}, Link(1, json.loads(one)["hash"]))
    every = {
        "removed": [one, three, *rest],
        "swapped": [one, three, two, *rest],
        "repeated": [one, two, two, three, *rest],
        "forged": [one, forged, three, *rest],
    }[how]
    path.write_bytes(b"".join(every))
    found = verify(path)
    line = 3 if how in ("repeated", "forged") else 2
    assert f"line {line}" in found.problem
    assert "does not follow" in found.problem


def test_records_cut_off_are_noticed_by_the_head_and_by_what_was_noted_elsewhere(path: Path) -> None:
    newest = verify(path).newest
    path.write_bytes(b"".join(lines(path)[:-2]))
    assert "newest record is 3" in verify(path).problem
    path.with_name("audit.jsonl.head").unlink()
    found = verify(path)
    assert found.ok
    assert "no head file" in found.notes[0]
    assert "cut off" in verify(path, expect=newest).problem


def test_a_log_written_anew_is_noticed_by_what_was_noted_elsewhere(path: Path, tmp_path: Path) -> None:
    newest = verify(path).newest
    path.unlink()
    path.with_name("audit.jsonl.head").unlink()
    other = write(path, 6)
    assert verify(other).ok
    assert "another record was expected" in verify(other, expect=Link(newest.seq, "0" * 64)).problem


def test_going_on_after_records_were_cut_off_does_not_hide_it(path: Path) -> None:
    path.write_bytes(b"".join(lines(path)[:-2]))
    write(path, 3)
    found = verify(path)
    assert "records 4 to 5 were gone" in found.problem
    assert "line 4" in found.problem


def test_a_log_that_is_gone_is_noticed(path: Path) -> None:
    path.unlink()
    write(path, 1)
    assert "records 1 to 5 were gone" in verify(path).problem


def test_an_unfinished_record_is_set_aside_and_what_was_whole_stays(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"type":"note","num')
    found = verify(path)
    assert found.ok
    assert "unfinished record" in found.notes[0]
    write(path, 1)
    assert path.read_bytes().startswith(whole)
    torn = json.loads(lines(path)[5])
    assert (torn["type"], torn["bytes"], torn["text"]) == ("torn", 19, '{"type":"note","num')
    found = verify(path)
    assert (found.ok, found.records) == (True, 7)


def test_a_newest_record_that_is_damaged_is_not_built_upon(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"number":4', b'"number":5'))
    log = AuditLog(path)
    with pytest.raises(AuditError, match="is damaged"):
        log.append([{"type": "note"}])
    log.close()


@pytest.mark.parametrize("content", [b"alias ll='ls -l'", b"one\ntwo", b'{"a": 1}', b"one\n", b'{"a":1}\n{"b"'])
def test_a_file_that_is_no_audit_log_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine"
    path.write_bytes(content)
    log = AuditLog(path)
    with pytest.raises(AuditError, match="mine"):
        log.append([{"type": "note"}])
    log.close()
    assert path.read_bytes() == content


@pytest.mark.parametrize("torn", [b"{", b'{"at_ns":17', b'{"number":0}'[:-1]])
def test_a_first_record_that_is_unfinished_is_set_aside(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(torn)
    write(path, 1)
    found = verify(path)
    assert (found.ok, found.records) == (True, 2)


def test_several_writers_make_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    one, other = AuditLog(path), AuditLog(path)
    for number in range(20):
        (one if number % 3 else other).append([{"number": number}, {"half": number}])
    one.close()
    other.close()
    assert verify(path).records == 40
    assert [json.loads(line).get("number") for line in lines(path)][::2] == list(range(20))


def test_a_full_file_is_set_aside_and_the_chain_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    one, other = AuditLog(path, max_bytes=500), AuditLog(path, max_bytes=500)
    for number in range(12):
        (one if number % 2 else other).append([{"number": number}])
    one.close()
    other.close()
    files = rotated(path)
    assert len(files) >= 2
    assert [each.name for each in files][:2] == ["audit.jsonl.1", "audit.jsonl.2"]
    found = verify(path)
    assert (found.ok, found.records) == (True, 12 + len(files))
    first = json.loads(lines(files[0])[-1])
    files[0].unlink()
    assert "follows record" in verify(path).problem
    assert verify(path, after=Link(first["seq"], first["hash"])).ok


def test_a_crash_between_setting_aside_and_going_on_is_survived(path: Path) -> None:
    os.rename(path, path.with_name("audit.jsonl.1"))
    assert verify(path).ok
    write(path, 1)
    found = verify(path)
    assert (found.ok, found.records) == (True, 7)
    assert json.loads(lines(path)[0])["type"] == "continued"


def test_a_writer_that_does_not_let_go_is_an_error_and_no_wait_for_ever(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lotusx_audit.log.LOCK_S", 0.01)
    holder, log = AuditLog(path), AuditLog(path)
    holder._acquire()
    with pytest.raises(AuditError, match="held by another writer"):
        log.append([{"type": "note"}])
    holder.close()
    assert log.append([{"type": "note"}]).seq == 6
    log.close()


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="there is no audit log"):
        verify(tmp_path / "none")
    with pytest.raises(AuditError, match="cannot be opened"):
        AuditLog(write(tmp_path / "a") / "below" / "b")
    path = write(tmp_path / "audit.jsonl", 1)
    path.with_name("audit.jsonl.head").write_bytes(b"rubbish")
    assert "is damaged" in verify(path).notes[0]
    path.write_bytes(b"[]\n")
    assert "not a record of an audit log" in verify(path).problem


@pytest.mark.parametrize("line", [b"", b"{", b'{"hash":"0"}', b'{"hash":"0","seq":true}'])
def test_what_is_no_record_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="it is not"):
        read(line)
