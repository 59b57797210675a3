"""Everything that is wrong with an inventory, in all its files, at once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

from inventory.base import Model
from inventory.checks import addresses, conduct, connections, exits, lacking, needs, promises, reserved, rules
from inventory.checks.decided import decided
from inventory.checks.references import References
from inventory.checks.remembered import remembered
from inventory.configured.holding import held
from inventory.dispositions.shadows import advise_shadows
from inventory.files.gathering import Cursor, uncollected
from inventory.files.parts import Index
from inventory.files.shapes import Draft, read_draft
from inventory.findings import Advice, Finding, Severity, counted, in_order
from inventory.kinds import Kind, KindError, load_kinds, playbooks_folder
from inventory.model import Programme
from inventory.obligations.profiles import faults
from inventory.words import _

Kinds = Mapping[str, Kind]
Adviser = Callable[[Programme, Kinds], Iterable[Advice]]
"""Looks at a sound programme and suggests; what it suggests is for a person to decide."""

ADVISERS: tuple[Adviser, ...] = (advise_shadows,)
"""Those whom `zhenghe check` asks."""


class CheckResult(Model):
    """What a check found; the programme is there when there is no error."""

    findings: tuple[Finding, ...]
    programme: Programme | None
    files: tuple[Path, ...] = ()
    """The files in which something of the inventory was read."""
    systems: int = 0
    """How many systems were read, sound ones or not."""

    @property
    def counts(self) -> Mapping[Severity, int]:
        """Return how many findings there are of each severity."""
        return counted(self.findings)


def check(
    folder: Path, kinds: Kinds | None = None, advisers: Iterable[Adviser] = (), day: date | None = None
) -> CheckResult:
    """Read an inventory and return all that is wrong with it; kinds are those of the playbooks unless given.

    What depends on the day, such as an exemption that is over, is told where a day is given.
    """
    with uncollected():
        return examine(read_draft(folder), kinds, advisers, day)


def examine(
    draft: Draft, kinds: Kinds | None = None, advisers: Iterable[Adviser] = (), day: date | None = None
) -> CheckResult:
    """Return all that is wrong with an inventory that has been read, as above."""
    with uncollected():
        return _examined(draft, kinds, tuple(advisers), day)


def _examined(draft: Draft, kinds: Kinds | None, advisers: tuple[Adviser, ...], day: date | None) -> CheckResult:
    documents, shapes = draft.documents, draft.shapes
    known, unusable = _kinds() if kinds is None else (kinds, ())
    index = Index(documents)
    every = [*draft.findings, *unusable]
    if documents:
        every += [
            *shapes.missing(documents, draft.lost),
            *_between(index, draft, known),
            *faults(draft.folder, documents),
        ]
    if day is not None:
        every += _named("disposition", promises.lapsed(index, day))
    programme = None
    if not any(finding.severity is Severity.ERROR for finding in every):
        programme = shapes.programme()
        every += [*_advised(programme, known, advisers, index)]
        configured = tuple(_named("configured", held(programme, index, draft.folder)))
        every += configured
        if any(finding.severity is Severity.ERROR for finding in configured):
            programme = None
    files = tuple(dict.fromkeys(document.file for document in documents))
    return CheckResult(findings=in_order(every), programme=programme, files=files, systems=len(index.systems))


def _kinds() -> tuple[Kinds, tuple[Finding, ...]]:
    try:
        return load_kinds(playbooks_folder() / "roles"), ()
    except KindError as exc:
        reason = _("this kind of component cannot be used: {said}").format(said=exc.reason)
        finding = Finding(file=exc.file, line=0, column=0, field="", reason=reason, mend=_("mend its kind.yaml"))
        return {}, (finding.model_copy(update={"rule": "kind"}),)


def _between(index: Index, draft: Draft, kinds: Kinds) -> Iterator[Finding]:
    for rule, found in _by_rule(index, draft, kinds):
        yield from _named(rule, found)


def _named(rule: str, found: Iterable[Finding]) -> Iterator[Finding]:
    return (finding.model_copy(update={"rule": rule}) for finding in found)


def _by_rule(index: Index, draft: Draft, kinds: Kinds) -> Iterator[tuple[str, Iterable[Finding]]]:
    components = [name for name, kind in kinds.items() if kind.serves == "component"]
    systems = decided(draft.shapes.systems, kinds)
    acting = needs.active(systems)
    yield "name", rules.duplicates(index)
    yield "name", reserved.reserved(index)
    yield "reference", References(index, components, draft.lost).collect()
    yield "circle", rules.cycles(index)
    yield "secret", rules.secrets(index)
    yield "address", addresses.overlaps(index)
    yield "address", addresses.small_links(index)
    yield "address", addresses.Addresses(index).collect()
    yield "classified", conduct.classified(index)
    yield "classified", remembered(index, draft.folder)
    yield "golden-project", conduct.golden(index)
    yield "circuit", conduct.circuits(index)
    yield "circuit", exits.exits(index)
    yield "setting", conduct.settings(index, kinds)
    yield "setting", connections.connections(systems, kinds)
    yield "date", promises.dates(index)
    yield "disposition", promises.reasons(index)
    for each in systems:
        yield "disposition", promises.overrides(each)
    yield "plan", needs.unplanned(systems)
    yield "plan", needs.unwired(index, acting)
    yield "plan", needs.loose_lines(index)
    yield "plan", needs.headless(index, acting)
    unread = any(finding.rule in {"yaml", "file"} for finding in draft.findings)
    yield "survey", lacking.lacking(index, whole=not unread)


def _advised(programme: Programme, kinds: Kinds, advisers: Iterable[Adviser], index: Index) -> Iterator[Finding]:
    places = index.named("systems")
    whole = next(each for each in index.rest if each.at("programme") is not None)
    for adviser in advisers:
        for advice in adviser(programme, kinds):
            place: Cursor = places[advice.system] if advice.system else whole
            for key in advice.field.split(".") if advice.field else ():
                place = place.at(key) or place.key(key)
            finding = place.finding(advice.reason, advice.mend, Severity.NOTE)
            yield finding.model_copy(update={"rule": "suggestion"})
