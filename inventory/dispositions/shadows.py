"""Systems that may be shadows of one another: candidates by the likeness of their titles and functions.

Nothing is decided here. A person who finds that two systems do the same writes that down: a disposition with `into` and
an override, or survey.replaceable_by; who finds that they do not writes no_shadow_of. After that the pair is no
candidate any more, and the best of the others come next.

No step compares every system with every other one. Each system is filed under its rarest terms (pairs of neighbouring
characters in Chinese, words elsewhere); within a term that many share, only neighbours in the order of their texts are
compared; and each system keeps its few best candidates. So the work grows with the number of systems.

Registers of towns and of villages are alike in all but one word, and are two: where each of a pair says something rare
that the other says nowhere, it counts against them. Who does the same in other words mostly has no rare word alone.
"""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, combinations

from rapidfuzz import fuzz

from inventory.base import Model
from inventory.findings import Advice
from inventory.model import Programme, System
from inventory.words import _

THRESHOLD = 0.65
"""Pairs below this score are no candidates (bench/shadows.py shows precision and recall around it)."""
LIKELY = 0.7
"""Candidates from this score on are told one by one: most of them are right; the others are only counted by a check."""
AGAINST = 0.08
"""So much of a score is taken away for each unit of the rarity of words that both have for themselves."""
FLOOR = 0.2
"""Pairs that share less than this of their terms' weight are not compared any further."""
BEST = 5
"""So many candidates are kept for each system."""
KEYS = 6
"""Under so many of its rarest terms a text is filed."""
TOLD = 20
"""So many pairs are told by a check, the most alike first; of 10,000 generated systems the first 200 are all right."""
SMALL = 16
"""Up to so many texts of one term are all compared with each other; of more, each with its next NEIGHBOURS."""
NEIGHBOURS = 6

_WORDS = """
系统 平台 管理 信息化 信息 业务 政务 综合 服务 网上 在线 电子 数字 智慧 全过程 全流程 负责 实现 用于 提供 办理 开展 进行
支持 工作 相关 以及 主要 功能 应用 软件 的 和 与 及 为 对 等 并
system systems platform management information service services application software online
the of and for to in a an its on by with that who is are
"""
GENERIC = frozenset(_WORDS.split())
"""Words that nearly every title or function has; they are cut out, so that what is left tells systems apart."""

_GENERIC = re.compile("|".join(sorted((w for w in GENERIC if not w.isascii()), key=lambda word: (-len(word), word))))
_PARTS = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+|[^\W_\u3400-\u9fff\uf900-\ufaff]+")


class Candidate(Model):
    """Two systems that may do the same."""

    systems: tuple[str, str]
    """In alphabetical order."""
    score: float
    """From 0 to 1, 1 for the same words."""
    shared: tuple[str, ...]
    """The words that both have, the rarest first."""
    places: tuple[str, str] = ("", "")
    """Where each of the two is written, as file:line; empty where that is not known."""


@dataclass(frozen=True)
class _Text:
    """A title or a function: what is left of it without generic words, and its terms."""

    plain: str
    terms: frozenset[str]
    letters: frozenset[str]
    """Chinese characters; words elsewhere."""


@dataclass(frozen=True)
class _Subject:
    system: System
    title: _Text
    function: _Text
    terms: frozenset[str]
    letters: frozenset[str]


