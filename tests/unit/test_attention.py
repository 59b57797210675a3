"""Which steps users may feel, whose moves they are, and when the probes are told of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from migrations.home import RunHome
from migrations.plan import Actuator, Plan, Stage, Step, StepKind, Unit, needed_by
from migrations.proof.attention import LASTS, LEAVES, Attention, is_felt


def step(verb: str, stage: Stage, by: Actuator | None = None, timeout: float = 60.0) -> Step:
    kind = StepKind.REVERSIBLE
    return Step(id=f"u/{verb}", verb=verb, stage=stage, kind=kind, arguments={}, timeout=timeout, by=by)


def unit(kind: Actuator, name: str, *needs: str) -> Unit:
    return Unit(name=name, kind=kind, needs=needs, steps=())


FELT = {
    ("system:a", "replicate", Stage.PREPARE): False,
    ("system:a", "front", Stage.PREPARE): True,
    ("system:a", "switch", Stage.CUTOVER): True,
    ("system:a", "retire", Stage.COMMIT): True,
    ("line:b", "attach", Stage.PREPARE): True,
    ("line:b", "release", Stage.COMMIT): True,
    ("site:c", "provision", Stage.PREPARE): False,
}


@pytest.mark.parametrize("key, verb, stage", FELT)
def test_users_feel_what_changes_their_way_and_no_preparation(key: str, verb: str, stage: Stage) -> None:
    assert is_felt(key, step(verb, stage)) is FELT[key, verb, stage]
    assert not is_felt(key, step(verb, stage, by=Actuator.PEOPLE))


def test_users_of_a_unit_feel_the_moves_of_all_that_it_needs() -> None:
    units = (
        unit(Actuator.LINE, "b"),
        unit(Actuator.SYSTEM, "base", "line:b", "site:not-planned"),
        unit(Actuator.SYSTEM, "app", "system:base"),
    )
    plan = Plan(programme="p", units=units, untouched=())
    assert needed_by(plan) == {
        "line:b": ("line:b",),
        "system:base": ("system:base", "line:b"),
        "system:app": ("system:app", "system:base", "line:b"),
    }


class Listening:
    """Probes that only note what they are told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, float]] = []

    def near(self, moved: str, seconds: float, felt_by: Mapping[str, Sequence[str]]) -> None:
        assert moved in felt_by
        self.heard.append((moved, seconds))


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Listening:
    listening = Listening()
    felt = {key: (key,) for key in ("system:a", "system:d")}
    monkeypatch.setattr(Attention, "_probes", (listening, felt))
    return listening


def test_probes_are_told_once_for_all_steps_of_a_move_and_at_its_end(listening: Listening, tmp_path: Path) -> None:
    attention = Attention(RunHome(tmp_path))
    attention.near("system:a", step("replicate", Stage.PREPARE))
    attention.far("system:a")
    assert listening.heard == []
    for verb in ("lag", "switch", "verify"):
        attention.near("system:a", step(verb, Stage.CUTOVER))
    attention.near("system:d", step("lag", Stage.CUTOVER, timeout=2 * LASTS))
    assert listening.heard == [("system:a", LASTS), ("system:d", 2 * LASTS)]
    attention.far("system:a")
    # What begins to move again is told after the end of before.
    attention.near("system:a", step("retire", Stage.COMMIT))
    assert listening.heard[2:] == [("system:a", LEAVES), ("system:a", LASTS)]


def test_a_step_that_may_take_longer_than_the_last_word_counts_is_told_anew(
    listening: Listening, tmp_path: Path
) -> None:
    attention = Attention(RunHome(tmp_path))
    attention.near("system:a", step("lag", Stage.CUTOVER))
    attention.near("system:a", step("switch", Stage.CUTOVER, timeout=4 * LASTS))
    assert listening.heard == [("system:a", LASTS), ("system:a", 4 * LASTS)]
