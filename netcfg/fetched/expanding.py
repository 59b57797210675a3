"""Configurations with constants and templates: each section with all that it says, each word with what it stands for.

Pure. A line that comes from a template keeps its own number: there it would be corrected.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from netcfg.fetched.language import Expansion
from netcfg.guards.lines import LinePath

Numbered = Sequence[tuple[int, LinePath]]
_DEEPEST = 8
"""Templates of templates, and constants of constants."""
_WORD = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|[A-Za-z_][A-Za-z0-9_]*")


def expanded(rules: Expansion | None, lines: Numbered) -> Numbered:
    """Return lines with templates and constants put in; a template's lines stand before a section's own."""
    if rules is None:
        return lines
    constants = dict(_matches(rules.define, lines, "name", "value"))
    sections: dict[str, list[tuple[int, LinePath]]] = {}
    for number, path in lines:
        sections.setdefault(path[0], []).append((number, path))
    templates = {name: head for head in sections if (name := _name(rules.template, head, "name"))}
    whole = [line for head in sections for line in _whole(rules, head, sections, templates, 0)]
    return tuple((number, _put_in(constants, path)) for number, path in whole)


def _whole(
    rules: Expansion,
    head: str,
    sections: Mapping[str, Sequence[tuple[int, LinePath]]],
    templates: Mapping[str, str],
    depth: int,
) -> Iterator[tuple[int, LinePath]]:
    own = sections[head]
    yield own[0]
    above = templates.get(_name(rules.user, head, "template"))
    if above is not None and above != head and depth < _DEEPEST:
        for number, path in _whole(rules, above, sections, templates, depth + 1):
            if len(path) > 1:
                yield number, (head, *path[1:])
    yield from own[1:]


def _put_in(constants: Mapping[str, str], path: LinePath) -> LinePath:
    return (path[0], *(_replaced(constants, line) for line in path[1:]))


def _replaced(constants: Mapping[str, str], line: str) -> str:
    for _again in range(_DEEPEST):
        put = _WORD.sub(lambda word: constants.get(word[0].strip("'"), word[0]), line)
        if put == line:
            break
        line = put
    return line


def _matches(pattern: str, lines: Numbered, *groups: str) -> Iterator[tuple[str, str]]:
    for _number, path in lines:
        found = re.match(pattern, path[-1])
        if found is not None:
            one, other = (found[group] for group in groups)
            yield one.strip("'"), other


def _name(pattern: str, head: str, group: str) -> str:
    found = re.match(pattern, head)
    return found[group] if found is not None else ""
