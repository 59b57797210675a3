"""Has packets show what a double was told: its configuration in FRRouting's words, and what leads to another one.

This reads what stands on the device and nothing of what was meant; whatever has no words here is refused. What is the
same for all vendors stands here, a vendor's own words beside it (`forwarding_vrp8.py`, `forwarding_ios.py`).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Interface
from typing import Any

from netcfg.doubles.forms import Lines, Path, Refusal, nested

Asked = Callable[[str], str]
"""Asks the router that forwards, and returns its answer."""
SAME = ""
"""Is what the router does anyway."""
_LISTED = re.compile(r"match ip address prefix-list (\S+)")
_SETTINGS = tuple(map(re.compile, (
    r"(hostname) ", r"(description) ", r"(bgp router-id) ", r"(timers bgp) ", r"(neighbor \S+ remote-as) ",
    r"(neighbor \S+ description) ", r"(neighbor \S+ password) ", r"(neighbor \S+ route-map) \S+ (in|out)",
    r"(match ip address prefix-list) ", r"(set local-preference) ", r"(set community) ",
    r"(ip prefix-list \S+ seq \d+) ",
)))  # fmt: skip
"""A new line of these takes the place of an old one, so there is no moment without any."""
_SECTION = re.compile(r"router bgp |route-map |interface |address-family ")
_WHOLE = re.compile(r"router bgp |route-map ")
"""A section that goes with all that stands in it; of others what stands in them goes, line by line."""


@dataclass(frozen=True)
class Words:
    """What a vendor's lines are to a router."""

    forms: Mapping[tuple[str, ...], str]
    """By a pattern for each section and the line itself; groups `net` and `mask` together are `{prefix}`."""
    wrong: str
    """Is said to who types what has no words here."""
    answers: Callable[[str, Asked, Asked, str], str | None]
    """Says what the device would say of its neighbours and routes, as the router tells them (its command line, its
    shell) to who comes from an address; None where there are no words for it."""

    def compiled(self, lines: Lines) -> tuple[Path, ...]:
        """Return a configuration as one of FRRouting that forwards likewise; Refusal where that has no words."""
        paths = tuple(self._compiled(lines))
        lists = {line.split()[2] for (line, *_inside) in paths if line.startswith("ip prefix-list ")}

        def there(path: Path) -> bool:
            # To these vendors a list that is not there matches everything, to FRRouting nothing.
            listed = _LISTED.fullmatch(path[-1])
            return listed is None or listed[1] in lists

        return tuple(filter(there, paths))

    def _compiled(self, lines: Lines) -> Iterator[Path]:
        sections: dict[Path, Path] = {(): ()}
        for path in nested(lines):
            if not lines.grammar.forwards(path):
                continue
            words, above = self._one(path), sections[path[:-1]]
            if words == SAME:
                sections[path] = above
                continue
            sections[path] = (*above, words)
            yield sections[path]
            if words.startswith("router bgp "):
                # They accept and announce where no policy is named.
                yield (words, "no bgp ebgp-requires-policy")
            if re.fullmatch(r"neighbor \S+ remote-as \d+", words):
                yield (*above, f"{words.rpartition(' remote-as ')[0]} timers connect 1")

    def _one(self, path: Path) -> str:
        for patterns, words in self.forms.items():
            if len(patterns) != len(path):
                continue
            found = [re.fullmatch(pattern, line) for pattern, line in zip(patterns, path, strict=True)]
            if all(found) and (last := found[-1]) is not None:
                groups = last.groupdict()
                prefix = IPv4Interface(f"{groups['net']}/{groups['mask']}") if "mask" in groups else ""
                return " ".join(last.expand(words).replace("{prefix}", str(prefix)).split())
        raise Refusal(self.wrong, path[-1])


def written(paths: Sequence[Path]) -> str:
    """Return a router's configuration as text."""
    return "".join(f"{' ' * (len(path) - 1)}{path[-1]}\n" for path in paths)


