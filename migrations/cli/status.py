"""`zhenghe status`: how far a run and its programme have come, and what is not as it was left."""

import json
from collections.abc import Iterable
from typing import Any

from infra.twin.paths import state_root
from inventory.words import _
from migrations.cli import saying
from migrations.cli.live import states_table
from migrations.cli.programme import not_begun, programme_as_json, programme_in_words
from migrations.cli.runs import chosen, ledger_here, world_of
from migrations.evidence.chain import Soundness
from migrations.evidence.snapshot import standings_in
from migrations.home import RunHome
from migrations.service.messages import Places
from migrations.service.troubles import Looked
from migrations.service.troubles import told as told_of
from migrations.states import UnitState


def show_status(run: str, *, look: bool, as_json: bool) -> int:
    """Print how far a run has come and what users felt, from its evidence; 1 where a unit needs somebody to look.

    With `look` everything that was done in the run's world is looked at, and what is not as it was left is told too.
    """
    from migrations.report import felt_of, measured

    home = chosen(run)
    seen = _looked(home) if look else None
    plan = home.outline()
    standings = standings_in(home.evidence.path, plan)
    states = {key: standing.state for key, standing in standings.items()}
    reasons = {key: standing.reason for key, standing in standings.items()}
    summary, ledger = felt_of(home), ledger_here(home)
    if as_json:
        felt = {unit.key: unit.felt_last for unit in summary.units}
        shown = [
            {"unit": key, "state": states[key], "reason": reasons.get(key, ""), "measured": felt[key]} for key in states
        ]
        programme = programme_as_json(ledger, not_begun(home, ledger))
        more: dict[str, Any] = {"programme": programme, "service": _service_as_json()}
        _print_json(home, shown, more | ({} if seen is None else {"look": seen.model_dump(mode="json")}))
    else:
        console = saying.console()
        saying.sentences(console, programme_in_words(plan.programme, ledger, not_begun(home, ledger)))
        console.print(home.path.name)
        console.print(states_table(plan, states, reasons, whole=True))
        saying.sentences(console, (*measured(summary), *_service_in_words(), *(() if seen is None else told_of(seen))))
    if broken := summary.chain.outcome is Soundness.BROKEN:
        told = _("the evidence of this run is broken ({reason}): nothing above is proved")
        saying.say(told.format(reason=summary.chain.reason), error=True)
    waiting = {UnitState.HELD, UnitState.UNKNOWN} & set(states.values())
    return 1 if broken or waiting or (seen is not None and seen.troubles) else 0


def _looked(home: RunHome) -> Looked:
    from migrations.cli.look import look

    world_of(home)
    return look(ledger_here(home))


def _service_as_json() -> dict[str, Any] | None:
    from migrations.service.client import service_state

    state = service_state(Places(state_root()))
    return None if state is None else state.model_dump(mode="json")


def _service_in_words() -> Iterable[str]:
    from migrations.service.client import service_state

    state = service_state(Places(state_root()))
    if state is not None:
        text = _("the service runs since {since:%Y-%m-%d %H:%M}; orders under way: {count}")
        yield text.format(since=state.since.astimezone(), count=len(state.under_way))
        yield from (f"  {each.run}: {each.deed}: {each.trouble}" for each in state.under_way if each.trouble)


def _print_json(home: RunHome, units: list[dict[str, Any]], more: dict[str, Any]) -> None:
    settings = home.settings()
    whole: dict[str, Any] = {"run": settings.run, "plan": settings.plan, "world": settings.kind}
    whole |= {"units": units, "evidence": str(home.evidence.path), **more}
    saying.say(json.dumps(whole, ensure_ascii=False))
