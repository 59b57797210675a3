"""Facts of a programme and its evidence that measures ask for again and again, worked out once."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

from inventory.blanks import says_nothing
from inventory.derived.links import LinkedSites, linked_sites
from inventory.dispositions import decisions as dispositions
from inventory.dispositions.zombies import Verdict, criteria_of
from inventory.kinds import Kind
from inventory.model import DataResource, Department, Disposition, Exemption, Programme, Site, System
from inventory.obligations.achievements import Achievements, Subject


@dataclass(frozen=True)
class Ground:
    """What does not depend on the day: the programme, the evidence, and what follows from them."""

    programme: Programme
    achievements: Achievements
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    obligations: tuple[str, ...] = ()
    """Ids of all obligations of the profile, for the ledger."""
    last_days: Mapping[str, date] = field(default_factory=dict)
    """The last day of each obligation that has one."""

    @cached_property
    def disposition(self) -> Mapping[str, Disposition]:
        """Map systems to what becomes of them."""
        return {
            each.system: dispositions.disposition_of(each, self.kinds).disposition for each in self.programme.systems
        }

    @cached_property
    def ruled(self) -> Mapping[str, Disposition]:
        """Map systems to what the rule makes of them, whatever a person wrote."""
        return {each.system: dispositions.rule_for(each, self.kinds).disposition for each in self.programme.systems}

    @cached_property
    def zombies(self) -> Mapping[str, bool | None]:
        """Map systems to whether a criterion of zombies holds; none where none does and one is not known."""
        return {each.system: _zombie(each) for each in self.programme.systems}

    @cached_property
    def unheard(self) -> tuple[Department, ...]:
        """Return the departments of which no system is known."""
        heard = {each.department for each in self.programme.systems}
        heard |= {name for each in self.programme.systems for name in each.also_reported_by}
        return tuple(each for each in self.programme.departments if each.name not in heard)

    @cached_property
    def sourceless(self) -> frozenset[str]:
        """Return the departments that offer data of which nobody wrote from which system they come."""
        return frozenset(each.department for each in self.programme.resources if each.system is None)

    @cached_property
    def systems(self) -> Mapping[str, tuple[System, ...]]:
        """Map departments to their systems."""
        found: dict[str, list[System]] = defaultdict(list)
        for system in self.programme.systems:
            found[system.department].append(system)
        return {name: tuple(each) for name, each in found.items()}

    @cached_property
    def resources(self) -> Mapping[str, tuple[DataResource, ...]]:
        """Map systems to the resources that come from them."""
        found: dict[str, list[DataResource]] = defaultdict(list)
        for resource in self.programme.resources:
            if resource.system is not None:
                found[resource.system].append(resource)
        return {name: tuple(each) for name, each in found.items()}

    @cached_property
    def sharing(self) -> Mapping[str, str | None]:
        """Map resources to the way in which they are shared; none where that is not said."""
        return {each.name: each.sharing for each in self.programme.resources}

    @cached_property
    def feeding(self) -> Mapping[str, tuple[DataResource, ...]]:
        """Map libraries to the resources that feed them."""
        found: dict[str, list[DataResource]] = defaultdict(list)
        for resource in self.programme.resources:
            if resource.library is not None:
                found[resource.library].append(resource)
        return {name: tuple(each) for name, each in found.items()}

    @cached_property
    def sources(self) -> Mapping[str, frozenset[str]]:
        """Map titles of resources, without blanks and case, to the departments that offer one so named."""
        found: dict[str, set[str]] = defaultdict(set)
        for resource in self.programme.resources:
            found[plain(resource.title)].add(resource.department)
        return {title: frozenset(departments) for title, departments in found.items()}

    @cached_property
    def departments(self) -> Mapping[str, Department]:
        """Map names to departments."""
        return {each.name: each for each in self.programme.departments}

    @cached_property
    def sites(self) -> Mapping[str, Site]:
        """Map names to sites."""
        return {each.name: each for each in self.programme.sites}

    @cached_property
    def links(self) -> tuple[LinkedSites, ...]:
        """Return the links between sites."""
        return linked_sites(self.programme)

    @cached_property
    def serving(self) -> frozenset[tuple[str, str]]:
        """Return pairs of a platform's kind and a department that one of that kind serves."""
        return frozenset((each.kind, name) for each in self.programme.platforms for name in each.served)

    @cached_property
    def moved(self) -> Mapping[str, date | None]:
        """Map departments to the day on which the last of their systems was committed; none while one is not."""
        return {name: self._moved(systems) for name, systems in self.systems.items()}

    def _moved(self, systems: tuple[System, ...]) -> date | None:
        days = {each.system: self.achievements.first("committed", "system", each.system) for each in systems}
        # What has moved starts the time, also where a person wrote afterwards that it does not move.
        counted = [
            day for name, day in days.items()
            if self.disposition[name] in dispositions.MOVES or (day and self.ruled[name] in dispositions.MOVES)
        ]  # fmt: skip
        return max((day for day in counted if day is not None), default=None) if None not in counted else None


def _zombie(system: System) -> bool | None:
    verdicts = {answer.verdict for _name, answer in criteria_of(system.survey)}
    if Verdict.APPLIES in verdicts:
        return True
    return None if Verdict.OPEN in verdicts else False


def plain(title: str) -> str:
    """Return a title without blanks and case, so that two ways of writing it are one."""
    return "".join(title.split()).casefold()


@dataclass(frozen=True)
class Facts:
    """The ground as it was on one day: what happened later does not count."""

    ground: Ground
    day: date

    def at(self, day: date) -> "Facts":
        """Return the facts of another day."""
        return replace(self, day=day)

    def past(self, day: date | None) -> bool:
        """Return whether a day is known and has come."""
        return day is not None and day <= self.day

    def shown(self, kind: str, subject: Subject, name: str) -> bool:
        """Return whether a passed record of that kind about a subject is there."""
        return self.past(self.ground.achievements.first(kind, subject, name))

    @cached_property
    def silent(self) -> frozenset[str]:
        """Return the departments of which no system is known and that have not said by this day that they have none."""
        return frozenset(each.name for each in self.ground.unheard if not self.answered_none(each))

    def answered_none(self, department: Department) -> bool:
        """Return whether a department has said by this day that it has no system, or was reported on otherwise."""
        none = department.reported_none
        said = none is not None and self.past(none.date) and not says_nothing(none.source)
        return said or self.shown("report", "department", department.name)

    def parties(self, kind: str, subject: Subject, name: str) -> int:
        """Return how many parties the fullest record of that kind names; 0 where there is none."""
        found = self.ground.achievements.of(kind, subject, name)
        parties = [
            {party.strip() for party in each.by if not says_nothing(party)} for each in found if each.date <= self.day
        ]
        return max(map(len, parties), default=0)

    def cost(self, subject: Subject, name: str) -> float | None:
        """Return the yuan a year that were recorded last for a subject; None where nothing was."""
        found = self.ground.achievements.of("cost", subject, name)
        known = [each.amount for each in found if each.date <= self.day and each.amount is not None]
        return known[-1] if known else None

    def exempt(self, exemption: Exemption | None) -> bool:
        """Return whether an exemption is there and in force."""
        if exemption is None or says_nothing(exemption.reason) or not self.past(exemption.granted):
            return False
        return exemption.until is None or self.day <= exemption.until
