"""The evidence log: whole after any kill, and honest after any change."""

import multiprocessing
from pathlib import Path

import pytest

from migrations.evidence.chain import DamagedEvidence, Evidence, Head, Soundness, read, read_kinds, verify_chain
from migrations.evidence.kinds import PassageBegun, TroubleGone


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    log = Evidence(tmp_path / "evidence.jsonl")
    for number in range(3):
        log.append("seen", unit="system:archive", step="system:archive/prepare", what={"number": number, "字": "符"})
    return log


def test_records_are_read_as_they_were_written(evidence: Evidence) -> None:
    records = evidence.records()
    assert [record.seq for record in records] == [1, 2, 3]
    assert [record.what["number"] for record in records] == [0, 1, 2]
    assert {record.unit for record in records} == {"system:archive"}
    assert verify_chain(evidence.path).outcome is Soundness.SOUND
    assert verify_chain(evidence.path).head == records[-1].hash


@pytest.mark.parametrize("cut", range(1, 60))
def test_torn_last_line_is_left_out_then_mended(evidence: Evidence, cut: int) -> None:
    whole = evidence.path.read_bytes()
    evidence.path.write_bytes(whole[:-cut])
    assert len(list(read(evidence.path))) == 2
    assert verify_chain(evidence.path).outcome is Soundness.TORN
    evidence.append("seen")
    assert [record.kind for record in evidence.records()] == ["seen", "seen", "evidence-mended", "seen"]
    assert verify_chain(evidence.path).outcome is Soundness.SOUND


def test_torn_first_line_is_mended(tmp_path: Path) -> None:
    log = Evidence(tmp_path / "evidence.jsonl")
    log.path.write_bytes(b'{"seq": 1, "ti')
    log.append("seen")
    assert [record.seq for record in log.records()] == [1, 2]
    assert verify_chain(log.path).outcome is Soundness.SOUND


def test_long_last_record_is_found_from_the_end(tmp_path: Path) -> None:
    log = Evidence(tmp_path / "evidence.jsonl")
    for length in (10, 5000, 100_000, 10):
        log.append("seen", what={"text": "x" * length})
    assert verify_chain(log.path).records == 4
    assert verify_chain(log.path).outcome is Soundness.SOUND


def test_change_of_a_record_is_seen(evidence: Evidence) -> None:
    lines = evidence.path.read_text().splitlines()
    evidence.path.write_text("\n".join([lines[0], lines[1].replace('"number":1', '"number":7'), lines[2]]) + "\n")
    verdict = verify_chain(evidence.path)
    assert (verdict.outcome, verdict.records) == (Soundness.BROKEN, 1)


def test_record_with_a_new_hash_does_not_fit_the_next(evidence: Evidence) -> None:
    lines = evidence.path.read_text().splitlines()
    forged = Evidence(evidence.path.with_name("forged"))
    forged.path.write_text(lines[0] + "\n")
    forged.append("seen", unit="system:archive", step="system:archive/prepare", what={"number": 7})
    evidence.path.write_text(forged.path.read_text() + lines[2] + "\n")
    assert verify_chain(evidence.path).outcome is Soundness.BROKEN


def test_removed_record_is_seen(evidence: Evidence) -> None:
    lines = evidence.path.read_text().splitlines()
    evidence.path.write_text("\n".join([lines[0], lines[2]]) + "\n")
    assert verify_chain(evidence.path).outcome is Soundness.BROKEN


def test_only_what_is_asked_for_is_looked_into_and_noise_is_told_all_the_same(evidence: Evidence) -> None:
    # What another record tells may have the same words in it.
    evidence.append("seen", what={"kind": "passage-begun", "text": '"kind":"passage-begun"'})
    begun = evidence.append("passage-begun", what={"number": 1, "direction": "forward"})
    assert evidence.records_of(PassageBegun) == (begun,)
    found, place = evidence.follow(0, (PassageBegun,))
    assert (found, place) == ((begun,), evidence.path.stat().st_size)
    assert evidence.follow(place, (PassageBegun,)) == ((), place)
    with evidence.path.open("ab") as file:
        file.write(b"noise\n")
    with pytest.raises(DamagedEvidence):
        evidence.follow(place, (PassageBegun,))
    # A tail that a kill left is not the end of the record before it.
    assert evidence.records_of(PassageBegun) == (begun,)


NOISES = (b"\0" * 300, b"\0\0garbage\n", b"\n\n", b'{"seq": 4}\n{"se', b"\xff\n" * 3000)
NOISE = pytest.mark.parametrize("noise", NOISES)


