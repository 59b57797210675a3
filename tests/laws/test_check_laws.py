"""Laws of the check: any content ends in findings, the same ones each time, in whatever files and order it stands."""

import copy
import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.programmes import documents
from inventory.checks.checking import CheckResult, check
from inventory.files import reading
from inventory.files.gathering import gather
from inventory.files.reading import Mapping, Node, Scalar, Sequence
from inventory.findings import RULES, written
from inventory.kinds import load_kinds, playbooks_folder

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"
KINDS = load_kinds(playbooks_folder() / "roles")
PLAIN = [document.node.plain for document in gather(YUNHE)[0]]
CHEAP = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, 10**30, "", " ", "\0", "\ud7ff", "no", "0o17", "2018-02-30", "10.0.0.0/33",
    "../../etc/passwd", "a" * 5000, "金税", "system", "env:", [], [[]], [None], {}, {"": ""}, {"name": {"name": []}},
    ["water-db", {"x": 1}],
)  # fmt: skip


def spots(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    keys: list[str | int] = []
    if isinstance(value, dict):
        keys = list(value)
    elif isinstance(value, list):
        keys = list(range(len(value)))
    return [path, *(spot for key in keys for spot in spots(value[key], (*path, key)))]


SPOTS = [(number, spot) for number, document in enumerate(PLAIN) for spot in spots(document) if spot]


def changed(documents_: list[Any], number: int, spot: tuple[str | int, ...], how: str, odd: Any) -> list[Any]:
    result = copy.deepcopy(documents_)
    holder = result[number]
    for step in spot[:-1]:
        holder = holder[step]
    if how == "remove":
        del holder[spot[-1]]
    elif how == "twice" and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[spot[-1]]))  # type: ignore[index]
    elif how == "inside":
        holder[spot[-1]] = [holder[spot[-1]]]
    else:
        holder[spot[-1]] = odd
    return result


def write(folder: Path, files: list[list[Any]]) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number, file in enumerate(files):
        (folder / f"part-{number:02}.yaml").write_text(
            "".join("---\n" + json.dumps(document, ensure_ascii=False) + "\n" for document in file)
        )
    return folder


def sound(result: CheckResult, folder: Path) -> None:
    for finding in result.findings:
        assert finding.rule in RULES
        assert finding.file.is_relative_to(folder)
        assert finding.line >= 0
        assert finding.reason
    assert isinstance(written(result.findings, result.files, result.systems), str)
    assert (result.programme is None) == any(finding.severity == "error" for finding in result.findings)


changes = st.tuples(
    st.sampled_from(SPOTS), st.sampled_from(["remove", "twice", "inside", "odd", "odd"]), st.sampled_from(ODD)
)


@CHEAP
@given(several=st.lists(changes, min_size=1, max_size=1))
def test_any_change_of_the_example_ends_in_the_same_findings_twice(tmp_path: Path, several: list[Any]) -> None:
    (number, spot), how, odd = several[0]
    folder = write(tmp_path / "one", [[document] for document in changed(PLAIN, number, spot, how, odd)])
    first, second = check(folder, KINDS), check(folder, KINDS)
    sound(first, folder)
    assert first == second


def told(result: CheckResult) -> set[tuple[str, ...]]:
    """Return findings without their places, and without the words that name one."""
    return {(f.rule, f.severity, f.reason, f.field.rpartition("]")[2]) for f in result.findings}


@CHEAP
@given(change=changes, seed=st.integers(0, 2**32))
def test_findings_do_not_depend_on_files_and_their_order(tmp_path: Path, change: Any, seed: int) -> None:
    (number, spot), how, odd = change
    parts = changed(PLAIN, number, spot, "odd" if how == "twice" else how, odd)
    chance = random.Random(seed)
    mixed = chance.sample(parts, len(parts))
    cut = chance.randrange(1, len(mixed))
    apart = check(write(tmp_path / "one", [[part] for part in parts]), KINDS)
    together = check(write(tmp_path / "two", [mixed[:cut], mixed[cut:]]), KINDS)
    assert told(apart) == told(together)
    assert (apart.programme is None) == (together.programme is None)
    if apart.programme is not None and together.programme is not None:
        ordered = [sorted(each.systems, key=lambda s: s.system) for each in (apart.programme, together.programme)]
        assert ordered[0] == ordered[1]


