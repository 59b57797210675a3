"""Configurations of any platform as lines with the sections they stand in; pure."""

import re
from collections.abc import Collection, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network

from netcfg.guards.lines import LinePath
from netcfg.guards.lines import numbered as indented_lines
from netcfg.guards.lines import paths as indented_paths
from netcfg.guards.statements import statement_paths, statements, statements_written
from netcfg.platforms import Platform


def paths(platform: Platform, text: str) -> tuple[LinePath, ...]:
    """Return every line of a configuration, sections included, without what the command line prints around it."""
    return statement_paths(text) if platform.syntax == "braces" else indented_paths(platform.noise, text)


def numbered(platform: Platform, text: str) -> Iterator[tuple[int, LinePath]]:
    """Yield the same lines with their numbers, counted from one, each time that they stand there."""
    if platform.syntax == "braces":
        number, at = 1, 0
        for each in statements(text):
            number, at = number + text.count("\n", at, each.begin), each.begin
            yield number, each.path
    else:
        yield from indented_lines(platform.noise, text)


def body(platform: Platform, text: str) -> str:
    """Return a configuration without what a command line prints above it."""
    if platform.keeping.kind == "loaded":
        return text
    return re.split(platform.keeping.header, text, maxsplit=1)[-1].strip("\n") + "\n"


def written(platform: Platform, lines: Sequence[LinePath]) -> str:
    """Return paths as configuration text."""
    if platform.syntax == "braces":
        return statements_written(_grouped(lines))
    return "".join(f"{' ' * (len(path) - 1)}{path[-1]}\n" for path in _grouped(lines))


def static_routes(platform: Platform, configuration: str, ways: Collection[str]) -> tuple[str, ...]:
    """Return the prefixes that a configuration has a static route for by one of some next hops or interfaces."""
    found = (re.match(platform.identity.static, path[-1]) for path in paths(platform, configuration))
    return tuple(_prefix(match) for match in found if match and _words(_way(match)) & set(ways))


def _words(way: str) -> set[str]:
    """Return the addresses and interfaces of a static route's way, however they are joined or quoted."""
    return set(re.split(r"[\s\"'%]+", way))


def _prefix(match: re.Match[str]) -> str:
    words = match.groupdict()
    return match[1] if "mask" not in words else str(IPv4Network(f"{words['network']}/{words['mask']}", strict=False))


def _way(match: re.Match[str]) -> str:
    return match.groupdict().get("way") or match[2]


def sending(platform: Platform, configuration: str, address: IPv4Address) -> str:
    """Return the line by which a device sends packets to an address by itself; empty where it has none."""
    wanted = [each.format(address=re.escape(str(address))) for each in platform.identity.sends]
    found = (path for path in paths(platform, configuration) if wanted and len(path) == len(wanted))
    return next((" / ".join(path) for path in found if all(map(re.match, wanted, path))), "")


def router_id(platform: Platform, configuration: str) -> str:
    """Return the router id that a configuration states, or `none`."""
    for line in configuration.splitlines():
        found = re.match(platform.identity.router_id, line.strip())
        if found is not None:
            return found[1]
    return "none"


def _grouped(lines: Sequence[LinePath]) -> Iterator[LinePath]:
    """Yield paths so that each section is followed by what it contains, in the order in which they were first named."""
    children: dict[LinePath, dict[LinePath, None]] = {}
    for path in lines:
        for length in range(1, len(path) + 1):
            children.setdefault(path[: length - 1], {}).setdefault(path[:length])

    def walk(section: LinePath) -> Iterator[LinePath]:
        for path in children.get(section, ()):
            yield path
            yield from walk(path)

    return walk(())
