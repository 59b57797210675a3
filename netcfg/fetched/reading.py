"""Reads a kept configuration into facts; pure. What cannot be read as what it seems to be is told as foreign."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from inventory.configured.facts import (
    Announced,
    Clause,
    Configured,
    Entry,
    Foreign,
    Neighbour,
    Port,
    Redistributed,
    Speaker,
    Static,
)
from inventory.configured.folder import digest_of
from netcfg.fetched.expanding import Numbered, expanded
from netcfg.fetched.functions import Functions
from netcfg.fetched.language import Kind, Language, load_language
from netcfg.platforms import Platform
from netcfg.reading import numbered

Groups = Mapping[str, str]
_OF_NEIGHBOURS = {"neighbour", "neighbour-shut", "password", "policy", "inline"}
_OURS = "zh_"
"""Policies of our own go on with the operator's."""
_WAYS = {"import": "in", "export": "out"}
_LONGEST = 200
"""Of a line's characters so many are told."""


@dataclass(frozen=True, eq=False)
class Said:
    """One line that states something, with the values of its form."""

    kind: Kind
    line: int
    path: tuple[str, ...]
    values: Groups
    name: str = ""

    def get(self, key: str) -> str:
        """Return a value; empty where the form has none."""
        return self.values.get(key) or ""


def facts_of(device: str, platform: Platform, text: str, *, key: str = "", saved: bool = True) -> Configured:
    """Return the facts of a device's kept configuration."""
    common: dict[str, Any] = {"device": device, "platform": platform.name, "digest": digest_of(text), "key": key}
    language = load_language(platform.name)
    if language is None:
        return Configured(**common, saved=saved, understood=False)
    lines = expanded(language.expansion, tuple(numbered(platform, text)))
    said = tuple(_owned(language, _said(language, lines)))
    functions = Functions(lines) if language.filters else None
    return _Reader(said, functions).configured(**common, saved=saved)


def _said(language: Language, lines: Numbered) -> Iterator[Said]:
    forms = [(form, [re.compile(each) for each in form.path]) for form in language.forms]
    for number, path in lines:
        for form, patterns in forms:
            if len(patterns) != len(path):
                continue
            found = [pattern.match(each) for pattern, each in zip(patterns, path, strict=True)]
            if all(found):
                values = {key: value for match in found if match for key, value in match.groupdict().items() if value}
                if mask := values.pop("mask", ""):
                    values |= {key: f"{values[key]}/{mask}" for key in ("prefix", "address") if key in values}
                yield Said(form.kind, number, path, values, form.name)


def _owned(language: Language, said: Iterator[Said]) -> Iterator[Said]:
    """Give every line of a section the neighbour and the VRF that another line of it tells."""
    if not language.sections:
        yield from said
        return
    every, owner = tuple(said), re.compile(language.sections)
    owners: dict[str, dict[str, str]] = {}
    for each in every:
        if each.kind in {"neighbour", "vrf"} and owner.match(each.path[0]):
            owners.setdefault(each.path[0], {}).update(each.values)
    for each in every:
        values = owners.get(each.path[0], {})
        # A template has no neighbour of its own, and a line about nobody says nothing.
        if each.kind not in _OF_NEIGHBOURS or "peer" in values or not owner.match(each.path[0]):
            wanted = {key: value for key, value in values.items() if key != "asn" or each.kind == "neighbour"}
            yield replace(each, values={**each.values, **wanted})


