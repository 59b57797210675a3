"""Deeds on a run, whoever does them: the command itself, or the service in its place.

    python -m migrations.cli.deeds STATE NUMBER

carries out one order of the service's desk.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from infra.worlds import World, load_world
from inventory.errors import ZhengheError
from inventory.kinds import load_kinds, playbooks_folder
from inventory.words import _
from migrations.cli.approve import acts_of, keep_approvals, see_approved
from migrations.cli.claims import claimed
from migrations.cli.declaring import see_declared
from migrations.cli.help import WrongUse
from migrations.cli.wanted import living, may_begin, may_commit, may_return, runs_folder, withdrawn
from migrations.home import RunBusy, RunHome
from migrations.ledger import ledger_of
from migrations.proof.probes import VantageUnreachable
from migrations.run.applying import Application, Applied
from migrations.run.engine.children import ChildFailed
from migrations.run.engine.keeping import Hindered
from migrations.run.footing import NoRoom
from migrations.run.runner import Listener
from migrations.service.desk import Desk
from migrations.service.messages import Order, Outcome, Places
from migrations.service.orders import HINDERED
from migrations.trust.approving import Act
from migrations.trust.witness import witnessed

MENDED_HERE = (ChildFailed, NoRoom, Hindered, RunBusy, VantageUnreachable)
"""Errors after which an order is tried again by itself: it is this machine, or its network, that must be mended."""


def carry_out(home: RunHome, order: Order, listener: Listener, tell: Callable[[str], object]) -> Applied:
    """Do what is ordered, after a look at what other runs do meanwhile; the errors of whatever is in the way."""
    world = living(load_world(home.settings().world))
    may_be = claimed(home, order.units, lambda: see(home, order, world))
    with may_be, witnessed(home, order.deed, order.by, order.command):
        if order.deed in {"apply", "commit"}:
            keep_approvals(home, order.deed, world, order.by, _acts(home, order))
        tell(_("run {run}").format(run=home.path.name))
        application = Application(home, load_kinds(playbooks_folder() / "roles"), listener)
        match order.deed:
            case "apply":
                return application.forward(order.units)
            case "commit":
                return application.commit(order.units)
            case "rollback":
                return application.back(order.units)
            case "withdraw":
                return application.withdraw(order.units)


def see(home: RunHome, order: Order, world: World) -> None:
    """Refuse what may not be done as things are; WrongUse, NotApproved."""
    plan = home.plan()
    ledger = ledger_of(home.path.parent, plan.programme, home.settings().world)
    match order.deed:
        case "apply":
            may_begin(plan, order.units, ledger, home.path.name)
            see_declared(plan, order.units, ledger, world)
        case "commit":
            may_commit(plan, order.units, ledger)
        case "rollback":
            may_return(order.units or [unit.key for unit in plan.units], ledger, home.path.name)
        case "withdraw":
            withdrawn(plan, order.units, ledger)
    if order.deed in {"apply", "commit"}:
        see_approved(home, home.settings().plan, world, order.deed, order.by, _acts(home, order))


def _acts(home: RunHome, order: Order) -> tuple[Act, ...]:
    return acts_of(home.outline(), home.programme()) if order.deed == "apply" else ()


def main() -> int:
    """Carry out the order of a number and keep how it came out; 75 where this machine must be mended first."""
    os.umask(0o077)
    state, number = Path(sys.argv[1]), int(sys.argv[2])
    os.environ["ZHENGHE_STATE"] = str(state)
    desk = Desk(Places(state).orders)
    order = desk.order(number)
    desk.hinder(number, "")
    try:
        applied = carry_out(RunHome(runs_folder() / order.run), order, Listener(), print)
    except MENDED_HERE as exc:
        desk.hinder(number, str(exc))
        return HINDERED
    except (ZhengheError, WrongUse, OSError) as exc:
        desk.end(number, Outcome(error=str(exc)))
        return 0
    desk.end(number, Outcome(result=applied.result, failure=applied.failure))
    return 0


if __name__ == "__main__":
    sys.exit(main())