def between(before: Sequence[Path], after: Sequence[Path]) -> tuple[str, ...]:
    """Return what is to be typed so that a router has another configuration, in the order in which no packet is lost.

    Whatever is referred to comes before who refers to it, and goes after it.
    """
    old, new = set(before), set(after)
    come = [path for path in after if path not in old]
    gone = [path for path in before if path not in new and not _replaced(path, come)]
    gone = [path for path in gone if not any(path[:length] in gone for length in range(1, len(path)) if _goes(path))]
    gone = [path for path in gone if _goes_alone(path, gone)]
    lists, policies = ([p for p in come if p[0].startswith(word)] for word in ("ip prefix-list ", "route-map "))
    others = [path for path in come if path not in {*lists, *policies}]
    late = [path for path in gone if path[0].startswith(("route-map ", "ip prefix-list "))]
    late.sort(key=lambda path: path[0].startswith("ip prefix-list "))
    early = [path for path in gone if path not in late]
    steps = (*map(_typed, (*lists, *policies)), *map(_taken, early), *map(_typed, others), *map(_taken, late))
    return tuple(line for step in steps for line in step)


def _typed(path: Path) -> tuple[str, ...]:
    return (*path, *(["exit"] * (len(path) if _SECTION.match(path[-1]) else len(path) - 1)))


def _taken(path: Path) -> tuple[str, ...]:
    words = "description" if path[-1].startswith("description ") else path[-1]
    return (*path[:-1], f"no {words}", *(["exit"] * (len(path) - 1)))


def _goes(path: Path) -> bool:
    return _WHOLE.match(path[0]) is not None


def _goes_alone(path: Path, gone: Sequence[Path]) -> bool:
    """Say whether a line has to be taken away by itself: not a section that only opens, nor what goes with others."""
    if path[-1].startswith(("interface ", "address-family ")):
        return False
    neighbour = re.match(r"neighbor (\S+) (?!remote-as )", path[-1])
    return neighbour is None or not any(
        each[0] == path[0] and each[-1].startswith(f"neighbor {neighbour[1]} remote-as ") for each in gone
    )


def _replaced(path: Path, come: Sequence[Path]) -> bool:
    setting = _setting(path[-1])
    return setting is not None and any(each[:-1] == path[:-1] and _setting(each[-1]) == setting for each in come)


def _setting(line: str) -> tuple[str | None, ...] | None:
    return next((found.groups() for each in _SETTINGS if (found := each.match(line))), None)


def told(answer: str) -> dict[str, Any]:
    """Return what a router says as JSON; nothing where it says it in other words."""
    try:
        said = json.loads(answer)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def hops(said: Mapping[str, Any]) -> Iterator[tuple[str, str, int, str, str]]:
    """Yield of all routes that are taken the prefix, protocol, distance, next hop and interface; a hop may be empty."""
    for prefix, routes in said.items():
        for route in routes if isinstance(routes, list) else ():
            for hop in route.get("nexthops", ()) if route.get("selected") else ():
                ways = str(hop.get("ip", "")), str(hop.get("interfaceName", ""))
                yield str(prefix), str(route.get("protocol")), int(route.get("distance", 0)), *ways


def packets(name: str, counted: str) -> tuple[int, int] | None:
    """Return how many packets came and went by an interface, from what Linux counts; None where it is not there."""
    found = re.search(rf"^\s*{re.escape(name)}:\s*(.*)$", counted, re.MULTILINE)
    numbers = [int(number) for number in found[1].split()] if found is not None else []
    return (numbers[1], numbers[9]) if numbers else None


def pinged(answer: str) -> tuple[int, int]:
    """Return how many packets a ping sent, and how many answers came."""
    found = re.search(r"(\d+) packets transmitted, (\d+) received", answer)
    return (int(found[1]), int(found[2])) if found is not None else (0, 0)