class _Reader:
    """Folds what lines say into facts."""

    def __init__(self, said: tuple[Said, ...], functions: Functions | None = None) -> None:
        self._said = said
        self._functions = functions
        self._foreign: list[Foreign] = []

    def configured(self, **common: Any) -> Configured:
        clauses = tuple(self._clauses())
        entries, statics, announced = tuple(self._entries()), tuple(self._statics()), tuple(self._announced())
        ports, neighbours, speakers = tuple(self._ports()), tuple(self._neighbours()), tuple(self._speakers())
        for each in self._of("foreign"):
            self._tell(each, each.name)
        return Configured(
            **common,
            hostname=next((each.get("name") for each in self._of("hostname")), ""),
            speakers=speakers,
            ports=ports,
            neighbours=neighbours,
            announced=announced,
            redistributed=tuple(
                Redistributed(line=each.line, origin=each.get("origin") or each.name, vrf=each.get("vrf"))
                for each in self._of("redistributed")
            ),
            statics=statics,
            entries=entries,
            clauses=clauses,
            foreign=tuple(sorted(self._foreign, key=lambda each: (each.line, each.kind))),
        )

    def _of(self, *kinds: Kind) -> Iterator[Said]:
        return (each for each in self._said if each.kind in kinds)

    def _tell(self, said: Said, kind: str) -> None:
        self._foreign.append(Foreign(line=said.line, kind=kind, words=" / ".join(said.path)[:_LONGEST]))

    def _speakers(self) -> Iterator[Speaker]:
        ids = {each.get("vrf"): _address(each.get("address")) for each in self._of("router-id")}
        told = {(int(each.get("asn")), each.get("vrf")): each for each in reversed(tuple(self._of("speaker")))}
        for (asn, vrf), each in reversed(told.items()):
            yield Speaker(line=each.line, asn=asn, vrf=vrf, router_id=ids.get(vrf))

    def _ports(self) -> Iterator[Port]:
        shut = {(each.get("name"), each.get("vrf")) for each in self._of("port-shut")}
        addresses: dict[tuple[str, str], list[IPv4Interface]] = {}
        for each in self._of("address"):
            address = _interface(each.get("address"))
            if address is None:
                self._tell(each, "address")
            else:
                addresses.setdefault((each.get("name"), each.get("vrf")), []).append(address)
        for each in self._of("port"):
            key = each.get("name"), each.get("vrf")
            yield Port(
                line=each.line, name=key[0], vrf=key[1], addresses=tuple(addresses.get(key, ())), shut=key in shut
            )

    def _neighbours(self) -> Iterator[Neighbour]:
        groups = {(each.get("vrf"), each.get("peer")): each.get("group") for each in self._of("member")}
        numbers = {(each.get("vrf"), each.get("peer")): each.get("asn") for each in self._of("neighbour")}
        shut = {(each.get("vrf"), each.get("peer")) for each in self._of("neighbour-shut")}
        policies = {
            (each.get("vrf"), each.get("peer"), _WAYS.get(each.get("way"), each.get("way"))): name
            for each, (name, _clauses) in self._policies.items()
        }
        passwords = {(each.get("vrf"), each.get("peer")): each.get("secret") for each in self._of("password")}
        lines: dict[tuple[str, str], Said] = {}
        for each in self._of("neighbour", "member"):
            lines.setdefault((each.get("vrf"), each.get("peer")), each)
        named = {key for key, group in groups.items() if not group}
        for key, each in lines.items():
            vrf, peer = key
            if key in named:
                continue
            if ":" in peer:
                self._tell(each, "ipv6")
                continue
            group = groups.get(key, "")
            held = [found for found in (peer, group) if found]
            yield Neighbour(
                line=each.line,
                peer=peer,
                vrf=vrf,
                asn=next((found for who in held if (found := numbers.get((vrf, who), ""))), ""),
                shut=any((vrf, who) in shut for who in held),
                policy_in=next((found for who in held if (found := policies.get((vrf, who, "in"), ""))), ""),
                policy_out=next((found for who in held if (found := policies.get((vrf, who, "out"), ""))), ""),
                password=next((found for who in held if (found := passwords.get((vrf, who), ""))), ""),
            )

    def _announced(self) -> Iterator[Announced]:
        for each in self._of("announced"):
            prefix = _prefix(each.get("prefix"))
            if prefix is None:
                self._tell(each, "prefix")
            else:
                yield Announced(line=each.line, prefix=prefix, vrf=each.get("vrf"))

    def _statics(self) -> Iterator[Static]:
        for each in self._of("static"):
            prefix, (way, vrf) = _prefix(each.get("prefix")), _way(each.get("way"))
            if prefix is None or not way:
                self._tell(each, "static")
            else:
                yield Static(line=each.line, prefix=prefix, way=way, vrf=vrf or each.get("vrf"))

    @cached_property
    def _policies(self) -> "Mapping[Said, tuple[str, tuple[Clause, ...]]]":
        """The names of neighbours' policies, with the clauses of those that are functions."""
        found: dict[Said, tuple[str, tuple[Clause, ...]]] = {}
        for each in self._of("policy", "inline"):
            words, functions = each.get("policy"), self._functions
            if functions is None:
                found[each] = words, ()
            elif each.kind == "inline":
                found[each] = f"{each.get('way')} {each.get('peer')}", _unnamed(each)
            else:
                found[each] = functions.policy(each.line, words, ours=_OURS)
        return found

    def _entries(self) -> Iterator[Entry]:
        if self._functions is not None:
            yield from self._functions.entries
        for each in self._of("entry"):
            bounds, prefix = each.get("bounds"), each.get("prefix")
            if prefix == "any":
                prefix, bounds = "0.0.0.0/0", "le 32"
            found = _prefix(prefix)
            if found is None:
                self._tell(each, "list")
            else:
                permits = each.get("action") == "permit"
                yield Entry(line=each.line, name=each.get("name"), permits=permits, prefix=found, bounds=bounds)

    def _clauses(self) -> Iterator[Clause]:
        yield from dict.fromkeys(clause for _name, clauses in self._policies.values() for clause in clauses)
        about: dict[tuple[str, str, str], list[Said]] = {}
        for each in self._of("match", "set", "call"):
            about.setdefault((each.get("policy"), each.get("action"), each.get("number")), []).append(each)
        for each in self._of("clause"):
            inside = about.get((each.get("policy"), each.get("action"), each.get("number")), [])
            yield Clause(
                line=each.line,
                policy=each.get("policy"),
                number=int(each.get("number")),
                permits=each.get("action") == "permit",
                matches=tuple(one.get("words") for one in inside if one.kind == "match"),
                lists=tuple(one.get("list") for one in inside if one.kind == "match" and one.get("list")),
                sets=tuple(one.get("words") for one in inside if one.kind == "set"),
                calls=next((one.get("words") for one in inside if one.kind == "call"), ""),
            )


def _unnamed(said: Said) -> tuple[Clause, ...]:
    """Return the clause of a filter that is written at its neighbour: nobody can say what it lets through."""
    name = f"{said.get('way')} {said.get('peer')}"
    return (Clause(line=said.line, policy=name, number=1, permits=True, matches=(said.path[-1],)),)


def _way(words: str) -> tuple[tuple[str, ...], str]:
    """Return the next hop or interface of a static route, and the VRF that the route is of; options are left out."""
    way: list[str] = []
    vrf = ""
    left = words.split()
    while left:
        word = left.pop(0)
        if word in {"vrf", "nexthop-vrf", "tag", "label", "table", "color", "weight"}:
            value = left.pop(0) if left else ""
            vrf = value if word == "vrf" else vrf
        elif not word.isdigit() and word not in {"onlink", "bfd", "via", "dev", "recursive"}:
            way.append(word.strip('"'))
    return tuple(way), vrf


def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except ValueError:
        return None


def _interface(text: str) -> IPv4Interface | None:
    try:
        return IPv4Interface(text)
    except ValueError:
        return None


def _prefix(text: str) -> IPv4Network | None:
    try:
        return IPv4Network(text, strict=False)
    except ValueError:
        return None
