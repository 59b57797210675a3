"""Looks from both ends whether sites that are linked reach each other; a link is made by whoever runs the extranet."""

import subprocess

from infra.hearing import Unheard, hear
from infra.ssh import client
from infra.worlds import World
from inventory.derived.links import LinkedHost, LinkedSites
from inventory.words import _
from migrations.actuators.contract import Observation, ObservedState, Progress, Refused, Unreachable
from migrations.plan import Step

_PORT = 22
"""At which every host of a site lets in whoever comes over the extranet."""
_REACH = f"import socket,sys; socket.create_connection((sys.argv[1], {_PORT}), 5).close()"
_PATIENCE = 30.0
_NO_LOGIN = 255


class LinkActuator:
    """Changes nothing: its step is done when every host of either end reaches those of the other one."""

    def __init__(self, world: World) -> None:
        self._world = world

    def probe(self, step: Step, progress: Progress) -> Observation:  # noqa: ARG002
        """Look from both ends; unknown where a host cannot be asked."""
        link = LinkedSites.model_validate(step.arguments["link"])
        for end in link.ends:
            if not end.hosts:
                reason = _("site {site} has no host in domain {domain} from which its link could be looked at")
                mend = _("give one of its networks there an entry, or take the link out of the inventory")
                raise Refused(step.id, reason.format(site=end.site, domain=link.domain), mend=mend)
        unseen: list[str] = []
        missed: list[str] = []
        for here, there in link.views():
            status, said = self._asked(here, there)
            if status:
                told = f"{here.name} -> {there.name} ({there.address}): {said}"
                (unseen if status == _NO_LOGIN else missed).append(told)
        state = ObservedState.NOT_DONE if missed else ObservedState.UNKNOWN if unseen else ObservedState.DONE
        return Observation(state=state, facts={"missed": missed, "unseen": unseen}, detail="; ".join(missed + unseen))

    def apply(self, step: Step, progress: Progress) -> Observation:
        """Look; Unreachable where the ends do not see each other, for routes come up by and by."""
        seen = self.probe(step, progress)
        if seen.state is ObservedState.NOT_DONE:
            mend = _("have whoever runs the extranet route the two sites' networks to each other")
            raise Unreachable(step.id, seen.detail, mend=mend)
        return seen

    def undo(self, step: Step, progress: Progress) -> Observation:  # noqa: ARG002
        """Do nothing: nothing was changed."""
        return Observation(state=ObservedState.NOT_DONE)

    def _asked(self, here: LinkedHost, there: LinkedHost) -> tuple[int, str]:
        """Return how a look from one host at another ended, and the last line of what it said."""
        command = f"python3 -c '{_REACH}' {there.address}"
        try:
            heard = hear([*client(self._world.ssh_config), here.name, command], b"", _PATIENCE, 1 << 16)
        except Unheard as exc:
            return _NO_LOGIN, exc.reason
        except subprocess.TimeoutExpired:
            return _NO_LOGIN, _("it gave no answer within {seconds} s").format(seconds=f"{_PATIENCE:g}")
        return heard.status, (heard.complained.strip().splitlines() or [""])[-1]
