"""Looking at what was moved: `zhenghe status --look`, and the service's look every so many minutes.

    python -m migrations.cli.look STATE

looks at everything once, keeps what it saw where the service reads it, and has probes go on that were ended.
"""

import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from infra.twin.paths import state_root
from inventory.kinds import load_kinds, playbooks_folder
from migrations.actuators.contract import StepActuator
from migrations.actuators.real import real_actuators
from migrations.cli.wanted import runs_folder
from migrations.home import RunHome
from migrations.ledger import Ledger
from migrations.plan import Actuator
from migrations.service.desk import publish
from migrations.service.looking import Looker
from migrations.service.messages import Places
from migrations.service.probing import keep_probing
from migrations.service.troubles import Looked
from migrations.service.users import Users
from migrations.trust.approving import Approvals

PROVES_FOR = timedelta(days=30)
"""For how long a rehearsal proves a way back, where the approvers' file does not say."""


def looker(*, keeping: bool = False) -> Looker:
    """Return who looks at the runs of this user; `keeping` is for the service, which looks again and again."""
    within = Approvals(state_root()).approvers().policy.rehearsed_within
    holds = PROVES_FOR if within is None else timedelta(seconds=within)
    return Looker(runs_folder(), _actuators, Users(keeping=keeping), holds)


def look(ledger: Ledger) -> Looked:
    """Look at what a ledger says was done."""
    return looker().world(ledger)


def _actuators(home: RunHome) -> Mapping[Actuator, StepActuator]:
    return real_actuators(home, home.path / "looking")


def main() -> int:
    """Look at everything, keep what was seen, and see that probes go on."""
    os.umask(0o077)
    os.environ["ZHENGHE_STATE"] = sys.argv[1]
    publish(Places(Path(sys.argv[1])).looked, looker(keeping=True).everything())
    keep_probing(runs_folder(), load_kinds(playbooks_folder() / "roles"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
