"""The programme in `zhenghe status`: what all runs in a world came to, by wave, and who waits for whom."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from inventory.kinds import load_kinds, playbooks_folder
from inventory.words import _
from migrations.home import RunHome
from migrations.ledger import NOTHING_DONE, Account, Ledger
from migrations.planning.planner import carried_out
from migrations.states import UnitState, state_word

FOR_A_PERSON = frozenset({UnitState.WAITING, UnitState.HELD, UnitState.UNKNOWN})


Waves = Mapping[str, int | None]
"""Systems by name with their waves."""


def not_begun(home: RunHome, ledger: Ledger) -> Waves:
    """Return the systems for which nothing was done yet, as a run knows the programme; none where it does not."""
    if not home.programme_file.exists():
        return {}
    every = carried_out(home.programme(), load_kinds(playbooks_folder() / "roles"))
    return {name: wave for name, wave in every.items() if ledger.state(f"system:{name}") in NOTHING_DONE}


def programme_as_json(ledger: Ledger, waiting: Waves) -> dict[str, Any]:
    """Return the accounts of all units that anything was done for, who has not begun, and which runs do not count."""
    units = [
        {
            "unit": key,
            "state": account.state,
            "reason": account.reason,
            "wave": account.unit.wave,
            "since": account.since.isoformat(),
            "run": account.run,
            "plan": account.plan,
            "digest": account.unit.digest,
        }
        for key, account in sorted(ledger.accounts.items())
    ]
    begin = [{"system": name, "wave": wave} for name, wave in sorted(waiting.items())]
    return {"runs": list(ledger.runs), "units": units, "not_begun": begin, "left_out": list(ledger.left_out)}


def programme_in_words(programme: str, ledger: Ledger, waiting: Waves) -> Iterator[str]:
    """Yield sentences: how many units are in which state, by wave, who has not begun, and what waits for whom."""
    accounts = tuple(ledger.accounts.values())
    yield _("{programme}, all runs in this world: {states}").format(programme=programme, states=_counted(accounts))
    waves = sorted({each.unit.wave for each in accounts if each.unit.wave is not None})
    for wave in waves:
        states = _counted(each for each in accounts if each.unit.wave == wave)
        yield _("wave {wave}: {states}").format(wave=wave, states=states)
    begin = Counter(waiting.values())
    for wave in sorted(each for each in begin if each is not None):
        yield _("not begun: {count} systems of wave {wave}").format(count=begin[wave], wave=wave)
    if begin[None]:
        yield _("not begun: {count} systems without a wave").format(count=begin[None])
    for each in sorted(accounts, key=lambda account: account.unit.key):
        if each.state in FOR_A_PERSON:
            text = _("{unit} waits for a person in run {run}: {reason}")
            yield text.format(unit=each.unit.key, run=each.run, reason=each.reason)
    moved = sorted(each.unit.key for each in accounts if each.state is UnitState.ON_PROBATION)
    if moved:
        yield _("waits for its commit or its way back: {units}").format(units=", ".join(moved))
    yield from ledger.left_out


def _counted(accounts: Iterable[Account]) -> str:
    found = Counter(state_word(each.unit.kind, each.state, _) for each in accounts)
    # A state's word may have a comma of its own.
    return "; ".join(f"{number} {word}" for word, number in found.most_common()) or _("nothing done")
