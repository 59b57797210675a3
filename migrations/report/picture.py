"""The network as a picture, before its lines move and as a run has left them: what carries users' packets, and where.

Departments' devices stand at the left, far ends at the right, provider edges below between them. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from inventory.base import Model
from inventory.model import Line, Programme
from migrations.states import UnitState

WIDTH, ROW, TOP, EDGES = 520.0, 34.0, 18.0, 74.0
"""One of the two pictures in its own units: its width, the height of a line, what is above them, what is below."""
NEAR, FAR, BOX, HIGH = 58.0, 462.0, 104.0, 20.0
MOST = 18
"""So many lines are drawn; the others are counted."""
LONGEST = 15

Role = Literal["carries", "stands", "gone"]
"""A link carries users' packets between the ends of a line, it stands ready, or it was given up."""
STAYS_READY = frozenset({UnitState.ON_PROBATION})
GIVEN_UP = frozenset({UnitState.COMMITTED, UnitState.DECOMMISSIONED})


class Node(Model):
    """A device."""

    name: str
    shown: str
    role: Literal["ce", "hub", "pe"]
    x: float
    y: float


class Link(Model):
    """A line, a circuit or a link of the backbone."""

    path: str
    """As SVG writes it."""
    kind: Literal["line", "circuit", "backbone"]
    role: Role
    hint: str
    label: str = ""
    x: float = 0.0
    y: float = 0.0


class Picture(Model):
    """The network at one time."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    height: float
    width: float = WIDTH
    hidden: int = 0
    """So many lines are not drawn."""


def pictures(programme: Programme, states: Mapping[str, UnitState]) -> tuple[Picture, ...]:
    """Return the network before and as lines in these states have left it; none where no line of a run has ends.

    `states` are those of lines by name.
    """
    lines = tuple(line for line in programme.network.lines if line.ends is not None and line.name in states)
    if not lines:
        return ()
    drawn = lines[:MOST]
    return tuple(_Drawing(programme, drawn, each).picture(len(lines) - len(drawn)) for each in ({}, states))


class _Drawing:
    def __init__(self, programme: Programme, lines: tuple[Line, ...], states: Mapping[str, UnitState]) -> None:
        self._network = programme.network
        self._lines = lines
        self._roles: dict[str, Role] = {line.name: _role(states.get(line.name)) for line in lines}
        ends = {end for line in lines for end in line.ends or ()}
        self._attachments = tuple(each for each in self._network.attachments if each.device in ends)
        self._nodes = {node.name: node for node in self._placed()}

    def picture(self, hidden: int) -> Picture:
        links = (*self._backbone(), *self._circuits(), *self._rented())
        height = TOP + ROW * len(self._lines) + EDGES
        return Picture(nodes=tuple(self._nodes.values()), links=links, height=height, hidden=hidden)

    def _placed(self) -> Iterator[Node]:
        rows: dict[tuple[str, Literal["ce", "hub"]], list[float]] = {}
        for number, line in enumerate(self._lines):
            near, far = line.ends or ("", "")
            rows.setdefault((near, "ce"), []).append(TOP + ROW * (number + 0.5))
            rows.setdefault((far, "hub"), []).append(TOP + ROW * (number + 0.5))
        placed: set[str] = set()
        for (name, side), heights in rows.items():
            if name not in placed:
                placed.add(name)
                x = NEAR if side == "ce" else FAR
                yield _node(name, side, x, sum(heights) / len(heights))
        below = TOP + ROW * len(self._lines) + EDGES - 24
        edges = sorted({each.edge for each in self._attachments}, key=lambda edge: (self._side(edge), edge))
        for number, edge in enumerate(edges):
            yield _node(edge, "pe", WIDTH * (number + 1) / (len(edges) + 1), below)

    def _side(self, edge: str) -> float:
        """Return how far right a provider edge belongs: 0 with departments alone, 1 with far ends alone."""
        far = {end for line in self._lines for end in (line.ends or ())[1:]}
        served = [each.device in far for each in self._attachments if each.edge == edge]
        return sum(served) / len(served)

    def _rented(self) -> Iterator[Link]:
        for number, line in enumerate(self._lines):
            near, far = (self._nodes[end] for end in line.ends or ())
            level = TOP + ROW * (number + 0.5)
            left, right = sorted((near, far), key=lambda node: node.x)
            start, end = left.x + BOX / 2, right.x - BOX / 2
            path = (
                f"M{start:g} {left.y:g} C{start + 24:g} {left.y:g} {start + 16:g} {level:g} {start + 40:g} {level:g}"
                f" L{end - 40:g} {level:g} C{end - 16:g} {level:g} {end - 24:g} {right.y:g} {end:g} {right.y:g}"
            )
            title = line.title or line.name
            yield Link(
                path=path, kind="line", role=self._roles[line.name], hint=f"{line.name}: {title}", label=_short(title),
                x=WIDTH / 2, y=level - 6,
            )  # fmt: skip

    def _circuits(self) -> Iterator[Link]:
        for each in self._attachments:
            device, edge = self._nodes[each.device], self._nodes[each.edge]
            inner = device.x + (BOX / 2 if device.role == "ce" else -BOX / 2)
            top = edge.y - HIGH / 2
            # From the inner side of the device, close to its column, down to the edge.
            turn = inner + (22 if device.role == "ce" else -22)
            path = f"M{inner:g} {device.y:g} C{turn:g} {device.y:g} {turn:g} {top - 30:g} {edge.x:g} {top:g}"
            role: Role = "carries" if each.domain in self._moved_domains({each.device}) else "stands"
            hint = f"{each.device} – {each.edge}, {each.domain}"
            yield Link(path=path, kind="circuit", role=role, hint=hint)

    def _backbone(self) -> Iterator[Link]:
        for number, each in enumerate(self._network.backbone):
            if all(end in self._nodes for end in each.ends):
                one, other = sorted((self._nodes[end] for end in each.ends), key=lambda node: node.x)
                y = one.y + 5 * (number % 3 - 1)
                path = f"M{one.x + BOX / 2:g} {y:g} L{other.x - BOX / 2:g} {y:g}"
                role: Role = "carries" if each.domain in self._moved_domains(set(self._nodes)) else "stands"
                yield Link(path=path, kind="backbone", role=role, hint=f"{' – '.join(each.ends)}, {each.domain}")

    def _moved_domains(self, devices: Iterable[str]) -> set[str]:
        """Return the domains that carry what lines of some devices carried."""
        among = set(devices)
        return {
            line.domain
            for line in self._lines
            if line.domain is not None and self._roles[line.name] != "carries" and among & set(line.ends or ())
        }


def _role(state: UnitState | None) -> Role:
    if state in GIVEN_UP:
        return "gone"
    return "stands" if state in STAYS_READY else "carries"


def _node(name: str, role: Literal["ce", "hub", "pe"], x: float, y: float) -> Node:
    return Node(name=name, shown=_short(name), role=role, x=round(x, 1), y=round(y, 1))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
