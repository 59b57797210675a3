"""Small programmes and records that tests of obligations share."""

from datetime import date
from typing import Any

from inventory.model import Programme, Record
from inventory.obligations import Achievements, Profile, Standing, ground_of, standings

PLAN_DATE = date(2018, 1, 1)


def programme(**fields: object) -> Programme:
    return Programme.model_validate({"programme": "p", "title": "p", "profile": "jimo", **fields})


def record(kind: str, subject: str, day: str = "2018-01-02", **more: object) -> Record:
    return Record.model_validate({"kind": kind, "subject": subject, "date": day, **more})


def systems(count: int, **fields: object) -> list[dict[str, Any]]:
    return [
        {"system": f"s{number}", "title": f"系统{number}", "department": "d", "disposition": "rehost", **fields}
        for number in range(count)
    ]


def plan(*goals: dict[str, Any]) -> Profile:
    obligation = {"id": "X-one", "clause": "1", "text": {"zh": "一", "en": "one"}, "goals": goals}
    head = {"profile": "x", "title": {"zh": "一", "en": "x"}, "date": PLAN_DATE}
    return Profile.model_validate({**head, "obligations": [obligation]})


def judged(goals: list[dict[str, Any]], on: Programme, day: str, *records: Record) -> Standing:
    profile = plan(*goals)
    seen = Achievements(records=(*on.records, *records))
    return standings(profile, ground_of(profile, on, seen), date.fromisoformat(day))[0]