def shadow_candidates(
    systems: Iterable[System], departments: Mapping[str, str] | None = None, places: Mapping[str, str] | None = None
) -> tuple[Candidate, ...]:
    """Return pairs of systems that may do the same, the most alike first; the same for any order of `systems`.

    `departments` maps names to titles, which are taken out of titles: 水务局办公系统 is like 民政局办公系统.
    Classified systems are not looked at, nor pairs of which is written down already that one takes over from the other.
    """
    titles, known = departments or {}, places or {}
    seen = sorted((each for each in systems if not each.grading.classified), key=lambda each: each.system)
    drafts = [(_text(_core(each, titles)), _text(each.survey.function if each.survey else "")) for each in seen]
    subjects = [
        _Subject(system, title, function, title.terms | function.terms, title.letters | function.letters)
        for system, (title, function) in zip(seen, drafts, strict=True)
    ]
    weights = {term: rarity**2 for term, rarity in _rarities(each.terms for each in subjects).items()}
    rarities = _rarities(each.letters for each in subjects)
    best: dict[int, list[tuple[float, int, int]]] = defaultdict(list)
    for one, other in sorted(_pairs(subjects, weights)):
        score = _score(subjects[one], subjects[other], weights)
        if score >= THRESHOLD:
            score = round(score * (1 - AGAINST * _own(subjects[one], subjects[other], rarities)), 4)
        if score >= THRESHOLD and not _settled(subjects[one].system, subjects[other].system):
            best[one].append((-score, one, other))
            best[other].append((-score, one, other))
    kept = {pair for pairs in best.values() for pair in sorted(pairs)[:BEST]}
    return tuple(
        _candidate(-score, subjects[one], subjects[other], weights, known) for score, one, other in sorted(kept)
    )


def advise_shadows(programme: Programme, _kinds: object = None) -> Iterator[Advice]:
    """Suggest that a person looks at the pairs that are most alike; how many more there are is told once."""
    titles = {department.name: department.title for department in programme.departments}
    candidates = shadow_candidates(programme.systems, titles)
    others: dict[str, list[str]] = defaultdict(list)
    shown = [candidate for candidate in candidates if candidate.score >= LIKELY][:TOLD] or candidates[:TOLD]
    for candidate in shown:
        one, other = candidate.systems
        others[one].append(f"{other} ({candidate.score:.2f}: {', '.join(candidate.shared[:3])})")
    for name, told in others.items():
        reason = _("may do the same as {systems}").format(systems="; ".join(told))
        mend = _("if so, write 'into' with an override, or survey.replaceable_by; if not, no_shadow_of with the reason")
        yield Advice(system=name, reason=reason, mend=mend, field="title")
    if rest := len(candidates) - len(shown):
        said = _("{count} more pairs of systems may do the same, and are less alike than those that are told")
        mend = _("settle those first; 'zhenghe explain NAME' tells all of one system")
        yield Advice(reason=said.format(count=rest), mend=mend)


def _core(system: System, departments: Mapping[str, str]) -> str:
    owner = departments.get(system.department, "")
    return (system.title.replace(owner, " ") if owner else system.title).strip() or system.title


def _text(text: str) -> _Text:
    whole = _PARTS.findall(unicodedata.normalize("NFKC", text).casefold())
    parts = [word for part in whole if part not in GENERIC for word in _GENERIC.sub(" ", part).split()] or whole
    letters = frozenset(letter for part in parts for letter in (part if _is_han(part) else (part,)))
    return _Text(" ".join(parts), frozenset(term for part in parts for term in _terms(part)), letters)


def _terms(part: str) -> Iterator[str]:
    if _is_han(part) and len(part) > 1:
        yield from (part[at : at + 2] for at in range(len(part) - 1))
    else:
        yield part


def _is_han(part: str) -> bool:
    return not part[0].isascii() and unicodedata.name(part[0], "").startswith("CJK")


def _rarities(texts: Iterable[frozenset[str]]) -> dict[str, float]:
    """Return how much each part of some texts says: the fewer have it, the more."""
    every = tuple(texts)
    return {part: math.log(1 + len(every) / count) for part, count in Counter(chain.from_iterable(every)).items()}


def _pairs(subjects: list[_Subject], weights: Mapping[str, float]) -> set[tuple[int, int]]:
    """Return the pairs that are worth comparing, each once."""
    pairs: set[tuple[int, int]] = set()
    for texts in ([each.title for each in subjects], [each.function for each in subjects]):
        order = sorted(range(len(texts)), key=lambda at: (texts[at].plain, at))
        files: dict[str, list[int]] = defaultdict(list)
        for at in order:
            for key in _keys(texts[at], weights):
                files[key].append(at)
        for filed in files.values():
            pairs.update(_near(filed))
    return pairs


