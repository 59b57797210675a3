"""Cases of databases as departments have them: a file each, what is done to it and what has to come of each step."""

from pathlib import Path
from typing import Any, Literal, Protocol

import yaml
from pydantic import Field

from inventory.base import Model
from tests.real.ends import Refusal


class Moving(Protocol):
    """A move between two ends without hosts, as a laboratory has it."""

    def sql(self, end: str, statements: str, within: str, role: str) -> str: ...

    def step(self, name: str, mode: str = "apply") -> dict[str, Any]: ...


class Act(Model):
    """One thing that is done: statements at an end, or a step of the move; and what is said then."""

    source: str = ""
    target: str = ""
    role: str = Field("", alias="as")
    within: str = Field("", alias="in")
    says: str | None = None
    step: str = ""
    mode: Literal["apply", "undo", "probe"] = "apply"
    refused: tuple[str, ...] | None = None
    against: tuple[str, ...] | None = None
    """What the gate has against a switch, or a comparison finds; nothing: it may find nothing."""
    silent: tuple[str, ...] = ()
    """What must not be said."""


class Case(Model):
    """A database of one kind, and what happens to it."""

    title: str
    acts: tuple[Act, ...]


def read_case(file: Path) -> Case:
    """Read one case."""
    return Case.model_validate(yaml.safe_load(file.read_text()))


def act_out(moving: Moving, act: Act, where: str) -> None:
    """Do what an act says, and see that what comes of it is as it should be."""
    for end, statements in (("source", act.source), ("target", act.target)):
        if statements:
            said = moving.sql(end, statements, act.within, act.role)
            assert act.says is None or said == act.says, f"{where}: {said}"
    if not act.step:
        return
    try:
        answers = moving.step(act.step, act.mode)
    except Refusal as refusal:
        _see_said(f"{refusal.end}: {refusal.reason}; {refusal.mend}", act.refused, act.silent, where)
        return
    assert act.refused is None, f"{where}: {answers}"
    if act.against is not None:
        facts = [answer["facts"] for answer in answers.values() if answer]
        found = [one for each in facts for one in each.get("against", each.get("differences", ()))]
        _see_said("\n".join(found), act.against, act.silent, where)
        assert act.against or not found, f"{where}: {found}"
    elif act.mode == "apply" and act.step not in ("switch", "return"):
        assert {answer["state"] for answer in answers.values() if answer} == {"done"}, f"{where}: {answers}"


def _see_said(said: str, wanted: tuple[str, ...] | None, silent: tuple[str, ...], where: str) -> None:
    assert wanted is not None, f"{where}: {said}"
    for text in wanted:
        assert text in said, f"{where}: {text!r} is not in {said}"
    for text in silent:
        assert text not in said, f"{where}: {text!r} is in {said}"