@CHEAP
@given(data=st.data())
def test_any_bytes_inside_a_file_end_in_findings(tmp_path: Path, data: st.DataObject) -> None:
    folder = tmp_path / "bytes"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(YUNHE, folder, ignore=shutil.ignore_patterns("twin"))
    file = data.draw(st.sampled_from(sorted(folder.rglob("*.yaml"))))
    content = file.read_bytes()
    at = data.draw(st.integers(0, len(content)))
    file.write_bytes(content[:at] + data.draw(st.binary(max_size=20)) + content[at:])
    sound(check(folder, KINDS), folder)


def tree(node: Node) -> Any:
    place = (node.mark.line, node.mark.column)
    if isinstance(node, Scalar):
        return (place, node.value, type(node.value))
    if isinstance(node, Sequence):
        return (place, [tree(member) for member in node.items])
    assert isinstance(node, Mapping)
    keys = {key: (mark.line, mark.column) for key, mark in node.keys.items()}
    return (place, keys, {key: tree(member) for key, member in node.items.items()})


PIECES = st.sampled_from(
    ["a: 1\n", "b: [x, 'y', \"z\"]\n", "- ", "? ", ": ", "\n", "  ", "{c: d}", "[", "]", "{", "}", "&x ", "*x",
     "# &x *y !z\n", "!!str ", "---\n", "...\n", "|\n  text\n", "key:\n", "'quoted': ", "~", "0x1F", "\t", ",",
     "%YAML 1.2\n", "a: 2\n"]
)  # fmt: skip


@settings(deadline=None, max_examples=400)
@given(pieces=st.lists(PIECES, max_size=25))
def test_the_quick_way_of_reading_says_what_the_careful_one_says(pieces: list[str]) -> None:
    text = "".join(pieces)
    quick = reading._composed(text)
    if quick is not None:
        careful, problems = reading._built(text)
        assert not problems
        assert [tree(node) for node in quick] == [tree(node) for node in careful]


def test_most_files_are_read_the_quick_way() -> None:
    texts = [path.read_text() for path in YUNHE.rglob("*.yaml") if "twin" not in path.parts]
    texts += [yaml.safe_dump(document, allow_unicode=True) for _name, document in documents(20)]
    assert [text for text in texts if reading._composed(text) is None] == []


BOMBS = {
    "aliases": "a: &a [x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(2000)),
    "brackets": "[" * 200_000,
    "braces": "{a: " * 200_000,
    "dashes": "- " * 200_000,
    "questions": "? " * 50_000,
    "indents": "".join(" " * n + f"k{n}:\n" for n in range(2000)),
    "keys twice": "a: 1\n" * 20_000,
    "members that are none": "sizes: [" + "1," * 20_000 + "]",
    "one long word": "title: " + "x" * 2_000_000,
    "a long number": "programme: " + "9" * 100_000,
    "a NUL": "title: a\0b",
    "a lone surrogate": 'title: "\\ud800"',
    "another line end": "title: a\u2028b\u0085c\n",
    "tabs": "\ttitle: x\n\tname: y\n",
    "many documents": "---\na: 1\n" * 5_000,
    "tags": "a: !!python/object/apply:os.system ['true']\n" * 500,
    "merge keys": "a: {<<: {b: c}, <<: {d: e}}",
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_is_meant_to_hang_or_to_break_ends_in_findings(tmp_path: Path, name: str) -> None:
    (tmp_path / "bomb.yaml").write_text(BOMBS[name])
    result = check(tmp_path, KINDS)
    sound(result, tmp_path)
    assert result.programme is None
    assert len(written(result.findings)) < 30_000


@pytest.mark.parametrize(
    "word, value", [("no", "no"), ("on", "on"), ("010", 10), ("2011-05-20", "2011-05-20"), ("12:30:45", "12:30:45")]
)
def test_words_that_other_readers_change_stay_what_they_are(word: str, value: object) -> None:
    (node,), problems = reading.read(f"word: {word}".encode())
    assert not problems
    assert node.plain == {"word": value}
