"""Profiles: what a plan's file may say, where it may lie, and how a mistake in it is told."""

import shutil
from pathlib import Path

import pytest

from inventory.checks.checking import check
from inventory.findings import InventoryErrors
from inventory.obligations import load_profile, read_profile
from inventory.obligations.conditions import about_achievements, questions
from inventory.obligations.profile import THINGS
from inventory.obligations.wording import LACKS

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"

OWN = """\
profile: our-plan
title: {zh: 我区方案, en: our plan}
date: 2018-01-01
obligations:
  - id: OP-cloud
    clause: "3.1"
    text: {zh: 上云, en: into the cloud}
    goals:
      - by: 2018-12-31
        needs:
          - systems:
              where: {classified: false}
              holds: {committed: true}
              target: 0.5
"""
# What stands in the file, what is written instead, then of the one finding: its line, and words of reason and mend.
WRONG: dict[str, tuple[str, str, int, str, str]] = {
    "unknown question": ("committed: true", "comitted: true", 13, "no such field", "did you mean 'committed'?"),
    "unknown measure": ("- systems:", "- sistems:", 11, "no such field", "did you mean 'systems'?"),
    "what was achieved leaves nothing out": ("{classified: false}", "{committed: true}", 11, "may not ask for", ""),
    "two times": ("- by: 2018-12-31", "- by: 2018-12-31\n        since: 2018-01-01", 9, "exactly one of: by", ""),
    "no time": ("- by: 2018-12-31\n        needs", "- needs", 9, "exactly one of: by", ""),
    "no date": ("by: 2018-12-31", "by: 2018-12-32", 9, "must be a date", "2017-08-16"),
    "more than all": ("target: 0.5", "target: 1.5", 14, "out of range", ""),
    "unknown field of a system": ("committed: true", "fields: [survey.funktion]", 13, "has no field", ""),
    "no event": ("- by: 2018-12-31", "- after: {event: committed}", 9, "no event is known", ""),
    "a wrong id": ("id: OP-cloud", "id: cloud", 5, "such as LN-cloud", ""),
}  # fmt: skip


def own(folder: Path, old: str, new: str) -> Path:
    assert OWN.count(old) == 1
    text = OWN.replace(old, new)
    if "after:" in new:
        text = text.replace("systems:", "lines:").replace("where: {classified: false}", "where: {golden: false}")
        text = text.replace("committed: true", "released: true")
    path = folder / "our-plan.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_in_a_profile_is_told_with_its_line(mistake: str, tmp_path: Path) -> None:
    old, new, line, reason, mend = WRONG[mistake]
    path = own(tmp_path, old, new)
    with pytest.raises(InventoryErrors) as raised:
        read_profile(path)
    (finding,) = raised.value.findings
    assert (finding.file, finding.line) == (path, line)
    assert reason in finding.reason
    assert mend in finding.mend


NO_PROFILES = (b"", b"\xff\xfe\x00", b"a: [", b"- 1\n- 2\n", b"a: 1\n---\nb: 2\n", b"profile: x\n")


@pytest.mark.parametrize("content", NO_PROFILES)
def test_what_is_no_profile_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_bytes(content)
    with pytest.raises(InventoryErrors) as raised:
        read_profile(tmp_path / "p.yaml")
    assert raised.value.findings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "yunhe"
    shutil.copytree(YUNHE, target, ignore=shutil.ignore_patterns("twin"))
    return target


def name_profile(folder: Path, name: str) -> None:
    file = folder / "programme.yaml"
    text = file.read_text()
    assert "profile: jimo\n" in text
    file.write_text(text.replace("profile: jimo\n", f"profile: {name}\n"))


def test_an_own_profile_lies_beside_the_inventory(folder: Path) -> None:
    own(folder, "target: 0.5", "target: 0.5")
    name_profile(folder, "./our-plan.yaml")
    result = check(folder)
    assert [each.reason for each in result.findings if each.severity == "error"] == []
    assert result.programme is not None
    assert [each.id for each in load_profile(result.programme.profile, folder).obligations] == ["OP-cloud"]


def test_the_check_tells_what_is_wrong_with_an_own_profile(folder: Path) -> None:
    path = own(folder, "committed: true", "comitted: true")
    name_profile(folder, "./our-plan.yaml")
    (finding,) = [each for each in check(folder).findings if each.severity == "error"]
    assert (finding.file, finding.line) == (path, 13)


@pytest.mark.parametrize("name", ["jimmo", "./missing.yaml", "../jimo.yaml", "/etc/passwd", "./" + 300 * "x"])
def test_a_profile_that_is_not_there_is_told_where_it_is_named(folder: Path, name: str) -> None:
    (folder.parent / "jimo.yaml").write_text(OWN)
    name_profile(folder, name)
    (finding,) = [each for each in check(folder).findings if each.severity == "error"]
    line = 1 + (folder / "programme.yaml").read_text().splitlines().index(f"profile: {name}")
    assert (finding.file.name, finding.line, finding.field) == ("programme.yaml", line, "profile")


@pytest.mark.parametrize("word", THINGS)
def test_every_field_of_a_condition_has_its_question(word: str) -> None:
    asks = THINGS[word].asks
    assert set(questions(asks)) == set(asks.model_fields) - {"any"}
    # Who falls short of what can be achieved is told so in words.
    assert about_achievements(asks) - {"fields"} <= set(LACKS)
