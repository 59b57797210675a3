"""The documents name what there is: every file of ARCHITECTURE.md, every command in both READMEs."""

import re
from pathlib import Path

import pytest

from migrations.cli.main import app

ROOT = Path(__file__).parents[2]
ROOMS = ("inventory", "infra", "netcfg", "playbooks", "migrations", "examples", "tests")
MADE_LATER = {
    "plan.json", "outline.json", "run.json", "programme.json", "spec.json", "world.json", "roles/KIND/files/verbs.py",
}  # fmt: skip
"""Files of a run or a twin, and names that stand for many."""


def test_every_file_that_the_architecture_names_is_there() -> None:
    files = [path.relative_to(ROOT).as_posix() for room in ROOMS for path in (ROOT / room).rglob("*")]
    named = re.findall(r"`([\w./-]+\.(?:py|ya?ml|sh|json))`", (ROOT / "ARCHITECTURE.md").read_text())
    assert len(named) > 50
    lost = {name for name in named if not any(file == name or file.endswith(f"/{name}") for file in files)}
    assert lost - MADE_LATER == set()


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_both_readmes_tell_every_command_and_status(name: str) -> None:
    text = (ROOT / name).read_text()
    commands = [each.name or getattr(each.callback, "__name__", "") for each in app.registered_commands]
    assert {"rehearse", "check"} <= set(commands)
    assert [command for command in (*commands, "twin") if f"zhenghe {command}" not in text] == []
    assert all(re.search(rf"\b{status} ", text) for status in (0, 1, 2, 130))
    assert text.index("make demo") < text.index("docs/report.png") < text.index("\n## ")
