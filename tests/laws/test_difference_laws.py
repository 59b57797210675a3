"""Laws of netcfg.difference, against a device that is written anew here and knows nothing of that module."""

import re
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from infra.twin.routers import surveyed_configuration
from inventory.model import Programme
from netcfg.difference import commands_between, intended, ours_between, same, taken
from netcfg.guards.lines import typed, way_back
from netcfg.intent import line_steps
from netcfg.platforms import load_platform
from netcfg.reading import paths

FRR = load_platform("frr")
OPENS = re.compile(r"(router bgp|interface|route-map \S+ permit|address-family) ?")
REPLACED = (
    re.compile(r"(neighbor \S+ route-map) \S+ (in|out)$"),
    re.compile(r"(match ip address prefix-list) \S+$"),
    re.compile(r"(set local-preference) \d+$"),
)


class Router:
    """Takes typed lines as FRR does, as far as they occur here; a line that FRR would refuse is an error."""

    def __init__(self, text: str) -> None:
        self.lines: set[tuple[str, ...]] = set()
        self.inside: tuple[str, ...] = ()
        for line in text.splitlines():
            if line.strip() not in {"!", "end", "exit", "exit-address-family"}:
                depth = len(line) - len(line.lstrip())
                self.inside = (*self.inside[:depth], line.strip())
                self.lines.add(self.inside)
        self.inside = ()

    def take(self, line: str) -> None:
        if line == "exit":
            assert self.inside, "exit at the top leaves the configuration"
            self.inside = self.inside[:-1]
        elif line.startswith("no "):
            self.remove((*self.inside, line[3:]))
        else:
            self.add((*self.inside, line))

    def add(self, path: tuple[str, ...]) -> None:
        base = re.match(r"neighbor (\S+) (?!remote-as)", path[-1])
        if base is not None:
            told = any(
                each[-1].startswith(f"neighbor {base[1]} remote-as ") and each[0] == path[0] for each in self.lines
            )
            assert told, f"% Specify remote-as or peer-group commands first: {path}"
        for pattern in REPLACED:
            found = pattern.match(path[-1])
            if found is not None:
                alike = {
                    each for each in self.lines if each[:-1] == path[:-1] and _groups(pattern, each) == found.groups()
                }
                self.lines -= alike
        self.lines |= {path[: n + 1] for n in range(len(path))}
        if OPENS.match(path[-1]):
            self.inside = path

    def remove(self, path: tuple[str, ...]) -> None:
        assert path in self.lines, f"% Can't find: {path}"
        self.lines = {each for each in self.lines if each[: len(path)] != path}
        gone = re.match(r"neighbor (\S+) remote-as", path[-1])
        if gone is not None:
            self.lines = {
                each for each in self.lines if not (each[0] == path[0] and each[-1].startswith(f"neighbor {gone[1]} "))
            }


def _groups(pattern: re.Pattern[str], path: Sequence[str]) -> tuple[str, ...] | None:
    found = pattern.match(path[-1])
    return None if found is None else found.groups()


def lists() -> st.SearchStrategy[str]:
    entry = st.builds(
        "ip prefix-list {} seq {} permit 10.{}.0.0/16\n".format,
        st.sampled_from(["OWN", "ZH-A"]),
        st.integers(1, 4),
        st.integers(1, 3),
    )
    return st.lists(entry, max_size=4, unique=True).map("".join)


def policies() -> st.SearchStrategy[str]:
    body = st.builds(
        " match ip address prefix-list {}\n set local-preference {}\n".format,
        st.sampled_from(["OWN", "ZH-A"]),
        st.sampled_from([50, 200]),
    )
    numbers = st.lists(st.integers(1, 3), unique=True, max_size=3)
    return numbers.flatmap(
        lambda chosen: st.tuples(*(body.map(f"route-map ZH-A-IN permit {n}\n".__add__) for n in chosen))
    ).map("".join)


@st.composite
def speakers(draw: st.DrawFn) -> str:
    peers = draw(st.lists(st.integers(1, 4), unique=True, max_size=4))
    text, family = (
        "router bgp 65001\n bgp router-id 10.0.0.1\n",
        " address-family ipv4 unicast\n  network 10.1.0.0/24\n",
    )
    for peer in sorted(peers):
        text += f" neighbor 10.9.0.{peer} remote-as 6500{peer}\n"
        text += draw(st.sampled_from(["", f" neighbor 10.9.0.{peer} shutdown\n"]))
        policy = draw(st.sampled_from(["", "A", "B"]))
        family += f"  neighbor 10.9.0.{peer} route-map {policy} in\n" if policy else ""
    return text + family