def _keys(text: _Text, weights: Mapping[str, float]) -> Iterator[str]:
    rarest = sorted(text.terms, key=lambda term: (-weights[term], term))[:KEYS]
    yield from rarest
    # Two rare terms together tell apart what many texts share one by one.
    yield from (f"{one} {other}" for one, other in combinations(rarest[:3], 2))


def _near(filed: list[int]) -> Iterator[tuple[int, int]]:
    """Yield pairs of one file, whose members stand in the order of their texts."""
    reach = len(filed) if len(filed) <= SMALL else NEIGHBOURS
    for at, one in enumerate(filed):
        for other in filed[at + 1 : at + 1 + reach]:
            yield (one, other) if one < other else (other, one)


def _score(one: _Subject, other: _Subject, weights: Mapping[str, float]) -> float:
    """Return how alike two systems are: half by the terms that they share, half by the letters of title or function.

    Terms count in all that is said of the two and in the better of title and function, half each, so that two systems
    of one title are seen even where their functions are told in other words.
    """
    whole = _shared(one.terms, other.terms, weights)
    if whole < FLOOR:
        return 0.0
    pairs = tuple(_same(one, other))
    better = max(_shared(a.terms, b.terms, weights) for a, b in pairs)
    letters = max(fuzz.token_sort_ratio(a.plain, b.plain) for a, b in pairs) / 100
    return round(min(1.0, ((whole + better) / 2 + letters) / 2), 4)


def _own(one: _Subject, other: _Subject, rarities: Mapping[str, float]) -> float:
    """Return how rare the rarest word is that each of two systems has for itself; functions that agree agree in all."""
    pairs = [(one.letters, other.letters)]
    if one.function.letters and other.function.letters:
        pairs.append((one.function.letters, other.function.letters))
    return min(min(_rarest(a - b, rarities), _rarest(b - a, rarities)) for a, b in pairs)


def _rarest(letters: frozenset[str], rarities: Mapping[str, float]) -> float:
    return max((rarities[letter] for letter in letters), default=0.0)


def _shared(one: frozenset[str], other: frozenset[str], weights: Mapping[str, float]) -> float:
    """Return the weight of what two sets of terms share, beside that of each: the cosine of the angle between them."""
    total = math.sqrt(_weight(one, weights) * _weight(other, weights))
    return _weight(one & other, weights) / total if total else 0.0


def _weight(terms: frozenset[str], weights: Mapping[str, float]) -> float:
    return math.fsum(weights[term] for term in terms)


def _same(one: _Subject, other: _Subject) -> Iterator[tuple[_Text, _Text]]:
    yield one.title, other.title
    if one.function.plain and other.function.plain:
        yield one.function, other.function


def _settled(one: System, other: System) -> bool:
    """Return whether a person has decided: one of the two takes over, or a third from both, or they are no shadows."""
    if one.into is not None and one.into == other.into:
        return True
    return any(
        after.system
        in {
            before.into,
            before.survey.replaceable_by if before.survey is not None else None,
            *(each.system for each in before.no_shadow_of),
        }
        for before, after in ((one, other), (other, one))
    )


def _candidate(
    score: float, one: _Subject, other: _Subject, weights: Mapping[str, float], places: Mapping[str, str]
) -> Candidate:
    names = (one.system.system, other.system.system)
    shared = one.terms & other.terms
    return Candidate(
        systems=names,
        score=score,
        shared=tuple(_words(one, shared, weights))[:6],
        places=(places.get(names[0], ""), places.get(names[1], "")),
    )


def _words(subject: _Subject, shared: frozenset[str], weights: Mapping[str, float]) -> list[str]:
    """Return shared terms as words: neighbouring characters that are all shared are one word."""
    words: dict[str, float] = {}
    for part in f"{subject.title.plain} {subject.function.plain}".split():
        if not _is_han(part):
            if part in shared:
                words[part] = weights[part]
            continue
        begin = 0
        for at in range(len(part)):
            if part[at : at + 2] not in shared or at == len(part) - 1:
                if at > begin:
                    run = part[begin : at + 1]
                    words[run] = math.fsum(weights[run[n : n + 2]] for n in range(len(run) - 1))
                begin = at + 1
    return sorted(words, key=lambda word: (-words[word], word))
