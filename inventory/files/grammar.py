"""Faults of a text that is no YAML, in words of ours: by what stands there, otherwise by what the parser says.

The parser names the place where it could not go on; what is wrong often stands a line above.
"""

import re
from collections.abc import Mapping

import yaml

from inventory.findings import Problem, Spot
from inventory.words import _N, _

TELLING: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"^ *(\t)"), _N("a tab stands where the line is indented"), _N("indent with spaces")),
    (
        re.compile(r"^ *([\u00a0\u2000-\u200b\u3000])"),
        _N("a space of another kind stands where the line is indented"),
        _N("indent with ordinary spaces"),
    ),
    (
        re.compile(r"^((?:<{7}|={7}|>{7})(?: |$))"),
        _N("two versions of the file were not merged to the end"),
        _N("choose one of them and remove the lines with <<<<<<<, ======= and >>>>>>>"),
    ),
    (
        re.compile(r"^[ -]*[A-Za-z_][\w-]*\s?(：)"),
        _N("a full-width colon stands behind the key"),
        _N("write an ordinary colon and a space: 'key: value'"),
    ),
    (
        re.compile(r"^[ -]*[A-Za-z_][\w-]*(:)[^\s:/]"),
        _N("no space stands behind the colon"),
        _N("write an ordinary colon and a space: 'key: value'"),
    ),
)
"""What often is wrong, as it is found in a line, in the order of its likeliness; the group is the place."""

_QUOTES = _N("put the value in single quotes: '…'")
_NEAR = _N("look at this line and the one above it: indentation, a missing colon, quote or bracket")
PROBLEMS: Mapping[str, tuple[str, str]] = {
    "could not find expected ':'": (_N("a key without a colon"), _NEAR),
    "did not find expected key": (_N("a key is expected here"), _NEAR),
    "did not find expected '-' indicator": (_N("a member of a list is expected here"), _NEAR),
    "did not find expected ',' or ']'": (_N("a list in brackets is not closed"), _N("write , or ]")),
    "did not find expected ',' or '}'": (_N("a mapping in braces is not closed"), _N("write , or }")),
    "did not find expected node content": (_N("a value is expected here"), _NEAR),
    "did not find expected <document start>": (_N("the text goes on behind its end"), _NEAR),
    "did not find expected comment or line break": (_N("the line goes on behind its end"), _NEAR),
    "mapping values are not allowed in this context": (
        _N("a colon stands where none can be"),
        _N("indent the line like its neighbours; a value with a colon in it stands in quotes"),
    ),
    "block sequence entries are not allowed in this context": (_N("a list begins where none can be"), _NEAR),
    "found character that cannot start any token": (_N("a value cannot begin with this sign"), _QUOTES),
    "found unknown escape character": (_N("this means nothing behind a backslash in double quotes"), _QUOTES),
    "found unexpected end of stream": (_N("the text ends within quotes"), _N("close them")),
    "found unexpected document indicator": (_N("the document ends within quotes"), _N("close them")),
    "found unexpected ':'": (_N("a colon stands where none can be"), _QUOTES),
    "control characters are not allowed": (_N("a character that is no text"), _N("remove it, or save the file anew")),
}
"""What the parser says, in words of ours; of what is rarer its own words are told."""


def explained(exc: yaml.YAMLError, text: str) -> Problem:
    """Return what is wrong with a text that the parser did not take."""
    spot = _spot(exc, text)
    lines = text.split("\n")
    near = [number for number in (spot.line, spot.line - 1) if 0 < number <= len(lines)]
    for number in near:
        for pattern, reason, mend in TELLING:
            if found := pattern.match(lines[number - 1]):
                return Problem(spot=Spot(number, found.start(1) + 1), reason=_(reason), mend=_(mend))
    said = str(getattr(exc, "problem", None) or getattr(exc, "reason", None) or "")
    if said not in PROBLEMS:
        return Problem(spot=spot, reason=_("this is not YAML: {said}").format(said=said), mend=_(_NEAR))
    reason, mend = PROBLEMS[said]
    opened = next((number for number, line in enumerate(lines[: spot.line], 1) if _opens(line)), 0)
    hint = _("line {line} may lack a closing quote").format(line=opened) if 0 < opened < spot.line else ""
    return Problem(spot=spot, reason=_("this is not YAML: {said}").format(said=_(reason)), mend=hint or _(mend))


def _opens(line: str) -> bool:
    return re.search(r'[:\-\[,{] *"[^"]*$', line) is not None


def _spot(exc: yaml.YAMLError, text: str) -> Spot:
    mark, offset = getattr(exc, "problem_mark", None), getattr(exc, "position", None)
    if mark is not None:
        return Spot(mark.line + 1, mark.column + 1)
    if not isinstance(offset, int):
        return Spot(0, 0)
    before = text.encode()[:offset].decode(errors="ignore")
    return Spot(before.count("\n") + 1, len(before) - before.rfind("\n"))
