"""Gaps of a survey, each with the obligations that ask for it: warnings, as work can begin without it."""

from collections.abc import Iterable, Iterator, Mapping

from inventory.dispositions.decisions import PREFIXES
from inventory.files.gathering import Cursor
from inventory.files.parts import Index
from inventory.files.reading import Mapping as MappingNode
from inventory.files.reading import Scalar
from inventory.findings import Finding, Severity
from inventory.survey.columns import label_of
from inventory.words import _

_AUDIT = ("LN-audit", "GX-zombie", "TS-survey")
SURVEY_FIELDS: Mapping[str, tuple[str, ...]] = {
    "number": _AUDIT,
    "function": _AUDIT,
    "users": _AUDIT,
    "frequency": _AUDIT,
    "approved_by": _AUDIT,
    "approved": _AUDIT,
    "funding": _AUDIT,
    "network": ("TS-survey",),
    "usage": ("LN-archive",),
}
"""What must be known of every system, and the obligation of each plan that asks for it."""
RESOURCE_FIELDS = ("provider", "category", "description", "format", "cycle", "published", "sharing", "use", "open")
"""The same of every entry of the resource catalogue."""
CATALOGUE = ("LN-catalogue-survey", "GX-catalogue", "HE-catalogue", "TS-catalogue")
LEVELS = ("LN-approval", "TS-filing", "JM-filing")
ROOMS = ("LN-rooms",)
ANSWERS = ("GX-selfcheck", "TS-lists", "LN-plan", "HE-plan", "JM-ready")
"""The obligations of plans that cannot be met while a department is silent."""
GROUNDS: Mapping[str, str] = {"none": "basis", "conditional": "conditions"}
"""What a way of sharing has to be backed by."""


def own(obligations: Iterable[str], profile: str) -> str:
    """Return the obligations that are a profile's own, in brackets behind a blank; nothing where none is."""
    mine = [each for each in dict.fromkeys(obligations) if each.startswith(f"{PREFIXES.get(profile, profile)}-")]
    return f" ({', '.join(mine)})" if mine else ""


def lacking(index: Index, *, whole: bool = True) -> Iterator[Finding]:
    """Yield a warning for each system, machine room, data resource and department of which too little is known.

    Where not all files could be read as a `whole`, no department is called silent: what it reported may stand there.
    """
    profile = next((text for document in index.rest if (text := document.text("profile")) is not None), "")
    for system in index.systems:
        if not system.truth("grading", "classified"):
            yield from _of_system(system, profile)
    for room in index.parts("rooms"):
        if _blank(room, "area") and _blank(room, "vacated"):
            reason = _("the floor area is not known: whether the room is too large cannot be told")
            mend = _("add area: and the square metres")
            yield room.key("area").finding(reason + own(ROOMS, profile), mend, Severity.WARNING)
    for resource in index.parts("resources"):
        yield from _of_resource(resource, profile)
    if whole:
        yield from _silent(index, profile)


def _of_system(system: Cursor, profile: str) -> Iterator[Finding]:
    survey = system.at("survey")
    missing = [key for key in SURVEY_FIELDS if survey is None or _blank(survey, key)]
    if missing:
        clauses = own((each for key in missing for each in SURVEY_FIELDS[key]), profile)
        reason = _("the survey lacks {fields}").format(fields=labelled(missing, "system", "survey.")) + clauses
        yield system.key("survey").finding(reason, _("ask the department, or fill it in"), Severity.WARNING)
    if _blank(system, "grading", "mlps"):
        reason = _("neither an MLPS level nor 'classified' is recorded") + own(LEVELS, profile)
        mend = _("add grading: {mlps: …} with the level of its record")
        yield system.key("grading").finding(reason, mend, Severity.WARNING)


def _of_resource(resource: Cursor, profile: str) -> Iterator[Finding]:
    sharing = resource.text("sharing") or ""
    wanted = [*RESOURCE_FIELDS, *(() if sharing in {"", "none"} else ("way",))]
    wanted += [GROUNDS[sharing]] if sharing in GROUNDS else []
    missing = [key for key in wanted if _blank(resource, key)]
    if missing:
        fields = labelled(missing, "resource")
        reason = _("the catalogue entry lacks {fields}").format(fields=fields) + own(CATALOGUE, profile)
        place = resource.at("name") or resource
        yield place.finding(reason, _("ask the department, or fill it in"), Severity.WARNING)


def _silent(index: Index, profile: str) -> Iterator[Finding]:
    if not index.systems:
        return
    heard = {system.text("department") for system in index.systems}
    heard |= {word.text() for system in index.systems for word in system.each("also_reported_by")}
    departments = index.named("departments")
    if not heard <= {*departments}:
        # A system whose department is misspelt may be that of any.
        return
    for name, department in departments.items():
        if name not in heard and _blank(department, "reported_none"):
            place = department.at("name") or department
            mend = _("ask it; where it has none, record reported_none: {date: …, source: …}")
            reason = _("the department reported no system, and not that it has none") + own(ANSWERS, profile)
            yield place.finding(reason, mend, Severity.NOTE)


def labelled(fields: Iterable[str], kind: str, above: str = "") -> str:
    """Return fields as people know them: by the names of sheets' columns where Chinese is spoken."""
    return ", ".join(label_of(kind, f"{above}{field}") or field for field in fields)


def _blank(holder: Cursor, *keys: str) -> bool:
    node = holder.below(keys)
    if isinstance(node, Scalar):
        return node.value is None or (isinstance(node.value, str) and not node.value.strip())
    return node is None or (isinstance(node, MappingNode) and not node.items)
