"""What `zhenghe status` tells of a programme: what all runs in a world came to, by wave, and who waits for whom."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from inventory.words import _
from migrations.ledger import Account, Ledger
from migrations.states import UnitState, state_word

FOR_A_PERSON = frozenset({UnitState.WAITING, UnitState.HELD, UnitState.UNKNOWN})


def programme_as_json(ledger: Ledger) -> dict[str, Any]:
    """Return the accounts of all units that anything was done for, and which runs do not count."""
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
    return {"runs": list(ledger.runs), "units": units, "left_out": list(ledger.left_out)}


def programme_in_words(programme: str, ledger: Ledger) -> Iterator[str]:
    """Yield sentences: how many units are in which state, by wave, and what waits for a person or for its commit."""
    accounts = tuple(ledger.accounts.values())
    yield _("{programme}, all runs in this world: {states}").format(programme=programme, states=_counted(accounts))
    waves = sorted({each.unit.wave for each in accounts if each.unit.wave is not None})
    for wave in waves:
        states = _counted(each for each in accounts if each.unit.wave == wave)
        yield _("wave {wave}: {states}").format(wave=wave, states=states)
    for each in sorted(accounts, key=lambda account: account.unit.key):
        if each.state in FOR_A_PERSON:
            text = _("{unit} waits for a person in run {run}: {reason}")
            yield text.format(unit=each.unit.key, run=each.run, reason=each.reason)
    waiting = sorted(each.unit.key for each in accounts if each.state is UnitState.ON_PROBATION)
    if waiting:
        yield _("waits for its commit or its way back: {units}").format(units=", ".join(waiting))
    yield from ledger.left_out


def _counted(accounts: Iterable[Account]) -> str:
    found = Counter(state_word(each.unit.kind, each.state, _) for each in accounts)
    return ", ".join(f"{number} {word}" for word, number in found.most_common()) or _("nothing done")
