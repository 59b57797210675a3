"""How far the units of a run have come, kept with the place in the evidence up to which it was folded.

A run of two years has a million records; of them only those are read that were written since somebody looked last. What
is kept is bound to the record that it ends with, and counts for nothing where the evidence is another one.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from inventory.base import Model
from inventory.regular import content_of
from inventory.words import _
from migrations.evidence.chain import BEGINNING, DamagedEvidence, Record, lines_of
from migrations.evidence.standing import FOLDED, RunView, Standing
from migrations.plan import Plan

MARKS = tuple(f'"kind":"{kind.KIND}"'.encode() for kind in FOLDED)
"""What is written in the records that say how far a unit has come; others are not parsed."""
WORTH_KEEPING = 1 << 20
"""So many bytes must be new before what was folded is written down again."""


class Snapshot(Model):
    """What was folded up to a place in the evidence."""

    offset: int = 0
    last: str = BEGINNING
    """Hash of the record that ends there."""
    standings: Mapping[str, Standing] = {}


def standings_in(evidence: Path, plan: Plan) -> Mapping[str, Standing]:
    """Return how far the units of a plan have come by a file of evidence; DamagedEvidence, OSError.

    Whether a unit has entered its cutover is known only where the plan has its steps.
    """
    if not evidence.exists():
        return RunView(plan.units).standings
    kept = evidence.with_name("standings.json")
    before = _read(kept, evidence)
    view = RunView(plan.units, before.standings)
    offset = before.offset
    for line, record in _since(evidence, before.offset):
        offset += len(line)
        if record is not None:
            view.take((record,))
    if offset - before.offset > WORTH_KEEPING:
        _keep(kept, Snapshot(offset=offset, last=_hash_before(evidence, offset), standings=view.standings))
    return view.standings


def _since(evidence: Path, offset: int) -> Iterator[tuple[bytes, Record | None]]:
    """Yield the whole lines from an offset on, those that count as records; the tail that a kill left is left out."""
    for line in lines_of(evidence, offset):
        counts = any(word in line for word in MARKS)
        try:
            yield line, Record.model_validate_json(line) if counts else None
        except ValidationError as exc:
            raise DamagedEvidence(evidence, _("the text between two records is not a record")) from exc


def _hash_before(evidence: Path, offset: int) -> str:
    """Return the hash of the record that ends at an offset; the beginning's where none does."""
    reach, tail = 1 << 12, b""
    with evidence.open("rb") as file:
        # A record may be long: the end of a passage tells how each of its units came out.
        while tail.count(b"\n") < 2 and len(tail) < offset:
            reach *= 8
            file.seek(max(0, offset - reach))
            tail = file.read(min(offset, reach))
    lines = tail.splitlines()
    try:
        return str(json.loads(lines[-1])["hash"]) if tail.endswith(b"\n") else BEGINNING
    except (IndexError, ValueError, KeyError, TypeError):
        return BEGINNING


def _read(kept: Path, evidence: Path) -> Snapshot:
    try:
        found = Snapshot.model_validate_json(content_of(kept))
    except (OSError, ValidationError):
        return Snapshot()
    there = evidence.stat().st_size >= found.offset > 0
    return found if there and BEGINNING != found.last == _hash_before(evidence, found.offset) else Snapshot()


def _keep(kept: Path, snapshot: Snapshot) -> None:
    scratch = kept.with_name(f"{kept.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(snapshot.model_dump_json())
        scratch.replace(kept)
    except OSError:
        # Who may only read folds again the next time.
        scratch.unlink(missing_ok=True)
