"""What is no YAML: the place of the fault itself where it can be told, and words of ours in every language."""

import re
from pathlib import Path

import pytest

from inventory.checks.checking import check
from inventory.files.grammar import PROBLEMS
from inventory.files.reading import read

# A text, the place of what is wrong with it, and words of the reason and of the mend.
FAULTS: dict[str, tuple[str, tuple[int, int], str, str]] = {
    "tab": ("a:\n\tb: 1\n", (2, 1), "a tab", "indent with spaces"),
    "no-break space": ("a:\n\u00a0\u00a0b: 1\n c: 2\n", (2, 1), "a space of another kind", "ordinary spaces"),
    "full-width space": ("a:\n\u3000b: 1\n c: 2\n", (2, 1), "a space of another kind", "ordinary spaces"),
    "half a merge": ("<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> b\n", (1, 1), "not merged", "choose one"),
    "full-width colon": ("a: 1\ntitle：水费\nb: 2\n", (2, 6), "a full-width colon", "'key: value'"),
    "no space": ("a: 1\ntitle:水费\nb: 2\n", (2, 6), "no space", "'key: value'"),
    "no colon": ("a: 1\ntitle 水费\nb: 2\n", (3, 1), "a key without a colon", "the one above"),
    "open quote": ('a: "x\nb: 1\nc: "y"\n', (3, 5), "a key is expected", "line 1 may lack a closing quote"),
    "open to the end": ('a: "x\nb: 1\n', (3, 1), "the text ends within quotes", "line 1"),
    "open bracket": ("a: [b\nc: 1\n", (2, 2), "a list in brackets is not closed", ", or ]"),
    "open brace": ("a: {b: 1\nc: 1\n", (2, 2), "a mapping in braces is not closed", ", or }"),
    "indentation": ("a: 1\n  b: 2\n", (2, 4), "a colon stands where none can be", "like its neighbours"),
    "a sign": ("a: @b\n", (1, 4), "cannot begin with this sign", "single quotes"),
    "a backslash": ('a: "C:\\water"\n', (1, 7), "behind a backslash", "single quotes"),
    "no text": ("水: 1\nb: 水\x00\n", (2, 5), "a character that is no text", "save the file anew"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_writing_is_told_where_it_stands(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, spot, reason, mend = FAULTS[fault]
    _documents, (problem,) = read(text.encode())
    assert problem.spot == spot
    assert reason in problem.reason
    assert mend in problem.mend
    monkeypatch.setenv("LANGUAGE", "zh")
    _documents, (problem,) = read(text.encode())
    # Signs and the names of what is written stay; no sentence of another language does.
    assert not re.search("[a-z]+ [a-z]+", problem.reason + problem.mend)


def test_what_the_parser_seldom_says_is_told_in_its_own_words() -> None:
    _documents, (problem,) = read(b"%YAML 1.1\n%YAML 1.1\n--- a\n")
    assert problem.reason == "this is not YAML: found duplicate %YAML directive"
    assert "found duplicate %YAML directive" not in PROBLEMS


def test_a_file_that_cannot_be_read_is_the_only_thing_that_is_wrong(tmp_path: Path) -> None:
    """What others say of its parts is not wrong: they stand in it."""
    (tmp_path / "programme.yaml").write_text("programme: p\ntitle: p\nprofile: jimo\n")
    (tmp_path / "owner.yaml").write_text("departments:\n  - {name: water, title: 水务}\n")
    (tmp_path / "system.yaml").write_text("system: bills\ntitle: 账单\ndepartment: water\ndepends_on: [watr]\n")
    fields = {each.field for each in check(tmp_path, {}).findings if each.severity == "error"}
    assert fields == {"depends_on[0]"}
    for name in ("owner.yaml", "programme.yaml"):
        whole = (tmp_path / name).read_text()
        (tmp_path / name).write_text(whole + "a: [\n")
        errors = {(each.file.name, each.field) for each in check(tmp_path, {}).findings if each.severity == "error"}
        assert errors == {("system.yaml", "depends_on[0]"), (name, "")}
        (tmp_path / name).write_text(whole)
