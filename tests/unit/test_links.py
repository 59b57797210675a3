"""A link of two sites is a unit of its own: looked at from both ends, and what a site's reachability is judged by."""

import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from infra.worlds import CloudSettings, World
from inventory.derived.links import linked_sites
from inventory.kinds import load_kinds, playbooks_folder
from inventory.model import Programme, Record
from inventory.obligations.achievements import achieved
from inventory.obligations.conditions import lacking
from inventory.obligations.facts import Facts, Ground
from inventory.obligations.sharing import SiteCondition
from migrations.actuators.contract import ObservedState, Refused, Unreachable
from migrations.actuators.links import LinkActuator
from migrations.plan import Actuator, Step, Unit
from migrations.planning.planner import make_plan
from migrations.proof.verify.expectations import Side, expectations

KINDS = load_kinds(playbooks_folder() / "roles")
DAY = date(2018, 6, 1)
SSH = """#!/bin/sh
for host in $(cat "$0.hosts"); do for word; do [ "$word" = "$host" ] && exec sh "$0.$host"; done; done
exit 255
"""
"""A client that is answered by the script of the host that it is called with."""


def link_of(programme: Programme) -> Unit:
    (found,) = (unit for unit in make_plan(programme, KINDS).units if unit.kind is Actuator.LINK)
    return found


def test_a_link_waits_for_its_sites_and_is_looked_at_from_both_ends(programme: Programme) -> None:
    unit = link_of(programme)
    assert (unit.key, unit.needs, unit.depth) == ("link:cloud-a-dr-b", ("site:cloud-a", "site:dr-b"), 2)
    (link,) = linked_sites(programme)
    near, far = (end.hosts[0] for end in link.ends)
    assert link.views() == ((near, far), (far, near))
    looks = expectations(programme, KINDS, {unit.key: Side.TARGET})
    assert [(look.host, look.name) for look in looks] == [
        (near.name, f"{far.address}:22"), (far.name, f"{near.address}:22"),
    ]  # fmt: skip
    assert expectations(programme, KINDS, {unit.key: Side.SOURCE}) == ()


class Ends:
    """The two hosts of a link, each of which answers with a status and a sentence."""

    def __init__(self, folder: Path, answers: Mapping[str, tuple[int, str]]) -> None:
        (folder / "ssh").write_text(SSH)
        (folder / "ssh").chmod(0o700)
        (folder / "ssh.hosts").write_text(" ".join(answers))
        for host, (status, said) in answers.items():
            (folder / f"ssh.{host}").write_text(f"echo {said!r} >&2; exit {status}\n")
        (folder / "ssh_config").touch()
        settings = CloudSettings(backend="twin", endpoint="none")
        world = World.model_validate(
            {"name": "w", "kind": "twin", "ssh_config": folder / "ssh_config", "cloud": settings}
        )
        self.actuator = LinkActuator(world)


@pytest.fixture
def step(programme: Programme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Step:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return link_of(programme).steps[0]


def hosts_of(step: Step) -> tuple[str, str]:
    near, far = (end["hosts"][0]["name"] for end in step.arguments["link"]["ends"])
    return near, far


def test_a_link_that_both_ends_see_is_there(step: Step, tmp_path: Path) -> None:
    near, far = hosts_of(step)
    actuator = Ends(tmp_path, {near: (0, ""), far: (0, "")}).actuator
    assert actuator.apply(step, print).state is ObservedState.DONE
    assert actuator.undo(step, print).state is ObservedState.NOT_DONE


def test_an_end_that_does_not_reach_the_other_one_is_named_and_tried_again(step: Step, tmp_path: Path) -> None:
    near, far = hosts_of(step)
    actuator = Ends(tmp_path, {near: (0, ""), far: (1, "TimeoutError: timed out")}).actuator
    seen = actuator.probe(step, print)
    assert seen.state is ObservedState.NOT_DONE
    assert [told.split(":")[0].split(" (")[0] for told in seen.facts["missed"]] == [f"{far} -> {near}"]
    with pytest.raises(Unreachable, match="timed out"):
        actuator.apply(step, print)


def test_of_an_end_that_nobody_can_ask_nothing_is_known(step: Step, tmp_path: Path) -> None:
    near, far = hosts_of(step)
    actuator = Ends(tmp_path, {near: (0, ""), far: (255, "no route to host")}).actuator
    assert actuator.apply(step, print).state is ObservedState.UNKNOWN


def test_an_end_without_hosts_is_refused_by_name(step: Step, tmp_path: Path) -> None:
    link = step.arguments["link"]
    near, far = link["ends"]
    bare = step.model_copy(update={"arguments": {"link": {**link, "ends": [near, {**far, "hosts": []}]}}})
    with pytest.raises(Refused, match=r"site dr-b has no host in domain administrative"):
        Ends(tmp_path, {}).actuator.probe(bare, print)


def test_a_site_with_links_is_reachable_when_all_of_them_were_verified(programme: Programme) -> None:
    condition = SiteCondition.model_validate({"reachable": True})

    def lacks(*subjects: str) -> list[str]:
        records = [Record(kind="verified", subject=each, date=DAY) for each in subjects]
        facts = Facts(Ground(programme, achieved(programme, records)), DAY)
        return [site.name for site in programme.sites if lacking(condition, facts, site)]

    assert lacks("site:cloud-a", "site:dr-b") == ["cloud-a", "dr-b"]
    assert lacks("link:cloud-a-dr-b") == []
    unlinked = programme.model_copy(
        update={"sites": tuple(site.model_copy(update={"links": ()}) for site in programme.sites)}
    )
    programme = unlinked
    assert lacks("site:cloud-a") == ["dr-b"]