@NOISE
def test_noise_behind_the_last_record_is_moved_away_and_told(evidence: Evidence, noise: bytes) -> None:
    with evidence.path.open("ab") as file:
        file.write(noise)
    assert len(evidence.records()) == 3
    assert (verify_chain(evidence.path).outcome, verify_chain(evidence.path).records) == (Soundness.TORN, 3)
    end = evidence.ready()
    assert end == evidence.path.stat().st_size
    assert evidence.records()[-1].kind == "evidence-mended"
    assert evidence.records()[-1].what == {"bytes": len(noise)}
    assert verify_chain(evidence.path).outcome is Soundness.SOUND
    assert evidence.path.with_name("evidence.jsonl.removed").read_bytes() == noise + b"\n"
    record = evidence.append("seen")
    assert evidence.follow(end) == ((record,), evidence.path.stat().st_size)


@NOISE
def test_noise_between_records_is_named_and_nobody_writes_behind_it(evidence: Evidence, noise: bytes) -> None:
    lines = evidence.path.read_bytes().splitlines(keepends=True)
    noise = noise if noise.endswith(b"\n") else noise + b"\n"
    damaged = lines[0] + noise + lines[2]
    evidence.path.write_bytes(damaged)
    with pytest.raises(DamagedEvidence, match="record 2: it is not a record"):
        evidence.records()
    with pytest.raises(DamagedEvidence, match="record 2: it is not a record"):
        evidence.ready()
    assert verify_chain(evidence.path).outcome is Soundness.BROKEN
    assert evidence.path.read_bytes() == damaged


def test_a_changed_record_is_named_before_anything_is_written(evidence: Evidence) -> None:
    changed = evidence.path.read_bytes().replace(b'"number":1', b'"number":7')
    evidence.path.write_bytes(changed)
    with pytest.raises(DamagedEvidence, match="record 2: it was changed after it was written"):
        evidence.ready()
    assert evidence.path.read_bytes() == changed


def test_a_file_without_a_single_record_is_not_emptied(tmp_path: Path) -> None:
    log = Evidence(tmp_path / "evidence.jsonl")
    log.path.write_bytes(b"something else\n")
    with pytest.raises(DamagedEvidence, match="record 1"):
        log.append("seen")
    assert log.path.read_bytes() == b"something else\n"


def test_a_run_without_evidence_begins_at_the_beginning(tmp_path: Path) -> None:
    assert Evidence(tmp_path / "evidence.jsonl").ready() == 0


def _append_many(path: Path, name: str) -> None:
    log = Evidence(path)
    for number in range(30):
        log.append("seen", unit=name, what={"number": number})


def test_processes_append_at_once(tmp_path: Path) -> None:
    path = tmp_path / "evidence.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_append_many, args=(path, f"writer-{n}")) for n in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert verify_chain(path).outcome is Soundness.SOUND
    records = list(read(path))
    assert len(records) == 90
    for n in range(3):
        assert [r.what["number"] for r in records if r.unit == f"writer-{n}"] == list(range(30))


def test_follow_gives_each_whole_record_once(evidence: Evidence) -> None:
    first, offset = evidence.follow(0)
    with evidence.path.open("ab") as file:
        file.write(b'{"seq": 4, ')
    assert evidence.follow(offset) == ((), offset)
    evidence.append("seen")
    later, _ = evidence.follow(offset)
    assert [record.seq for record in (*first, *later)] == [1, 2, 3, 4, 5]


def test_records_of_some_kinds_are_found_without_a_look_into_the_others(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path / "evidence.jsonl")
    evidence.append("other", what={"text": '"kind":"trouble-gone"'})
    evidence.write(TroubleGone(what="copy"), unit="system:a")
    evidence.append("step-done", what={"not": "as this version writes it"})
    with evidence.path.open("ab") as file:
        file.write(b'{"seq":4,"time":"torn')
    assert [record.seq for record in read_kinds(evidence.path, (TroubleGone,))] == [2]
    with evidence.path.open("ab") as file:
        file.write(b"\n" + evidence.path.read_bytes().splitlines()[1] + b"\n")
    with pytest.raises(DamagedEvidence):
        list(read_kinds(evidence.path, (TroubleGone,)))


def test_a_chain_is_checked_from_a_place_on(evidence: Evidence) -> None:
    lines = evidence.path.read_bytes().splitlines(keepends=True)
    second = evidence.records()[1]
    head = Head(2, second.hash, sum(map(len, lines[:2])), "")
    whole, rest = verify_chain(evidence.path), verify_chain(evidence.path, head)
    assert (rest.outcome, rest.records, rest.head) == (whole.outcome, whole.records, whole.head)
    evidence.path.write_bytes(b"".join((*lines[:2], lines[2].replace(b"archive", b"archivf"))))
    assert verify_chain(evidence.path, head).outcome is Soundness.BROKEN
