"""What becomes classified leaves nothing behind, and no sheet takes that back."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest

from inventory.checks.checking import check
from inventory.findings import Severity
from inventory.survey.merging.folder import Folder
from inventory.survey.merging.memory import FILE, Memory
from inventory.survey.sheets import workbooks

ROOT = Path(__file__).parents[2]
YUNHE = ROOT / "examples" / "yunhe"
SECRETS = ("台风路径推演", "秘密承建公司", "SECRET-NOTE", "F-4711", "990000", "10.60.1.77")
SYSTEM = """\
# SECRET-NOTE above
system: typhoon
title: 应急指挥平台
department: water-bureau
survey:
  function: 台风路径推演   # SECRET-NOTE beside
  builder: 秘密承建公司
  running_cost: 990000
filing: {number: F-4711, date: 2018-01-01}
grading: {mlps: 3}
"""


def zhenghe(*words: str | Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    command = (sys.executable, "-m", "migrations.cli.main", *map(str, words))
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )


def sheet(folder: Path, classified: str, function: str = "台风路径推演") -> Path:
    file = folder / "水务局.csv"
    rows = [
        "系统名称,所属部门,是否涉密,功能描述,承建单位,年运维费用（元）",
        f"应急指挥平台,水务局,{classified},{function},秘密承建公司,990000",
    ]
    file.write_text("\n".join(rows))
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example with one more system, of which a sheet has told everything before."""
    whole = tmp_path / "yunhe"
    shutil.copytree(YUNHE, whole, ignore=shutil.ignore_patterns("twin", "survey"))
    (whole / "systems" / "typhoon.yaml").write_text(SYSTEM)
    told = zhenghe("import", sheet(tmp_path, "否"), "--into", whole, "--yes", folder=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    assert "台风路径推演" in (whole / FILE).read_text()
    return whole


def leaks(texts: Iterable[str]) -> list[str]:
    return [secret for text in texts for secret in SECRETS if secret in text]


def texts(folder: Path) -> list[str]:
    return [file.read_bytes().decode() for file in folder.rglob("*") if file.is_file()]


def test_a_sheet_that_calls_an_open_system_classified_is_asked_about(folder: Path, tmp_path: Path) -> None:
    before = texts(folder)
    told = zhenghe("import", sheet(tmp_path, "是"), "--into", folder, "--yes", folder=tmp_path)
    assert told.returncode == 1
    assert "--accept classify:typhoon" in told.stdout
    assert leaks([told.stdout, told.stderr]) == []
    assert texts(folder) == before


@pytest.mark.parametrize("machine", [False, True])
def test_what_becomes_classified_leaves_nothing_behind(folder: Path, tmp_path: Path, *, machine: bool) -> None:
    words = ("import", sheet(tmp_path, "是"), "--into", folder, "--yes", "--accept", "classify:typhoon")
    told = zhenghe(*words, *(["--json"] if machine else []), folder=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    assert leaks([told.stdout]) == []
    assert leaks(texts(folder)) == []
    assert (
        (folder / "systems" / "typhoon.yaml")
        .read_text()
        .endswith("system: typhoon\ntitle: 应急指挥平台\ndepartment: water-bureau\ngrading: {classified: true}\n")
    )
    assert json.loads((folder / FILE).read_text())["system/typhoon"] == {
        "water-bureau": {"grading.classified": True, "title": "应急指挥平台"}
    }
    assert not [each for each in check(folder).findings if each.severity is Severity.ERROR]


def test_the_other_systems_of_its_file_stay(folder: Path, tmp_path: Path) -> None:
    (folder / "systems" / "typhoon.yaml").write_text(
        f"{SYSTEM}---\nsystem: dam\ntitle: 大坝\ndepartment: water-bureau\n"
    )
    words = ("import", sheet(tmp_path, "是"), "--into", folder, "--yes", "--accept", "classify:typhoon")
    assert zhenghe(*words, folder=tmp_path).returncode == 0
    assert leaks(texts(folder)) == []
    assert "system: dam\ntitle: 大坝\n" in (folder / "systems" / "typhoon.yaml").read_text()


@pytest.mark.parametrize("word", ["非涉密", "否", "公开"])
def test_no_sheet_declassifies(folder: Path, tmp_path: Path, word: str) -> None:
    (folder / "systems" / "typhoon.yaml").write_text(
        "system: typhoon\ntitle: 应急指挥平台\ndepartment: water-bureau\ngrading: {classified: true}\n"
    )
    file = sheet(tmp_path, word)
    told = zhenghe("import", file, "--into", folder, "--yes", folder=tmp_path)
    assert told.returncode == 0
    assert "'typhoon' stays classified" in told.stdout
    assert leaks([told.stdout]) == []
    assert leaks(texts(folder)) == []  # what was remembered before it was classified by hand is forgotten too
    assert "classified: true" in (folder / "systems" / "typhoon.yaml").read_text()


def test_a_sheet_of_another_department_classifies_no_more_in_silence(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "档案馆.csv"
    file.write_text("系统标识,系统名称,所属部门,是否涉密\ntyphoon,应急指挥平台,档案馆,是\n")
    told = zhenghe(
        "import", file, "--into", folder, "--yes", "--accept", "join:typhoon=archives-office", folder=tmp_path
    )
    assert told.returncode == 1
    assert "--accept classify:typhoon" in told.stdout


def declassified(folder: Path, grading: str) -> list[str]:
    (folder / "systems" / "typhoon.yaml").write_text(
        f"system: typhoon\ntitle: 应急指挥平台\ndepartment: water-bureau\ngrading: {grading}\n"
    )
    memory = {"system/typhoon": {"water-bureau": {"grading.classified": True, "title": "应急指挥平台"}}}
    (folder / FILE).write_text(json.dumps(memory))
    found = check(folder, day=date(2018, 4, 1)).findings
    return [each.reason for each in found if each.rule == "classified"]


def test_who_declassifies_is_recorded(folder: Path) -> None:
    assert declassified(folder, "{mlps: 2}") == ["a sheet called it classified, and nobody has recorded that it is not"]
    record = "{by: 区保密局, date: 2018-03-01, reason: 云保解〔2018〕3号}"
    assert declassified(folder, f"{{mlps: 2, declassified: {record}}}") == []
    assert declassified(folder, f"{{classified: true, declassified: {record}}}") == [
        "a system is classified, or it was declassified: not both"
    ]


def test_what_is_still_remembered_of_a_classified_system_is_found_and_forgotten(folder: Path) -> None:
    (folder / "systems" / "typhoon.yaml").write_text(
        "system: typhoon\ntitle: 应急指挥平台\ndepartment: water-bureau\ngrading: {classified: true}\n"
    )
    assert [each.severity for each in check(folder).findings if each.rule == "classified"] == [Severity.WARNING]
    memory = Memory.read(folder)
    workbooks(Folder(folder), memory)
    assert leaks([memory.text()]) == []


ANSWERS: dict[str, dict[str, tuple[str, bool | None, bool]]] = {
    # A heading that no list knows asks for secrecy all the same.
    "秘密等级": {"甲值班": ("秘密", True, False)},
    "保密级别": {"乙值班": ("机密级", True, False)},
    "是否涉密": {
        "丙值班": ("非密，其中部分涉密", None, False), "丁值班": ("否，原为秘密级", None, False),
        "戊值班": ("不涉及国家秘密", None, True), "己值班": ("否（不涉密）", None, True),
        "庚值班": ("否，商业秘密", None, True),
    },
}  # fmt: skip


def test_an_answer_that_goes_on_to_speak_of_secrets_is_no_no(folder: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"{heading}.csv" for heading in ANSWERS]
    for file, rows in zip(files, ANSWERS.values(), strict=True):
        lines = [f"{title},水务局,{cell},{title}的安排" for title, (cell, _classified, _told) in rows.items()]
        file.write_text("\n".join([f"系统名称,所属部门,{file.stem},功能描述", *lines, ""]))
    zhenghe("import", *files, "--into", folder, "--yes", folder=tmp_path)
    systems = {part.values.get("title"): part.values for part in Folder(folder).parts}
    remembered = (folder / FILE).read_text()
    for title, (_cell, classified, told) in (one for rows in ANSWERS.values() for one in rows.items()):
        grading = systems[title].get("grading") or {}
        assert isinstance(grading, dict)
        assert grading.get("classified") is classified, title
        for kept in (json.dumps(systems[title], ensure_ascii=False), remembered):
            assert (f"{title}的安排" in kept) is told, title
