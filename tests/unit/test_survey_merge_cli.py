"""`zhenghe import` and `zhenghe survey` as a user calls them: what is shown, what is written, and the exit status."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"
SHEETS = YUNHE / "survey"


def zhenghe(*words: str | Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    command = (sys.executable, "-m", "migrations.cli.main", *map(str, words))
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(YUNHE.parents[1])}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_day_one(tmp_path: Path) -> None:
    new = tmp_path / "yunhe"
    looked = zhenghe("import", SHEETS, "--into", new, folder=tmp_path)
    assert (looked.returncode, new.exists()) == (1, False)
    assert "+system: shui-fei-zheng-shou-xi-tong" in looked.stdout or "new: systems/" in looked.stdout
    assert "no plan is chosen; give --profile NAME: guangxi, hebei, jimo, liaoning, tianshui; or " in looked.stdout
    for words in (("--yes",), ("--yes", "--json"), ("--yes", "--profile", "jimmo")):
        refused = zhenghe("import", SHEETS, "--into", new, *words, folder=tmp_path)
        assert (refused.returncode, new.exists()) == (2, False)
        assert "give --profile NAME: guangxi, hebei, jimo, liaoning, tianshui" in refused.stderr
    assert "--yes" in looked.stderr
    named = ("--name", "yunhe", "--title", "云河区", "--profile", "jimo")
    written = zhenghe("import", SHEETS, "--into", new, "--yes", *named, folder=tmp_path)
    assert (written.returncode, written.stderr) == (0, "")
    assert (new / "programme.yaml").read_text().endswith("programme: yunhe\ntitle: 云河区\nprofile: jimo\n")
    assert (new / ".zhenghe.schema.json").is_file()
    checked = json.loads(zhenghe("check", new, "--json", folder=tmp_path).stdout)
    assert (checked["errors"], checked["warnings"] > 0) == (0, True)
    before = files(new)
    again = zhenghe("import", SHEETS, "--into", new, folder=tmp_path)
    assert (again.returncode, "nothing changes" in again.stdout) == (0, True)
    assert files(new) == before


def test_sheets_for_departments_come_back_unchanged(tmp_path: Path) -> None:
    folder = tmp_path / "yunhe"
    shutil.copytree(YUNHE, folder, ignore=shutil.ignore_patterns("twin", "survey"))
    done = zhenghe("survey", folder, "--out", tmp_path / "out", "--json", folder=tmp_path)
    assert done.returncode == 0
    assert [Path(file).name for file in json.loads(done.stdout)["files"]] == [
        "water-bureau-水务局.xlsx",
        "civil-affairs-民政局.xlsx",
        "archives-office-档案馆.xlsx",
        "tax-office-税务局.xlsx",
    ]
    with zipfile.ZipFile(tmp_path / "out" / "water-bureau-水务局.xlsx") as book:
        systems = book.read("xl/worksheets/sheet4.xml").decode()
    # People choose from lists where only some words are understood.
    assert '"是,否"' in systems.replace("&quot;", '"')
    assert "每天,每周,每月" in systems
    before = files(folder)
    back = zhenghe("import", tmp_path / "out", "--into", folder, "--json", folder=tmp_path)
    assert (back.returncode, json.loads(back.stdout)["files"]) == (0, [])
    assert files(folder) == before


def test_sheets_that_are_there_are_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "sheets").mkdir()
    (tmp_path / "sheets" / "survey.xlsx").write_bytes(b"filled in")
    done = zhenghe("survey", tmp_path, folder=tmp_path)
    assert (done.returncode, "--out" in done.stderr) == (1, True)
    assert (tmp_path / "sheets" / "survey.xlsx").read_bytes() == b"filled in"


@pytest.mark.parametrize(
    "words, said",
    [
        (("import", "nowhere.xlsx"), "nowhere.xlsx"),
        (("import", "here", "--mapping", "nowhere.yaml"), "nowhere.yaml"),
        (("import", "here", "--into", "broken"), "departments.yaml:1:14"),
    ],
)
def test_bad_input_ends_with_two_and_no_traceback(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "departments.yaml").write_text("departments: [")
    done = zhenghe(*words, folder=tmp_path)
    assert done.returncode == 2
    assert said.partition(":")[0] in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_what_a_person_has_to_settle_ends_with_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("部门,系统名称,审批时间\n水务局,水费征收系统,不知何时\n")
    done = zhenghe("import", "a.csv", "--into", "new", "--yes", "--profile", "jimo", folder=tmp_path)
    assert (done.returncode, "不知何时" in done.stdout) == (1, True)
    assert (tmp_path / "new" / "systems").is_dir()
