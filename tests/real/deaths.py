"""A move that dies at one boundary of its calls, and what is asked for next."""

import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from inventory.kinds import playbooks_folder
from playbooks.agents.coordinator import Move, Session, Sessions
from playbooks.agents.participants import participants
from tests.real.ends import Steps


class Death(NamedTuple):
    """At which boundary of a move somebody dies: its controller, or the agents of both ends."""

    call: str
    when: str
    whose: str


DEATHS = [
    (Death(call, when, whose), direction, then)
    for call in ("ready", "freeze", "position", "reached", "promote", "settle", "seal", "after")
    for when in ("before", "after")
    for whose in ("controller", "agents")
    for direction in ("forward", "back")
    for then in ("switch", "return")
]
"""Every boundary of a move, the way that it goes, and what is asked for next."""
SEALED = {("seal", "after"), ("after", "before"), ("after", "after")}
"""From when on clients are at the other end, whoever dies."""


class Died(Exception):
    """The death that a test has asked for."""


class Mortal(Move):
    """A move that ends in the middle."""

    def __init__(self, sessions: Sessions, death: Death) -> None:
        super().__init__(sessions, 3.0)
        self._death = death

    def _ask_each(self, name: str, sessions: Sequence[Session], ask: Callable[[Session], Any]) -> list[Any]:
        if (name, "before") == self._death[:2]:
            self._die()
        answers = super()._ask_each(name, sessions, ask)
        if (name, "after") == self._death[:2]:
            self._die()
        return answers

    def _die(self) -> None:
        # An agent that loses its controller goes back by itself, where that is still possible; one that dies does not.
        for session in self._sessions.every if self._death.whose == "agents" else ():
            os.killpg(session.process.pid, signal.SIGKILL)
            session.process.wait()
        raise Died


def die(moving: Steps, direction: str, death: Death) -> None:
    """Begin to switch or to return, and die."""
    with Sessions((str(moving.ground.ssh),), playbooks_folder()) as sessions:
        sessions.open(participants(moving.switch(3.0), direction))
        with contextlib.suppress(Died):
            Mortal(sessions, death).carry_out()


def outlive(moving: Steps, death: Death, direction: str, then: str, write: Callable[[str, str], None]) -> int:
    """Die in a move, have what is asked for next done, and return how many rows clients wrote meanwhile.

    `write` writes one row at an end as a client does. Clients are at the source before and after.
    """
    if direction == "back":
        moving.step("switch")
    serving, other = ("source", "target") if direction == "forward" else ("target", "source")
    write(serving, "before a death")
    die(moving, direction, death)
    if death.whose == "controller":
        # Nobody waits for a person: the end where clients are takes writes.
        write(other if death[:2] in SEALED else serving, "right after a death")
    moving.step(then)
    now, behind = ("target", "source") if then == "switch" else ("source", "target")
    write(now, "long after a death")
    assert moving.step("verify")[behind]["facts"]["differences"] == []
    if then == "switch":
        moving.step("return")
    return 3 if death.whose == "controller" else 2
