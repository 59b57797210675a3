"""Two departments that are one are joined: all that the one had is the other's, and its sheets find the other."""

from pathlib import Path

import pytest

from inventory.checks.checking import check
from inventory.findings import Severity
from inventory.survey.entries import Entry, Place
from inventory.survey.merging.folder import Folder
from inventory.survey.merging.joining import Unjoinable, join
from inventory.survey.merging.memory import FILE, Memory
from inventory.survey.merging.merging import Merged, merge
from inventory.survey.merging.writing import held, write
from migrations.cli.survey import join_departments

DEPARTMENTS = """\
# by hand
departments:
  - name: hr
    title: 人社局   # short
    offices:
      - {name: hr-office, title: 办公室}

  - name: human-resources
    title: 人力资源和社会保障局   # the full title
    rooms:
      - {name: hr-room, area: 12}

  - {name: water, title: 水务局}
"""
PROGRAMME = """\
programme: p
title: p
profile: jimo
records:
  - {kind: report, subject: "department:hr", date: 2018-01-01}
platforms:
  - {name: exchange, title: 平台, kind: exchange, served: [hr, water]}
"""
PENSION = "system: pension\ntitle: 养老保险系统\ndepartment: human-resources\nalso_reported_by: [hr]  # both\n"


def row(title: str, cost: int) -> Entry:
    place = Place(file=Path("a.xlsx"), cell="A2")
    values = {"survey.running_cost": cost}
    return Entry("system", "", title, "人社局", values=values, places={"": place, "survey.running_cost": place})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "departments.yaml").write_text(DEPARTMENTS)
    (tmp_path / "programme.yaml").write_text(PROGRAMME)
    (tmp_path / "pension.yaml").write_text(PENSION)
    run(tmp_path, row("职业资格库", 5))
    return tmp_path


def run(folder: Path, *rows: Entry) -> Merged:
    with held(folder):
        merged = merge(Folder(folder), Memory.read(folder), rows)
        write(folder, merged.files)
    return merged


def test_all_that_one_had_is_the_others(folder: Path) -> None:
    assert join_departments("人社局", "human-resources", folder, yes=True, as_json=False) == 0
    assert (folder / "departments.yaml").read_text() == (
        "# by hand\n"
        "departments:\n"
        "  - name: human-resources\n"
        "    title: 人力资源和社会保障局   # the full title\n"
        "    offices:\n"
        "      - {name: hr-office, title: 办公室}\n"
        "    rooms:\n"
        "      - {name: hr-room, area: 12}\n"
        "    also_called: [人社局]\n"
        "\n"
        "  - {name: water, title: 水务局}\n"
    )
    system = next((folder / "systems").iterdir()).read_text()
    assert "department: human-resources\n" in system
    programme = (folder / "programme.yaml").read_text()
    assert 'subject: "department:human-resources"' in programme
    assert "served: [human-resources, water]" in programme
    assert "also_reported_by: []" in (folder / "pension.yaml").read_text()
    assert '"hr"' not in (folder / FILE).read_text()
    assert not [each for each in check(folder).findings if each.severity is Severity.ERROR]


def test_the_sheets_of_the_one_find_the_other_afterwards(folder: Path) -> None:
    join_departments("hr", "human-resources", folder, yes=True, as_json=False)
    again = run(folder, row("职业资格库", 5))
    assert (again.files, again.questions, again.remarks) == ((), (), ())
    assert run(folder, row("职业资格库", 7)).changed == 1


@pytest.mark.parametrize("one, into", [("nobody", "hr"), ("hr", "人社局"), ("hr", "税务局")])
def test_what_is_no_department_is_told_with_those_that_are(folder: Path, one: str, into: str) -> None:
    with pytest.raises(Unjoinable):
        join(Folder(folder), Memory.read(folder), one, into)
