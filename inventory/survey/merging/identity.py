"""Identity: whether two rows are about the same thing, and whether two titles may be one department's.

A title that half of all departments use, such as 办公系统, says nothing of which system is meant; neither does a number
that only counts rows, nor a function in a few words.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

_GENERIC = Path(__file__).with_name("generic.txt")
"""Words of which a generic title consists, with blanks between them; lines that begin with # are comments."""

_REFORMS = Path(__file__).with_name("reforms.txt")
"""Stems of offices' titles: those since a reform < those of whose work they took over, with blanks between them."""

_SECTION = re.compile(r".{1,8}(?:科|股|处|室)|[(（].{1,12}[)）]")

_RUNNING = re.compile(r"(?:第|no)?(?:[0-9]{1,4}|[一二三四五六七八九十百零〇]{1,4})(?:号|项|个)?")

_LONG = 8
"""Characters from which on an equal function is no accident."""

_CERTAIN = ("survey.builder", "survey.approved", "grading.record")
"""Fields in which two reports of one system do not differ."""

_SPLIT = re.compile(r"(?<![城都])市(?![场政容民])|(?<![社园景小城校林牧库])区(?![域划块])|县(?![域乡])|[省州盟旗]")
"""Where a place ends in a title; 城市, 市场, 社区 and the like are words and no places."""
_ENDINGS = ("委员会", "办公室", "局", "委", "办", "厅")
"""Endings that change when an office is reorganised: 卫计局 and 卫计委."""


def folded(title: str) -> str:
    """Return a title as it is compared: without spaces, differences of width and of case."""
    return "".join(unicodedata.normalize("NFKC", title).split()).casefold()


def generic(title: str) -> bool:
    """Tell whether a title is one that many departments use for systems of their own, such as 办公系统 or OA."""
    return _generic_title().fullmatch(re.sub(r"[\W_]+", "", folded(title))) is not None


@cache
def _generic_title() -> re.Pattern[str]:
    lines = (line for line in _GENERIC.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    words = sorted((word for line in lines for word in line.split()), key=len, reverse=True)
    return re.compile(f"(?:{'|'.join(map(re.escape, words))}|[0-9v.]+)+")


def running(number: object) -> bool:
    """Tell whether a number only counts the rows of a sheet, such as 1, 02 or 三; a system is not known by it."""
    return _RUNNING.fullmatch(re.sub(r"[\W_]+", "", folded(str(number)).removesuffix(".0"))) is not None


def contradicts(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Tell whether two reports differ in what reports of one system never differ in."""
    return any(_equal(one, other, field) is False for field in _CERTAIN)


def agrees(one: Mapping[str, object], other: Mapping[str, object], title: str) -> bool:
    """Tell whether two reports of one title agree in so much that they are probably about one system.

    The number of a protection record is enough. A function in many words, or builder and approval together, are enough
    where the title is not a generic one.
    """
    if contradicts(one, other):
        return False
    if _equal(one, other, "grading.record"):
        return True
    function = str(one.get("survey.function", ""))
    described = _equal(one, other, "survey.function") and len(folded(function)) >= _LONG and not generic(function)
    built = _equal(one, other, "survey.builder") and _equal(one, other, "survey.approved")
    return not generic(title) and bool(described or built)


def _equal(one: Mapping[str, object], other: Mapping[str, object], field: str) -> bool | None:
    """Return whether a field is the same in both; None where one of them does not say it."""
    first, second = one.get(field), other.get(field)
    return folded(str(first)) == folded(str(second)) if first and second else None


def may_be(one: str, other: str) -> bool:
    """Tell whether two titles may be one department's: without its place, shortened, or before a reform of offices.

    A section of a department, such as 卫生局信息科, may be meant for the department itself.
    """
    if succeeds(one, other) or succeeds(other, one):
        return True
    if _is_section(one, other) or _is_section(other, one):
        return True
    return any(
        _places_agree(here, there) and _rests_agree(mine, theirs)
        for here, mine in _taken_apart(folded(one))
        for there, theirs in _taken_apart(folded(other))
    )


def _is_section(one: str, other: str) -> bool:
    """Tell whether a title is another one's with a section of it behind."""
    return one.startswith(other) and _SECTION.fullmatch(one.removeprefix(other)) is not None


def succeeds(new: str, old: str) -> bool:
    """Tell whether one title is that of the office which took over the work of the other one's in a reform."""
    for here, mine in _taken_apart(folded(new)):
        for there, theirs in _taken_apart(folded(old).removeprefix("原")):
            if _places_agree(here, there) and any(
                _stem(mine) in since and _stem(theirs) in before for since, before in _reforms()
            ):
                return True
    return False


@cache
def _reforms() -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    """Return the stems of titles since a reform, with those before it."""
    lines = (line for line in _REFORMS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))
    pairs = (line.partition("<") for line in lines)
    return tuple((frozenset(new.split()), frozenset(old.split())) for new, _sign, old in pairs)


def _taken_apart(title: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to read a title as a place and a rest; the place is empty where there is none."""
    ends = [match.end() for match in _SPLIT.finditer(title)]
    for end in [end for end in ends if end <= 9 and len(title) - end >= 3] or [0]:
        yield title[:end], title[end:]


def _places_agree(here: str, there: str) -> bool:
    return not here or not there or here.endswith(there) or there.endswith(here)


def _rests_agree(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if len(short) < 3:
        return False
    if long.endswith(short) and len(long) - len(short) <= 4:
        return True
    mine, theirs = _stem(short), _stem(long)
    if mine == theirs or (mine != short and theirs != long):
        return len(mine) >= 2 and _shortens(mine, theirs)
    return short[-1] == long[-1] and _shortens(short, long)


def _shortens(short: str, long: str) -> bool:
    """Return whether each character of a short title stands in a long one, in the same order and from its first on."""
    rest = iter(long)
    return short[:1] == long[:1] and all(letter in rest for letter in short)


def _stem(title: str) -> str:
    ending = next((each for each in _ENDINGS if title.endswith(each)), "")
    return title.removesuffix(ending)
