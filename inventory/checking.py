"""Everything that is wrong with an inventory, in all its files, at once."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from inventory import addresses, conduct, rules
from inventory.base import Model
from inventory.findings import Finding, Severity, in_order
from inventory.gathering import gather
from inventory.kinds import Kind, KindError, load_kinds, playbooks_folder
from inventory.model import Programme
from inventory.parts import Index
from inventory.references import References
from inventory.shapes import Shapes
from inventory.words import _


class CheckResult(Model):
    """What a check found; the programme is there when there is no error."""

    findings: tuple[Finding, ...]
    programme: Programme | None


@contextmanager
def _uncollected() -> Iterator[None]:
    # What is read makes millions of objects without a circle among them: looking for circles would double the time.
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def check(folder: Path, kinds: Mapping[str, Kind] | None = None) -> CheckResult:
    """Read an inventory and return all that is wrong with it; kinds are those of the playbooks unless given."""
    with _uncollected():
        return _checked(folder, kinds)


def _checked(folder: Path, kinds: Mapping[str, Kind] | None) -> CheckResult:
    documents, findings = gather(folder)
    known, unusable = _kinds() if kinds is None else (kinds, ())
    shapes = Shapes()
    for document in documents:
        shapes.take(document)
    every = [*findings, *unusable, *shapes.findings]
    if documents:
        every += [*shapes.missing(documents), *_between(Index(documents), shapes, known)]
    settled = in_order(every)
    if any(finding.severity is Severity.ERROR for finding in settled):
        return CheckResult(findings=settled, programme=None)
    return CheckResult(findings=settled, programme=shapes.programme())


def _kinds() -> tuple[Mapping[str, Kind], tuple[Finding, ...]]:
    try:
        return load_kinds(playbooks_folder() / "roles"), ()
    except KindError as exc:
        reason = _("this kind of component cannot be used: {said}").format(said=exc.reason)
        return {}, (Finding(file=exc.file, line=0, column=0, field="", reason=reason, mend=_("mend its kind.yaml")),)


def _between(index: Index, shapes: Shapes, kinds: Mapping[str, Kind]) -> Iterator[Finding]:
    yield from rules.duplicates(index)
    yield from References(index, [name for name, kind in kinds.items() if kind.serves == "component"]).collect()
    yield from rules.cycles(index)
    yield from rules.secrets(index)
    yield from addresses.overlaps(index)
    yield from addresses.small_links(index)
    yield from addresses.Addresses(index).collect()
    yield from conduct.classified(index)
    yield from conduct.golden(index)
    yield from conduct.circuits(index)
    yield from conduct.settings(index, kinds)
    for place, system in shapes.systems:
        yield from conduct.moves(place, system, kinds)