def interfaces() -> st.SearchStrategy[str]:
    lines = st.sampled_from(["", " ip address 10.9.0.1/30\n", " shutdown\n", " ip address 10.9.0.1/30\n shutdown\n"])
    return lines.map("interface line1\n description a\n".__add__)


CONFIGURATIONS = st.builds("{}{}{}{}".format, lists(), policies(), speakers(), interfaces())


@given(CONFIGURATIONS, CONFIGURATIONS)
def test_running_and_commands_are_the_intended_configuration(running: str, wanted: str) -> None:
    router = Router(running)
    for command in commands_between(FRR, running, wanted):
        router.take(command)
    assert router.lines == Router(wanted).lines


@given(CONFIGURATIONS)
def test_nothing_is_typed_where_nothing_differs(running: str) -> None:
    assert commands_between(FRR, running, running) == ()


FOREIGN = ("ip route 10.200.0.0/16 10.9.0.2", "ip prefix-list THEIRS seq 5 permit 10.200.0.0/16")


@given(CONFIGURATIONS, CONFIGURATIONS, st.floats(0, 1), st.integers(0, 2))
def test_a_change_cut_off_anywhere_is_taken_back_and_what_others_did_stays(
    running: str, wanted: str, how_far: float, others: int
) -> None:
    ours, commands = ours_between(FRR, running, wanted), commands_between(FRR, running, wanted)
    router = Router(running)
    for command in commands[: round(how_far * len(commands))]:
        router.take(command)
    router.inside = ()
    for line in FOREIGN[:others]:
        router.take(line)
    due = way_back(ours, router.lines, FRR.difference.settings, FRR.difference.depending)
    for command in typed(due, FRR.commands.leave):
        router.take(command)
    assert ours.wrong(router.lines) == set()
    assert router.lines == Router(running).lines | {(line,) for line in FOREIGN[:others]}
    assert ours.others(set(paths(FRR, running)), router.lines) == {(line,) for line in FOREIGN[:others]}


@st.composite
def odd(draw: st.DrawFn, surveyed: str) -> str:
    """A surveyed configuration in which somebody has set more on the lines' sessions than the plan knows."""
    peers = ("10.252.11.2", "10.252.21.2")
    for peer in draw(st.lists(st.sampled_from(peers), unique=True)):
        above = draw(st.sampled_from(["", "description by hand", "password secret", "timers 3 9"]))
        inside = draw(st.sampled_from(["", "route-map ODD in", "maximum-prefix 10", "weight 7"]))
        remote = next(line for line in surveyed.splitlines() if line.startswith(f" neighbor {peer} remote-as "))
        out = f"  neighbor {peer} route-map OWN-OUT out\n"
        surveyed = surveyed.replace(remote, f"{remote}\n neighbor {peer} {above}".rstrip() if above else remote)
        surveyed = surveyed.replace(out, f"{out}  neighbor {peer} {inside}\n" if inside else out)
    return surveyed


@given(st.data())
def test_lines_that_share_a_device_go_and_come_back_in_any_order(programme: Programme, data: st.DataObject) -> None:
    """After any interleaving of both lines' stages, forward and back, the surveyed configuration is there again."""
    lines = {line.name: line for line in programme.network.lines}
    moves = [line_steps(programme, lines[name]) for name in ("water-leased", "water-exit")]
    surveyed = data.draw(odd(surveyed_configuration(programme, "water-ce")))
    text, done, saved = surveyed, [0, 0], dict[tuple[int, int], str]()

    def step(which: int, *, forward: bool) -> None:
        nonlocal text
        verb = moves[which][done[which] if forward else done[which] - 1]
        change = next(device for device in verb.arguments.devices if device.device == "water-ce")
        before = change.before
        if forward:
            saved[which, done[which]] = text
        else:
            before = (*before, *taken(FRR, saved[which, done[which] - 1], before, change.after))
        gone, come = (before, change.after) if forward else (change.after, before)
        goal = intended(FRR, text, gone, come, change.policies)
        router = Router(text)
        for command in commands_between(FRR, text, goal):
            router.take(command)
        assert router.lines == Router(goal).lines
        assert same(FRR, intended(FRR, goal, gone, come, change.policies), goal)
        text = goal
        done[which] += 1 if forward else -1

    for which, forward in data.draw(st.lists(st.tuples(st.integers(0, 1), st.booleans()), max_size=12)):
        if 0 <= done[which] + (1 if forward else -1) <= 4:
            step(which, forward=forward)
    while any(done):
        step(0 if done[0] else 1, forward=False)
    assert same(FRR, text, surveyed)
