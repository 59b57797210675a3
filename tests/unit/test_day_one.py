"""Day one as the README tells it, from an empty folder: every command in turn, as a stranger calls them."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHEETS = ROOT / "examples" / "yunhe" / "survey"


def day_one() -> list[str]:
    """The commands of the README's day one."""
    text = (ROOT / "README.md").read_text()
    block = text[text.index("## Day one") :].split("```")[1]
    return [line.split("#")[0].strip() for line in block.strip().splitlines()]


def zhenghe(command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    words = (sys.executable, "-m", "migrations.cli.main", *command.split()[1:])
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), "ZHENGHE_STATE": str(folder)}
    return subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )


def test_day_one_is_walked_from_an_empty_folder(tmp_path: Path) -> None:
    survey, imported, checked, explained, obliged = day_one()
    assert survey == "zhenghe survey yunhe"
    done = zhenghe(survey, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    shutil.copytree(SHEETS, tmp_path / "replies")
    looked = zhenghe(imported, tmp_path)
    assert (looked.returncode, "--yes" in looked.stderr) == (1, True)
    done = zhenghe(f"{imported} --yes", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    done = zhenghe(checked, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    # A system that no sheet gives an identifier goes by its title.
    done = zhenghe(explained, tmp_path)
    assert (done.returncode, "水费征收系统" in done.stdout) == (0, True)
    done = zhenghe(obliged, tmp_path)
    assert (done.returncode, "Plan of Jimo district" in done.stdout) == (1, True)
    # Nothing is planned on day one, and that is no defect.
    done = zhenghe("zhenghe plan yunhe", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    status = zhenghe("zhenghe survey yunhe --status", tmp_path)
    assert "answered (" in status.stdout
