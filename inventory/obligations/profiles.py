"""Finds and reads profiles: those that are shipped, by name, and a programme's own, by the path of its file."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from inventory.files.gathering import Cursor
from inventory.files.reading import read
from inventory.files.shapes import validated
from inventory.findings import Finding, InventoryErrors
from inventory.obligations.profile import Profile
from inventory.words import _, system_said

SHIPPED = Path(__file__).parents[1] / "profiles"


def shipped() -> tuple[str, ...]:
    """Return the names of the profiles that are shipped."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.yaml")))


def profile_file(name: str, folder: Path) -> Path | None:
    """Return the file of a profile; None where there is no such profile.

    A name with a dot or a slash in it is a path, relative to the inventory's folder and inside of it.
    """
    if "/" in name or "." in name:
        path = folder / name
        return path if is_file(path) and path.resolve().is_relative_to(folder.resolve()) else None
    return SHIPPED / f"{name}.yaml" if name in shipped() else None


def is_file(path: Path) -> bool:
    """Return whether there is a regular file; false for what cannot even be a path."""
    try:
        return path.is_file()
    except OSError:
        return False


def load_profile(name: str, folder: Path) -> Profile:
    """Read a profile; InventoryErrors with everything that is wrong with it, or where there is none of that name."""
    path = profile_file(name, folder)
    if path is None:
        raise InventoryErrors((unknown(name, folder),))
    return read_profile(path)


def unknown(name: str, folder: Path) -> Finding:
    """Return the finding that there is no such profile."""
    if "/" in name or "." in name:
        reason, mend = _("there is no such file of a profile"), _("it is looked for in the inventory's folder")
        return Finding(file=folder / name, line=0, column=0, field="profile", reason=reason, mend=mend)
    reason = _("there is no profile '{name}'").format(name=name)
    near = get_close_matches(name, shipped(), n=1)
    every = _("one of: {words}").format(words=", ".join(shipped()))
    mend = _("did you mean '{word}'?").format(word=near[0]) if near else every
    return Finding(file=folder, line=0, column=0, field="profile", reason=reason, mend=mend)


def faults(folder: Path, documents: Iterable[Cursor]) -> Iterator[Finding]:
    """Yield what is wrong with the profile that an inventory names: there is none, or its file has errors."""
    for document in documents:
        place, name = document.at("profile"), document.text("profile")
        if place is None or name is None:
            continue
        path = profile_file(name, folder)
        if path is None:
            said = unknown(name, folder)
            yield place.finding(said.reason, said.mend)
        elif path.parent != SHIPPED:
            try:
                read_profile(path)
            except InventoryErrors as exc:
                yield from exc.findings


def read_profile(path: Path) -> Profile:
    """Read the file of a profile; InventoryErrors with everything that is wrong with it."""
    try:
        nodes, problems = read(path.read_bytes())
    except OSError as exc:
        reason = _("it cannot be read: {said}").format(said=system_said(exc))
        raise InventoryErrors((Finding(file=path, line=0, column=0, field="", reason=reason),)) from exc
    findings = [
        Finding(file=path, line=each.spot.line, column=each.spot.column, field="", reason=each.reason, mend=each.mend)
        for each in problems
    ]
    if len(nodes) != 1 and not findings:
        reason = _("a profile is one document; here are {number}").format(number=len(nodes))
        findings.append(Finding(file=path, line=0, column=0, field="", reason=reason))
    if findings:
        raise InventoryErrors(findings)
    found = validated(Profile, Cursor(path, nodes[0]), findings)
    if found is None:
        raise InventoryErrors(findings)
    return found
