"""What is not as it was left: differences from what was done, ways back that no longer work, what is not known."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime

from inventory.base import Model
from inventory.words import _N, _

What = Literal["drift", "way back", "not known", "proof", "copy", "cut off", "held back", "overdue", "users"]


class Trouble(Model):
    """One thing that is not as it must be, about one unit."""

    run: str
    unit: str
    what: What
    about: str = ""
    """The step that was looked at, or the probe that looked."""
    text: str
    since: AwareDatetime | None = None
    """When it was seen first; it may have been so before."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Return what makes it the same trouble at the next look, whatever its words are then."""
        return (self.run, self.unit, self.what, self.about)

    def for_others(self) -> Mapping[str, str]:
        """Return it as texts, for a monitoring system."""
        since = "" if self.since is None else self.since.isoformat()
        return {**self.model_dump(exclude={"since"}), "since": since}


class Looked(Model):
    """What one look saw."""

    time: AwareDatetime | None = None
    units: int = 0
    """So many units were looked at."""
    troubles: tuple[Trouble, ...] = ()
    left_out: tuple[str, ...] = ()
    """What was not looked at, and why."""


def changed(before: Looked, now: Looked) -> Iterator[tuple[Literal["began", "ended"], Trouble]]:
    """Yield the troubles that have come and those that have gone from one look to the next."""
    old = {each.key: each for each in before.troubles}
    new = {each.key: each for each in now.troubles}
    yield from (("began", each) for key, each in new.items() if key not in old)
    yield from (("ended", each) for key, each in old.items() if key not in new)


def told(looked: Looked) -> Iterator[str]:
    """Say in sentences what a look saw, the ways back first: nothing else is so urgent."""
    broken = tuple(each for each in looked.troubles if each.what == "way back")
    if broken:
        since = min((each.since for each in broken if each.since is not None), default=None)
        text = _("the way back of {count} units is broken since {since}: {units}")
        if len(broken) == 1:
            text = _("the way back of {units} is broken since {since}")
        units = ", ".join(sorted({each.unit for each in broken}))
        yield text.format(count=len({each.unit for each in broken}), since=_when(since), units=units)
    for each in sorted(looked.troubles, key=lambda one: (_ORDER.index(one.what), one.unit, one.about)):
        text = _("not known: {unit}: {text}") if each.what == "not known" else "{unit}: {text}"
        yield text.format(unit=each.unit, text=each.text)
    yield from looked.left_out
    if not looked.troubles and looked.units:
        yield _("{count} units were looked at: all are as they were left").format(count=looked.units)


_ORDER: tuple[What, ...] = (
    "way back", "users", "cut off", "held back", "copy", "drift", "overdue", "proof", "not known",
)  # fmt: skip


def _when(moment: datetime | None) -> str:
    """Return the day of the week within the last week, else the date, by this machine's clock."""
    if moment is None:
        return _("now")
    local = moment.astimezone()
    if datetime.now(UTC) - moment < timedelta(days=6):
        return f"{_(_DAYS[local.weekday()])}, {local:%H:%M}"
    return f"{local:%Y-%m-%d}"


_DAYS = (
    _N("Monday"), _N("Tuesday"), _N("Wednesday"), _N("Thursday"), _N("Friday"), _N("Saturday"), _N("Sunday"),
)  # fmt: skip


def with_since(troubles: Iterable[Trouble], known: Mapping[tuple[str, str, str, str], datetime]) -> tuple[Trouble, ...]:
    """Add when each trouble was seen first, as far as it is known; now where it was not seen before."""
    now = datetime.now(UTC)
    return tuple(each.model_copy(update={"since": known.get(each.key, now)}) for each in troubles)
