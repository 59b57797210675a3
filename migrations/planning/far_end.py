"""Steps of others where a line's far end is theirs: a carrier's in the internet, or a ministry's.

Nobody of the programme logs in there, so these are steps of people's: what they are asked for is in the step.
"""

from collections.abc import Iterator
from ipaddress import IPv4Network

from inventory.derived.exits import own_ends
from inventory.derived.wired import ends_of, prefix_of
from inventory.derived.wiring import Wires
from inventory.model import Line
from migrations.calls import Task, as_kept
from migrations.plan import Actuator, Stage, Step, StepKind

TIMEOUT = 60.0
ASKING_DAYS = 30
ANNOUNCING_DAYS = 14


def before_line(line: Line, wires: Wires) -> Iterator[Step]:
    """Yield what is asked of others before a line's traffic moves: nothing where both its ends are ours.

    Of a department, that whoever knows it by its own public addresses learns the extranet's; of a ministry, that it
    takes the department's networks from the extranet too.
    """
    far = _far_end(line, wires)
    if not far:
        return
    near = own_ends(line, wires.foreign)[0]
    way_out = wires.exit(line.domain or "")
    if line.kind == "internet-exit" and way_out is not None:
        yield _asked(line, "announce", Stage.PREPARE, line.department, ANNOUNCING_DAYS, way_out.addresses)
    else:
        yield _asked(line, "let-in", Stage.PREPARE, far, ASKING_DAYS, wires.behind(near))


def between(line: Line, wires: Wires) -> Iterator[Step]:
    """Yield what is asked of a ministry once our end is drained: its end sends nothing more, so that silence tells."""
    far = _far_end(line, wires)
    if far and line.kind != "internet-exit":
        near = own_ends(line, wires.foreign)[0]
        yield _asked(line, "let-go", Stage.COMMIT, far, ASKING_DAYS, wires.behind(near))


def after_line(line: Line, wires: Wires) -> Iterator[Step]:
    """Yield what is asked of others once a line carries nothing: that it is cancelled, so that no rent is paid."""
    far = _far_end(line, wires)
    if far:
        yield _asked(line, "cancel", Stage.COMMIT, line.carrier or far, ASKING_DAYS, (prefix_of(line),))


def _far_end(line: Line, wires: Wires) -> str:
    """Return who runs a line's far end; empty where both ends are the programme's."""
    return next((wires.device(end).operated_by for end in ends_of(line) if end in wires.foreign), "")


def _asked(
    line: Line, verb: str, stage: Stage, who: str, days: int, networks: tuple[IPv4Network, ...]
) -> Step:
    return Step(
        id=f"line:{line.name}/{verb}",
        verb=verb,
        stage=stage,
        kind=StepKind.PIVOT if verb == "cancel" else StepKind.REVERSIBLE,
        arguments=as_kept(Task(line=line.name, verb=verb, who=who, days=days, networks=tuple(map(str, networks)))),
        timeout=TIMEOUT,
        by=Actuator.PEOPLE,
    )
