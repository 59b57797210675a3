"""What a survey still lacks, each with the obligations that ask for it: warnings, as work can begin without it."""

from collections.abc import Iterator, Mapping

from inventory.files.gathering import Cursor
from inventory.files.parts import Index
from inventory.files.reading import Mapping as MappingNode
from inventory.files.reading import Scalar
from inventory.findings import Finding, Severity
from inventory.words import _

SURVEY_FIELDS: Mapping[str, str] = {
    "number": "LN-audit",
    "function": "LN-audit",
    "users": "LN-audit",
    "frequency": "LN-audit",
    "approved_by": "LN-audit",
    "approved": "LN-audit",
    "funding": "LN-audit",
    "network": "TS-survey",
    "usage": "LN-archive",
}
"""What must be known of every system, and the obligation that asks for it."""
RESOURCE_FIELDS: Mapping[str, str] = dict.fromkeys(
    ("provider", "category", "description", "format", "cycle", "published", "sharing", "use", "open"),
    "LN-catalogue-survey",
)
"""The same of every entry of the resource catalogue."""
GROUNDS: Mapping[str, str] = {"none": "basis", "conditional": "conditions"}
"""What a way of sharing has to be backed by."""


def lacking(index: Index) -> Iterator[Finding]:
    """Yield a warning for each system, machine room, data resource and department of which too little is known."""
    for system in index.systems:
        if not system.truth("grading", "classified"):
            yield from _of_system(system)
    for room in index.parts("rooms"):
        if _blank(room, "area") and _blank(room, "vacated"):
            reason = _("the floor area is not known: whether the room is too large cannot be told (LN-rooms)")
            yield room.key("area").finding(reason, _("add area: and the square metres"), Severity.WARNING)
    for resource in index.parts("resources"):
        yield from _of_resource(resource)
    yield from _silent(index)


def _of_system(system: Cursor) -> Iterator[Finding]:
    survey = system.at("survey")
    missing = [key for key in SURVEY_FIELDS if survey is None or _blank(survey, key)]
    if missing:
        clauses = ", ".join(dict.fromkeys(SURVEY_FIELDS[key] for key in missing))
        reason = _("the survey lacks {fields} ({clauses})").format(fields=", ".join(missing), clauses=clauses)
        yield system.key("survey").finding(reason, _("ask the department, or fill it in"), Severity.WARNING)
    if _blank(system, "grading", "mlps"):
        reason = _("neither an MLPS level nor 'classified' is recorded (LN-approval)")
        mend = _("add grading: {mlps: …} with the level of its record")
        yield system.key("grading").finding(reason, mend, Severity.WARNING)


def _of_resource(resource: Cursor) -> Iterator[Finding]:
    sharing = resource.text("sharing") or ""
    wanted = [*RESOURCE_FIELDS, *(() if sharing in {"", "none"} else ("way",))]
    wanted += [GROUNDS[sharing]] if sharing in GROUNDS else []
    missing = [key for key in wanted if _blank(resource, key)]
    if missing:
        reason = _("the catalogue entry lacks {fields} ({clauses})").format(
            fields=", ".join(missing), clauses="LN-catalogue-survey"
        )
        place = resource.at("name") or resource
        yield place.finding(reason, _("ask the department, or fill it in"), Severity.WARNING)


def _silent(index: Index) -> Iterator[Finding]:
    if not index.systems:
        return
    heard = {system.text("department") for system in index.systems}
    heard |= {word.text() for system in index.systems for word in system.each("also_reported_by")}
    for name, department in index.named("departments").items():
        if name not in heard and _blank(department, "reported_none"):
            place = department.at("name") or department
            mend = _("ask whether it has none")
            yield place.finding(_("the department reported no system (GX-selfcheck)"), mend, Severity.NOTE)


def _blank(holder: Cursor, *keys: str) -> bool:
    node = holder.below(keys)
    if isinstance(node, Scalar):
        return node.value is None or (isinstance(node.value, str) and not node.value.strip())
    return node is None or (isinstance(node, MappingNode) and not node.items)
