"""Systems that are or were called classified, as `survey.lock.json` remembers them."""

from collections.abc import Iterator
from pathlib import Path

from inventory.files.gathering import Cursor
from inventory.files.parts import Index
from inventory.findings import Finding, InventoryErrors, Severity
from inventory.survey.merging.memory import FILE, Memory
from inventory.survey.merging.secrecy import FIELD, KEPT
from inventory.words import _


def remembered(index: Index, folder: Path) -> Iterator[Finding]:
    """Systems that were declassified without a record of it, and what is still remembered of classified ones."""
    if not (folder / FILE).exists():
        return
    try:
        memory = Memory.read(folder)
    except InventoryErrors as exc:
        yield from exc.findings
        return
    systems = {f"system/{name}": system for name, system in index.named("systems").items()}
    told: set[str] = set()
    for key, _department, said in memory.each():
        system = systems.get(key)
        if system is None or key in told:
            continue
        classified = system.truth("grading", "classified")
        if (found := _opened(system) if said.get(FIELD) is True and not classified else None) is not None:
            told.add(key)
            yield found
        elif classified and said.keys() - KEPT:
            told.add(key)
            reason = _("it still tells what sheets said of '{name}', which is classified").format(name=key)
            mend = _("import any sheet again, or call 'zhenghe survey': either forgets it")
            yield Finding(
                file=folder / FILE, line=0, column=0, field="", reason=reason, mend=mend, severity=Severity.WARNING
            )


def _opened(system: Cursor) -> Finding | None:
    """Return what is wrong with an open system that sheets called classified; None where a person answers for it."""
    said = [system.down("grading", "declassified", key) for key in ("by", "date", "reason")]
    if all(each is not None and str(each.node.plain or "").strip() for each in said):
        return None
    reason = _("a sheet called it classified, and nobody has recorded that it is not")
    mend = _("add grading: {declassified: {by: …, date: …, reason: …}}, or classified: true")
    return system.key("grading").finding(reason, mend)
