"""Plans for runs whose actuator only writes down what it is asked (`recorder.py`)."""

from pathlib import Path

from migrations.home import RunHome, RunSettings
from migrations.plan import Actuator, Plan, Stage, Step, StepKind, Unit, digest

VERBS = {
    "provision": (Stage.PREPARE, StepKind.COMPENSATABLE),
    "prepare": (Stage.PREPARE, StepKind.COMPENSATABLE),
    "lag": (Stage.CUTOVER, StepKind.GATE),
    "shift": (Stage.CUTOVER, StepKind.REVERSIBLE),
    "switch": (Stage.CUTOVER, StepKind.REVERSIBLE),
    "verify": (Stage.CUTOVER, StepKind.GATE),
    "release": (Stage.COMMIT, StepKind.PIVOT),
    "retire": (Stage.COMMIT, StepKind.PIVOT),
}
"""The verbs of these plans' steps, each with its stage and its kind."""


def unit_of(
    kind: Actuator, name: str, *verbs: str, needs: tuple[str, ...] = (), wave: int = 1, timeout: int = 60
) -> Unit:
    """Return a unit with one step for each verb; the steps' timeout is in seconds."""
    steps = []
    for verb in verbs:
        stage, of = VERBS[verb]
        id_ = f"{kind.value}:{name}/{verb}"
        steps.append(Step(id=id_, verb=verb, stage=stage, kind=of, arguments={}, timeout=timeout))
    return Unit(name=name, kind=kind, needs=needs, wave=wave, steps=tuple(steps))


# A chain, so that moments come one after the other and none is passed while another one is waited for.
CHAIN = Plan(
    programme="chain",
    untouched=(),
    units=(
        unit_of(Actuator.SITE, "a", "provision"),
        unit_of(Actuator.LINE, "b", "shift", "release", needs=("site:a",), wave=2),
        unit_of(Actuator.SYSTEM, "c", "prepare", "switch", "retire", needs=("line:b",), wave=3),
    ),
)
FORWARD = ("apply site:a/provision", "apply line:b/shift", "apply system:c/prepare", "apply system:c/switch")
BACK = ("undo system:c/switch", "undo line:b/shift")
# A way back that was asked for keeps the preparation, so the second way forward begins with the cutover.
AGAIN = (FORWARD[1], FORWARD[3])
COMMIT = ("apply line:b/release", "apply system:c/retire")
ALL_DEEDS = [*FORWARD, *BACK, *AGAIN, *COMMIT]


def chain_home(folder: Path) -> RunHome:
    """Return the folder of a new run of the chain, which soon takes a silent worker for dead."""
    home = RunHome(folder)
    home.create(CHAIN, RunSettings(run=folder.name, plan=digest(CHAIN), world=Path("/nowhere"), heartbeat=1.5))
    return home
