"""Configurations of statements and blocks (`protocol bgp x { ... };`) as lines with the sections they stand in; pure.

A section is called by its first words, with `{}` where its lines stand. Comments and spacing are no part of a line, and
stay as they are where a text is edited. This module is also sent to devices, so it needs nothing but Python 3.9.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from netcfg.guards.lines import Deed, LinePath

BLOCK = "{}"
_SKIPPED = re.compile(r"(?:\s+|#[^\n]*|/\*.*?\*/)+", re.DOTALL)
_QUOTED = re.compile(r'"[^"\n]*"?')
_PLAIN = re.compile(r'[^\s{}()\[\];"#/]+')
_DEEPEST = 40
"""No configuration has as many sections in each other; what lies deeper is read as words."""
_BRACKETS = {"(": 1, "[": 1, ")": -1, "]": -1}


class Statement(NamedTuple):
    """One line of a configuration and where it stands in the text; `inner` is where a section's lines begin."""

    path: LinePath
    begin: int
    end: int
    inner: int | None = None


def statements(text: str) -> tuple[Statement, ...]:
    """Return every statement and section of a text, each section before what it contains."""
    found, _end = _read(text, 0, 0)
    return tuple(_placed(found, ()))


def statement_paths(text: str) -> tuple[LinePath, ...]:
    """Return every line of a configuration, sections included."""
    return tuple(dict.fromkeys(each.path for each in statements(text)))


def edited(text: str, deeds: Sequence[Deed], last: str) -> str:
    """Return a text with lines taken away and added, and nothing else changed.

    What comes stands first in its section, in the order of the deeds; at the top what matches `last` comes last.
    """
    for deed in deeds:
        if not deed.adds:
            text = _without(text, deed.path)
    for deed in reversed(deeds):
        if deed.adds:
            text = _with(text, deed.path, last)
    return text


def statements_written(lines: Iterable[LinePath]) -> str:
    """Return paths, each section followed by what it contains, as a configuration's text."""
    written: list[str] = []
    open_sections: list[str] = []
    for path in lines:
        while len(open_sections) >= len(path):
            written.append("\t" * (len(open_sections) - 1) + open_sections.pop())
        head, block, rest = path[-1].partition(BLOCK)
        written.append("\t" * (len(path) - 1) + (f"{head}{{" if block else head))
        if block:
            open_sections.append("}" + rest)
    while open_sections:
        written.append("\t" * (len(open_sections) - 1) + open_sections.pop())
    return "".join(f"{line}\n" for line in written)


class _Node(NamedTuple):
    words: str
    begin: int
    end: int
    inner: int | None
    nodes: tuple[_Node, ...]


def _placed(nodes: Iterable[_Node], above: LinePath) -> Iterator[Statement]:
    for node in nodes:
        path = (*above, node.words)
        yield Statement(path, node.begin, node.end, node.inner)
        yield from _placed(node.nodes, path)


def _read(text: str, at: int, above: int) -> tuple[tuple[_Node, ...], int]:
    """Return what stands from here to the end of the section, and where that is."""
    nodes: list[_Node] = []
    while True:
        at = _after_space(text, at)
        if at >= len(text) or text[at] == "}":
            return tuple(nodes), at
        if text[at] == ";":
            at += 1
            continue
        node = _one(text, at, above)
        nodes.append(node)
        at = node.end


def _one(text: str, begin: int, above: int) -> _Node:
    at, depth, words = begin, 0, ""
    while at < len(text):
        sign = text[at]
        if sign == "{" and depth == 0 and above < _DEEPEST:
            nodes, end = _read(text, at + 1, above + 1)
            end = min(end + 1, len(text))
            after = _after_space(text, end)
            closed = after < len(text) and text[after] == ";"
            name = f"{words.strip()} {BLOCK}" + (";" if closed else "")
            return _Node(name.strip(), begin, after + 1 if closed else end, at + 1, nodes)
        if sign == "}" and depth == 0:
            break
        if sign == ";" and depth == 0:
            return _Node(f"{words.strip()};", begin, at + 1, None, ())
        depth += _BRACKETS.get(sign, 0)
        if (skipped := _SKIPPED.match(text, at)) is not None:
            words, at = words + " ", skipped.end()
        else:
            whole = _QUOTED.match(text, at) if sign == '"' else _PLAIN.match(text, at)
            words, at = words + (whole[0] if whole else sign), whole.end() if whole else at + 1
    return _Node(words.strip(), begin, at, None, ())


def _after_space(text: str, at: int) -> int:
    skipped = _SKIPPED.match(text, at)
    return skipped.end() if skipped is not None else at


def _without(text: str, path: LinePath) -> str:
    while True:
        found = next((each for each in statements(text) if each.path == path), None)
        if found is None:
            return text
        begin, end = found.begin, found.end
        line = text.rfind("\n", 0, begin) + 1
        rest = text.find("\n", end)
        # A line that had nothing else goes with it; a comment behind it is somebody's and stays.
        if not text[line:begin].strip() and rest >= 0 and not text[end:rest].strip():
            begin, end = line, rest + 1
        text = text[:begin] + text[end:]


def _with(text: str, path: LinePath, last: str) -> str:
    there = {each.path: each for each in reversed(statements(text))}
    if path in there:
        return text
    if len(path) > 1 and path[:-1] not in there:
        text = _with(text, path[:-1], last)
        there = {each.path: each for each in reversed(statements(text))}
    indent = "\t" * (len(path) - 1)
    line = "".join(f"{indent}{each}\n" for each in statements_written([(path[-1],)]).splitlines())
    if len(path) > 1:
        section = there[path[:-1]]
        assert section.inner is not None
        at = section.inner + 1 if text[section.inner : section.inner + 1] == "\n" else section.inner
        return text[:at] + ("" if at > section.inner else "\n") + line + text[at:]
    if re.match(last, path[0]) or not there:
        return text + ("" if text.endswith("\n") or not text else "\n") + line
    at = text.rfind("\n", 0, next(iter(statements(text))).begin) + 1
    return text[:at] + line + text[at:]
