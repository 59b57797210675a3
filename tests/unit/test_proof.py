"""What users felt in a passage is judged once, and said again whenever the run is asked."""

from pathlib import Path
from typing import Any

import pytest

from infra.worlds import CloudSettings, World
from inventory.kinds import load_kinds, playbooks_folder
from inventory.model import Programme
from migrations.home import RunHome, RunSettings
from migrations.plan import digest
from migrations.planning.planner import in_order, make_plan
from migrations.proof.proof import AFTERMATH, Proof

KINDS = load_kinds(playbooks_folder() / "roles")


@pytest.fixture
def home(programme: Programme, tmp_path: Path) -> RunHome:
    plan = make_plan(programme, KINDS)
    made = RunHome(tmp_path / "run")
    made.create(plan, RunSettings(run="run", plan=digest(plan), world=tmp_path / "world.json"), in_order(programme))
    return made


@pytest.fixture
def proof(home: RunHome, tmp_path: Path) -> Proof:
    cloud = CloudSettings(backend="twin", endpoint="none")
    return Proof(home, KINDS, World(name="w", kind="real", ssh_config=tmp_path / "ssh_config", cloud=cloud))


def measured(
    home: RunHome, passage: int, failed: int, breaches: list[dict[str, Any]],
    unit: str = "system:archive", name: str = "deposit",
) -> None:  # fmt: skip
    what = {
        "unit": unit, "name": name, "kind": "write-http", "vantage": "reader-1", "target": "t",
        "every": 0.1, "window": {"begin": 0, "end": 9}, "succeeded": 80, "failed": failed, "lost": 0, "downtime": 0.1,
        "gaps": [], "slowest": 0.1, "reasons": ["HTTP 502"], "breaches": breaches, "passage": passage,
    }  # fmt: skip
    home.evidence.append("probe-result", unit=unit, what=what)


def test_what_was_beyond_the_limits_is_said_again_for_its_passage_alone(home: RunHome, proof: Proof) -> None:
    measured(home, 1, 3, [{"what": "failed", "seen": 3, "allowed": 0}])
    measured(home, 2, 0, [])
    assert proof.felt(1) == ("system:archive: 3 requests failed (HTTP 502), 0 are allowed",)
    assert proof.felt(2) == ()


def test_a_passage_is_measured_when_every_probe_has_told_and_lost_writes_are_said_again(
    home: RunHome, proof: Proof
) -> None:
    measured(home, 1, 0, [])
    assert not proof.is_measured(1)
    for order in proof._orders:
        measured(home, 2, 0, [], order.unit, order.name)
    assert proof.is_measured(2)
    assert not proof.is_measured(3)
    verdict = {"unit": "system:archive", "name": "deposit", "acknowledged": 9, "lost": ["a"], "doubled": []}
    home.evidence.append("writes-verdict", unit="system:archive", what={**verdict, "asked": "list", "passage": 1})
    assert proof.felt(1) == ("system:archive: 1 acknowledged writes lost, 0 doubled",)


def test_a_passage_that_was_measured_again_counts_as_it_was_measured_last(home: RunHome, proof: Proof) -> None:
    measured(home, 1, 3, [{"what": "failed", "seen": 3, "allowed": 0}])
    measured(home, 1, 0, [])
    assert proof.felt(1) == ()


def test_a_window_ends_when_the_probes_were_read_and_not_later(home: RunHome, proof: Proof) -> None:
    passage = {"number": 1, "direction": "forward", "units": []}
    begun = home.evidence.append("passage-begun", what=passage).time.timestamp()
    ended = home.evidence.append("passage-ended", what={"number": 1}).time.timestamp()
    read = ended + AFTERMATH / 2
    assert (proof._window(1, read).begin, proof._window(1, read).end) == (begun, read)
    assert proof._window(1, ended + 2 * AFTERMATH).end == ended + AFTERMATH
