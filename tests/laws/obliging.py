"""Programmes that meet every obligation, and what of them can be taken away."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from inventory.model import Programme, Record, System
from inventory.obligations import Profile, load_profile, shipped
from inventory.obligations.dates import due_until

IDS = {
    "liaoning": "LN-cloud LN-pilot LN-plan LN-physical LN-classified LN-zombie LN-archive LN-duty LN-dr-same "
    "LN-dr-remote LN-dr-city LN-city-cloud LN-catalogue-survey LN-catalogue LN-exchange LN-connect LN-base-db "
    "LN-answer LN-ext-city LN-internet-lines LN-private-nets LN-golden LN-oa LN-web LN-big-system LN-approval LN-audit "
    "LN-assets LN-rooms LN-transition",
    "guangxi": "GX-selfcheck GX-zombie GX-zombie-money GX-catalogue GX-merge GX-exchange GX-services GX-net GX-open "
    "GX-share-site GX-portal GX-report GX-kpi GX-wall GX-ledger",
    "hebei": "HE-zombie HE-plan HE-big-system HE-net HE-exchange HE-open HE-share-site HE-catalogue HE-portal "
    "HE-report HE-evaluate",
    "tianshui": "TS-survey TS-catalogue TS-lists TS-link TS-net TS-cloud TS-evaluate TS-filing TS-money",
    "jimo": "JM-ready JM-70 JM-all JM-zombie JM-big-system JM-common JM-intranet JM-exit JM-cover JM-lines JM-identity "
    "JM-report JM-filing",
}
EVERY = [(profile, each) for profile, ids in IDS.items() for each in ids.split()]
BEGIN, LATE = date(2017, 8, 17), date(2019, 3, 1)
"""All that is done is done on the first day; what is not there on the second is missed."""
PLATFORMS = (
    "exchange", "sharing-site", "open-data", "portal", "identity", "site-cluster", "trading", "project-approval",
    "credit",
)  # fmt: skip


@cache
def profile(name: str) -> Profile:
    return load_profile(name, Path())


@dataclass(frozen=True)
class Size:
    """How large a generated programme is."""

    departments: int = 1
    systems: int = 1


def survey(number: int, **more: object) -> dict[str, Any]:
    return {
        "number": f"n{number}", "function": "f", "users": "district", "frequency": "daily", "approved_by": "a",
        "approved": "2011-05-20", "funding": "f", "channel": "c", "builder": "b", "investment": 1, "running_cost": 5,
        "network": "n", "usage": {"cpus": 1}, "surveyed": "2017-08-01", "last_used": "2017-08-01", "maintained": True,
        "in_process": True, **more,
    }  # fmt: skip


def system(name: str, department: str, number: int, **more: object) -> dict[str, Any]:
    return {
        "system": name, "title": name, "department": department, "survey": survey(number),
        "grading": {"mlps": 2, "record": "r"}, "wave": 1,
        "filing": {"number": "1", "date": "2017-08-01", "resources": ["r"], "shared": ["s"], "needed": ["n"]},
        "exchange": {"reviewed": "2017-08-01", "connected": "2017-08-02", "items": 3, "works_with": [name]}, **more,
    }  # fmt: skip


def systems_of(department: str, count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield system(f"{department}-move-{number}", department, number, disposition="rehost")
    yield system(f"{department}-heavy", department, 90, disposition="relocate")
    zombie = survey(91, frequency="never", last_used="2010-01-01", running_cost=0)
    yield system(f"{department}-zombie", department, 91, survey=zombie, disposition="retire", filing=None)
    merged: dict[str, dict[str, object]] = {
        "office": {"office": "office"},
        "website": {"common": "website"},
        "common": {"common": "meeting"},
        "swap": {"common": "exchange"},
        "shadow": {"survey": survey(92, replaceable_by=f"{department}-heavy", running_cost=0)},
    }
    for name, more in merged.items():
        yield system(f"{department}-{name}", department, 93, disposition="merge", into=f"{department}-heavy", **more)
    yield {"system": f"{department}-secret", "title": "s", "department": department, "grading": {"classified": True}}


def department(name: str) -> dict[str, Any]:
    asset = {"name": f"{name}-ups", "title": "ups", "kind": "power", "disposal": "scrap", "disposed": BEGIN}
    room = {"name": f"{name}-room", "area": 15, "assets": [asset]}
    return {
        "name": name, "title": name, "level": "city", "attached": BEGIN, "office_automation": "shared",
        "offices": [{"name": "office", "title": "o"}], "rooms": [room],
        "units": [{"name": f"{name}-unit", "title": "u", "attached": BEGIN}],
    }  # fmt: skip


def line(name: str, kind: str, **more: object) -> dict[str, Any]:
    return {"name": name, "department": "d0", "kind": kind, "rent": 10, "released": BEGIN, **more}


FOR_A_TIME = {"reason": "the state's schedule", "granted": BEGIN, "until": LATE + timedelta(days=500)}
"""Longer than any day of a law: that what is met stays met is true as long as no leave ends."""


def resource(name: str, **more: object) -> dict[str, Any]:
    return {
        "name": name, "title": name, "department": "d0", "provider": "p", "category": "c", "description": "d",
        "format": "f", "cycle": "daily", "published": BEGIN, "updated": BEGIN, "sharing": "conditional",
        "conditions": "c", "way": "query", "use": "u", "open": True, "items": 2, **more,
    }  # fmt: skip


def topics() -> Iterator[tuple[str, str]]:
    for name in shipped():
        for obligation in profile(name).obligations:
            for goal in obligation.goals:
                for each in goal.needs:
                    if each.platforms is not None:
                        yield from ((each.platforms.kinds[-1], topic) for topic in each.platforms.topics)
                        yield from ((each.platforms.kinds[0], topic) for topic in each.platforms.topics)


def platforms(names: list[str]) -> Iterator[dict[str, Any]]:
    links = [{"to": level, "level": level, "verified": BEGIN} for level in ("national", "province", "city")]
    for kind in PLATFORMS:
        yield {"name": kind, "title": kind, "kind": kind, "deployed": BEGIN, "links": links, "served": names}
    for kind, topic in sorted(set(topics())):
        yield {"name": f"{topic}-{kind}", "title": topic, "kind": kind, "topic": topic, "deployed": BEGIN}


def sites() -> list[dict[str, Any]]:
    plain: dict[str, Any] = {"title": "s", "networks": []}
    return [
        {**plain, "name": "cloud", "role": "primary", "recovery": {"site": "twin", "rpo": "1s"}},
        {**plain, "name": "twin", "role": "same-city", "level": "province"},
        {**plain, "name": "remote", "role": "remote-recovery", "level": "province"},
        {**plain, "name": "city", "role": "primary", "level": "city", "recovery": {"site": "remote", "rpo": "1s"}},
    ]


@cache
def whole(size: Size) -> Programme:
    """A programme in which everything is there, but for the records."""
    names = [f"d{number}" for number in range(size.departments)]
    libraries = [resource(f"{topic}-{kind}", library=f"{topic}-{kind}") for kind, topic in sorted(set(topics()))]
    systems = [each for name in names for each in systems_of(name, size.systems)]
    feeding = [resource(each["system"] + "-data", system=each["system"]) for each in systems if "survey" in each]
    return Programme.model_validate({
        "programme": "p", "title": "p", "profile": "jimo",
        "departments": [department(name) for name in names],
        "systems": systems, "sites": sites(), "platforms": list(platforms(names)),
        "resources": [*libraries, *feeding],
        "requests": [
            {"name": "q", "resource": libraries[0]["name"], "department": "d0", "asked": BEGIN, "answered": BEGIN,
             "granted": True},
        ],
        "network": {
            "domains": [{"name": "one", "title": "1"}, {"name": "two", "title": "2"}],
            "attachments": [
                {"device": "c", "edge": "e", "domain": "one", "prefix": "10.0.0.0/30"},
                {"device": "c", "edge": "e", "domain": "two", "prefix": "10.0.0.4/30"},
            ],
            "lines": [
                line("leased", "leased"), line("private", "private-network"), line("exit", "internet-exit"),
                line("exit-2", "internet-exit"),
                line("gold", "private-network", released=None, golden_project="金税", exemption=FOR_A_TIME),
            ],
        },
        "tasks": [
            {"obligation": each, "title": "t", "owner": "o", "due": BEGIN, "signed_off": BEGIN} for _name, each in EVERY
        ],
    })  # fmt: skip


BOTH = ("department", "information centre")
CARRIED_OUT = {
    "rehost": ("committed", "verified"), "relocate": ("relocated",), "retire": ("retired",), "merge": ("merged",),
}  # fmt: skip


def record(kind: str, subject: str, day: date = BEGIN, **more: object) -> Record:
    return Record.model_validate({"kind": kind, "subject": subject, "date": day, **more})


def successes(programme: Programme) -> Iterator[Record]:
    """All records of success that there can be."""
    for each in programme.systems:
        yield from (record(kind, f"system:{each.system}") for kind in CARRIED_OUT.get(str(each.disposition), ()))
        yield record("handed-over", each.system, by=BOTH)
        yield record("cost", each.system, amount=0)
    for site in programme.sites:
        yield from (record(kind, f"site:{site.name}") for kind in ("committed", "verified", "drill", "copy"))
    for owner in programme.departments:
        yield record("ready", owner.name)
        yield record("handed-over", owner.name, by=BOTH)
    for obligation in (each for name in IDS for each in profile(name).obligations):
        yield from (record(kind, obligation.id) for kind in ("guide", "catalogue"))
        for goal in obligation.goals:
            if goal.every is not None and goal.needs[0].record is not None:
                kind = str(goal.needs[0].record.kind)
                yield from (record(kind, obligation.id, due) for due in due_until(goal.every, LATE)[0])


EMPTY = {"provider": "", "published": None, "updated": None, "open": None, "cycle": None}


def twice(each: Any) -> tuple[Any, Any]:
    """A resource, and another department's of the same title."""
    return each, each.model_copy(update={"name": f"{each.name}-too", "department": "elsewhere"})


