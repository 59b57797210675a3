"""Achievements, by whom and when: the evidence that obligations are measured by.

A record of the inventory says what no run can see; records of the same form are made of the evidence of runs. So the
measures know one kind of evidence and need not know where it comes from.
"""

from collections.abc import Iterable
from datetime import date
from functools import cached_property
from typing import Literal

from inventory.base import Model
from inventory.model import Programme, Record

Subject = Literal["system", "line", "link", "site", "department", "unit", "asset", "obligation"]


class Achievements(Model):
    """Records, to be asked by kind and subject; one that did not pass shows nothing."""

    records: tuple[Record, ...] = ()

    @cached_property
    def _passed(self) -> dict[tuple[str, str], tuple[Record, ...]]:
        index: dict[tuple[str, str], list[Record]] = {}
        for record in self.records:
            if record.passed:
                index.setdefault((record.kind, record.subject), []).append(record)
        return {key: tuple(sorted(found, key=lambda each: each.date)) for key, found in index.items()}

    def of(self, kind: str, subject: Subject, name: str) -> tuple[Record, ...]:
        """Return the passed records of a kind about a subject, the oldest first; `system:NAME` and NAME name the same.

        A plain name means every subject that bears it, because people write records so.
        """
        plain, full = self._passed.get((kind, name), ()), self._passed.get((kind, f"{subject}:{name}"), ())
        return tuple(sorted((*plain, *full), key=lambda each: each.date)) if plain and full else plain or full

    def first(self, kind: str, subject: Subject, name: str) -> date | None:
        """Return the day on which it was achieved first; None where it never was."""
        found = self.of(kind, subject, name)
        return found[0].date if found else None


def achieved(programme: Programme, runs: Iterable[Record] = ()) -> Achievements:
    """Return what the records of the inventory and those of runs show."""
    return Achievements(records=(*programme.records, *runs))
