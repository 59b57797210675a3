"""The files of an inventory: which are read, what their words mean, and that no content at all ends in a traceback."""

import json
import os
import shutil
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory.checks.checking import check
from inventory.files.reading import read, resolved
from inventory.findings import Finding, Severity, written
from inventory.kinds import load_kinds, playbooks_folder

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"
KINDS = load_kinds(playbooks_folder() / "roles")
ARCHIVE = "systems/archive.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "yunhe"
    shutil.copytree(YUNHE, target, ignore=shutil.ignore_patterns("twin"))
    return target


def found(folder: Path) -> tuple[Finding, ...]:
    """Return the errors; what a survey lacks is a matter of its own."""
    return tuple(finding for finding in check(folder, KINDS).findings if finding.severity is Severity.ERROR)


def test_missing_folder_empty_folder_and_a_file_instead(tmp_path: Path) -> None:
    for place in (tmp_path / "nowhere", tmp_path):
        result = check(place, KINDS)
        assert [(each.file, each.line) for each in result.findings] == [(place, 0)]
        assert result.programme is None
    (tmp_path / "file").write_text("programme: x")
    assert "no such folder" in check(tmp_path / "file", KINDS).findings[0].reason


def test_a_file_of_comments_alone_is_no_inventory(tmp_path: Path) -> None:
    (tmp_path / "programme.yaml").write_text("# to be written\n")
    assert [each.reason for each in found(tmp_path)] == ["the folder holds no inventory"]


def test_files_that_are_not_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text("programme: stolen")
    (folder / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    (folder / "linked").symlink_to(tmp_path)
    (folder / "gone.yaml").symlink_to(folder / "nowhere.yaml")
    os.mkfifo(folder / "pipe.yaml")
    (folder / "latin.yaml").write_bytes(b"title: caf\xe9\n")
    with (folder / "huge.yaml").open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    told = {each.file.name: each.reason for each in found(folder)}
    assert "leads out" in told["link.yaml"]
    assert "leads out" in told["linked"]
    assert "cannot be read" in told["gone.yaml"]
    assert "no regular file" in told["pipe.yaml"]
    assert "not UTF-8" in told["latin.yaml"]
    assert "larger than 16 MiB" in told["huge.yaml"]
    assert len(told) == 6


def test_a_link_inside_the_folder_is_read(folder: Path) -> None:
    (folder / "second").mkdir()
    shutil.move(folder / ARCHIVE, folder / "second" / "kept.txt")
    (folder / ARCHIVE).symlink_to(folder / "second" / "kept.txt")
    assert found(folder) == ()


def test_what_the_twin_needs_is_no_part_of_the_inventory(folder: Path) -> None:
    (folder / "twin").mkdir()
    (folder / "twin" / "seed.yaml").write_text("anything: here")
    assert found(folder) == ()


def test_the_order_and_number_of_files_do_not_matter(folder: Path, tmp_path: Path) -> None:
    single = tmp_path / "single"
    single.mkdir()
    parts = [path.read_text() for path in sorted(folder.rglob("*.yaml"), reverse=True)]
    (single / "all.yaml").write_text("\n---\n".join(parts))
    one, many = check(single, KINDS).programme, check(folder, KINDS).programme
    assert one is not None
    assert many is not None
    assert one.model_copy(update={"systems": ()}) == many.model_copy(update={"systems": ()})
    assert sorted(one.systems, key=lambda s: s.system) == sorted(many.systems, key=lambda s: s.system)


@pytest.mark.parametrize(
    "text, value",
    [
        ("on", "on"), ("yes", "yes"), ("No", "No"), ("true", True), ("~", None), ("", None), ("010", 10), ("0o10", 8),
        ("0x1F", 31), ("1_000", "1_000"), ("1e3", 1000.0), (".5", 0.5), ("1e999", "1e999"),
        ("2011-05-20", "2011-05-20"),
        ("12:30", "12:30"), ("1c1g", "1c1g"), ("9" * 5000, "9" * 5000), ("-3", -3), ("=", "="),
    ],
)  # fmt: skip
def test_plain_scalars_mean_what_the_core_schema_says(text: str, value: object) -> None:
    assert resolved(text) == value
    assert type(resolved(text)) is type(value)


def test_bombs_of_aliases_and_depth_end_at_once() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
    )
    _nodes, problems = read(bomb.encode())
    assert any("aliases" in problem.reason for problem in problems)
    _nodes, problems = read(b"[" * 100_000)
    assert any("too deeply" in problem.reason for problem in problems)


WORDS = st.sampled_from(
    ["system", "components", "network", "departments", "rooms", "hosts", "name", "prefix", "10.0.0.0/8", "ends",
     "sites",
     "to", "addresses", "entry", "grading", "classified", "true", "[", "]", "{", "}", ":", "-", "\n", "  ", ",",
     "lines",
     "probes", "depends_on", "x", "1", "null", "devices", "role", "pe", "centre", "recovery", "settings", "kind", "web"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(string.printable, max_size=8) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)
CHEAP = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def _never_a_traceback(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "fuzz.yaml").write_bytes(content)
    result = check(tmp_path, KINDS)
    assert result.programme is not None or result.findings
    assert isinstance(written(result.findings), str)


@CHEAP
@given(content=st.binary(max_size=300))
def test_any_bytes_give_findings(tmp_path: Path, content: bytes) -> None:
    _never_a_traceback(tmp_path, content)


@CHEAP
@given(words=st.lists(WORDS, max_size=40))
def test_any_words_give_findings(tmp_path: Path, words: list[str]) -> None:
    _never_a_traceback(tmp_path, " ".join(words).encode())


@CHEAP
@given(document=st.dictionaries(WORDS, VALUES, max_size=5))
def test_any_document_gives_findings(tmp_path: Path, document: dict[str, object]) -> None:
    _never_a_traceback(tmp_path, json.dumps(document).encode())


@CHEAP
@given(data=st.data())
def test_a_changed_example_gives_findings_or_a_programme(tmp_path: Path, data: st.DataObject) -> None:
    whole = "\n---\n".join(path.read_text() for path in sorted(YUNHE.glob("**/*.yaml")) if "twin" not in path.parts)
    begin = data.draw(st.integers(0, len(whole)))
    end = begin + data.draw(st.integers(0, 12))
    middle = data.draw(st.text(string.printable, max_size=6) | WORDS)
    _never_a_traceback(tmp_path, (whole[:begin] + middle + whole[end:]).encode())