def fallen(programme: Programme) -> Programme:
    """The same programme as people left it: nothing is filled in, connected, released or answered."""
    systems = [
        each.model_copy(update={
            "survey": None if "move" in each.system else each.survey and each.survey.model_copy(update={
                "number": "", "running_cost": 7.0, "usage": None,
            }),
            "grading": each.grading.model_copy(update={"mlps": None, "record": ""}), "filing": None, "exchange": None,
            "wave": None,
            "disposition": "rehost" if each.grading.classified or "move" in each.system else each.disposition,
        })
        for each in programme.systems
    ]  # fmt: skip
    systems += [System(system="unknown", title="u", department="d0", office="office")]
    lines = [
        each.model_copy(update={"released": BEGIN if each.golden_project else None}) for each in programme.network.lines
    ]
    return programme.model_copy(update={
        "systems": tuple(systems), "tasks": (),
        "network": programme.network.model_copy(update={"lines": tuple(lines), "attachments": ()}),
        "departments": tuple(_fallen_department(each) for each in programme.departments),
        "platforms": tuple(
            each.model_copy(update={
                "deployed": None, "served": (),
                "links": tuple(link.model_copy(update={"verified": None}) for link in each.links),
            })
            for each in programme.platforms
        ),
        "resources": tuple(one for each in programme.resources for one in twice(each.model_copy(update=EMPTY))),
        "requests": tuple(each.model_copy(update={"answered": None}) for each in programme.requests),
        "sites": tuple(each.model_copy(update={"recovery": None}) for each in programme.sites),
    })  # fmt: skip


def _fallen_department(each: Any) -> Any:
    rooms = tuple(
        room.model_copy(update={
            "area": 60.0,
            "assets": tuple(asset.model_copy(update={"disposal": None, "disposed": None}) for asset in room.assets),
        })
        for room in each.rooms
    )  # fmt: skip
    rooms = (*rooms, rooms[0].model_copy(update={"name": f"{each.name}-cellar", "assets": ()}))
    units = tuple(unit.model_copy(update={"attached": None}) for unit in each.units)
    return each.model_copy(update={"rooms": rooms, "units": units, "attached": None, "office_automation": "own"})
