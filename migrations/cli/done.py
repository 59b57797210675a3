"""`zhenghe done STEP`: a person says that what he had to do is done, or taken back."""

import json

from infra.twin.paths import state_root
from inventory.plain import one_line
from inventory.words import _
from migrations.actuators.people import asked_of
from migrations.cli import saying
from migrations.cli.help import WrongUse
from migrations.cli.run import order_of
from migrations.cli.runs import chosen
from migrations.evidence.kinds import PassageBegun, PassageEnded, StepConfirmed
from migrations.home import RunHome, states_of
from migrations.plan import Actuator, Step
from migrations.run.runner import passages_of
from migrations.service.client import service_state
from migrations.service.door import ask
from migrations.service.messages import Deed as OrderDeed
from migrations.service.messages import PlaceOrder, Places
from migrations.states import Deed, Direction, UnitState
from migrations.trust.witness import person, witnessed

DEEDS: dict[Direction, OrderDeed] = {
    Direction.FORWARD: "apply",
    Direction.BACK: "rollback",
    Direction.COMMIT: "commit",
    Direction.WITHDRAW: "withdraw",
}


def confirm(step: str, run: str, note: str, *, undone: bool, as_json: bool) -> int:
    """Write down that a step of people's is done, and have the service go on with its unit where one runs."""
    home = chosen(run)
    found = _step(home, step)
    deed = Deed.UNDO if undone else Deed.APPLY
    _may_say(home, found, deed)
    with witnessed(home, "done"):
        said = StepConfirmed.model_validate({**person(), "deed": deed, "note": one_line(note, 1000)})
        home.evidence.write(said, unit=found.id.partition("/")[0], step=found.id)
    goes_on = _goes_on(home)
    if as_json:
        saying.say(json.dumps({"step": found.id, "deed": deed, "run": home.path.name, "goes_on": goes_on}))
    else:
        saying.say(_("{step} is noted in run {run}").format(step=found.id, run=home.path.name))
        by_hand = _("call the command again that waits for it: it goes on")
        saying.say(_("the service goes on with it") if goes_on else by_hand)
    return 0


def _step(home: RunHome, name: str) -> Step:
    """Return the step of people's that is meant, by its whole name; WrongUse names those that wait."""
    every = {step.id: step for unit in home.plan().units for step in unit.steps if step.by is Actuator.PEOPLE}
    if name in every:
        return every[name]
    reason = _("'{step}' is no step that people do in run {run}").format(step=name, run=home.path.name)
    raise WrongUse(reason, _("they are: {names}").format(names=", ".join(every) or "–"))


def _may_say(home: RunHome, step: Step, deed: Deed) -> None:
    """Refuse what is not asked for now: who speaks too early would have a step taken for done that others build on."""
    records, unit = home.evidence.records(), step.id.partition("/")[0]
    state = states_of(home.plan(), records)[unit]
    if asked_of(step, records) is not deed or state not in {UnitState.WAITING, UnitState.COMMITTED}:
        text = _("nobody waits for {step} now: {unit} is {state}").format(step=step.id, unit=unit, state=state)
        raise WrongUse(text, _("see zhenghe status"))


def _goes_on(home: RunHome) -> bool:
    places = Places(state_root())
    passages = passages_of(home.evidence.records_of(PassageBegun, PassageEnded))
    if not passages or service_state(places) is None:
        return False
    order = order_of(home, DEEDS[passages[-1].direction], passages[-1].units)
    return not ask(places.door, PlaceOrder(order=order)).error
