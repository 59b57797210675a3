"""Evidence is a typed language: every kind of record is a model, and runs of earlier versions stay readable."""

import gzip
import re
from collections import Counter
from pathlib import Path

import pytest

from migrations.evidence import kinds
from migrations.evidence.chain import Evidence, Soundness, verify_chain
from migrations.evidence.kinds import (
    CommandBegun,
    Kind,
    PassageEnded,
    ProbeSaw,
    RehearsalEnded,
    UnitMoved,
    UnknownRecord,
)
from migrations.run.runner import passages_of
from migrations.states import GOALS, UnitState

KEPT = Path(__file__).with_name("kept") / "evidence-before-schema-1.jsonl.gz"
ROOM = Path(kinds.__file__).parents[1]
EVERY = [each for each in vars(kinds).values() if isinstance(each, type) and issubclass(each, Kind) and each.KIND]


@pytest.fixture
def kept(tmp_path: Path) -> Evidence:
    """A whole rehearsal as the first version wrote it: 306 records without a schema, one failed attempt among them."""
    file = tmp_path / "evidence.jsonl"
    file.write_bytes(gzip.decompress(KEPT.read_bytes()))
    return Evidence(file)


def test_a_run_of_the_first_version_is_sound_and_every_record_of_it_is_understood(kept: Evidence) -> None:
    assert verify_chain(kept.path).outcome is Soundness.SOUND
    records = kept.records()
    of = {each.KIND: each for each in EVERY}
    said = [of[record.kind].of(record) for record in records]
    assert len(said) == 306
    assert None not in said
    assert [end.outcome for end in said if isinstance(end, RehearsalEnded)] == ["passed"]


def test_a_run_of_the_first_version_is_folded_as_one_of_today(kept: Evidence) -> None:
    passages = passages_of(kept.records())
    assert [(each.number, each.direction, each.is_open) for each in passages] == [
        (1, "forward", False),
        (2, "back", False),
        (3, "forward", False),
        (4, "commit", False),
    ]
    for passage in passages:
        assert passage.result is not None
        assert {unit.state for unit in passage.result.units} <= GOALS[passage.direction]
    felt = Counter(probe.passage for _record, probe in ProbeSaw.among(kept.records()))
    assert felt == {1: 9, 2: 9, 3: 9, 4: 9}


def test_no_two_kinds_share_a_word() -> None:
    assert len({each.KIND for each in EVERY}) == len(EVERY) > 20


def test_what_is_written_is_read_as_what_it_was(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path / "evidence.jsonl")
    called = CommandBegun.model_validate({"deed": "apply", "from": "192.0.2.7", "command": ("zhenghe", "apply")})
    ended = PassageEnded(number=1, abandoned=True, reason="the way back was asked for")
    for fact in (called, ended):
        evidence.write(fact)
    first, second = evidence.records()
    assert (first.what["from"], "result" in second.what) == ("192.0.2.7", False)
    assert (CommandBegun.of(first), PassageEnded.of(second), PassageEnded.of(first)) == (called, ended, None)


def test_what_a_later_version_writes_is_no_defect_but_told_with_its_record(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path / "evidence.jsonl")
    evidence.write(UnitMoved(state=UnitState.READY), unit="site:a")
    record = evidence.append("unit-state", unit="site:a", what={"state": "READY", "colour": "green"})
    with pytest.raises(UnknownRecord, match=r"record 2 \(unit-state\)"):
        UnitMoved.of(record)


def test_nobody_but_the_list_of_kinds_knows_by_which_words_records_are_kept() -> None:
    """Reading a record's `what` by a string, or writing a kind by its word, is left to the room of evidence."""
    words = "|".join(each.KIND for each in EVERY)
    known = re.compile(rf'\.append\("({words})"|\.kind (==|!=|in|not in) [^:]*"({words})"|record\.what\b')
    rooms = (file for file in ROOM.rglob("*.py") if file.parent.name != "evidence")
    assert [file.name for file in rooms if known.search(file.read_text())] == []
