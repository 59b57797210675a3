"""A cloud host that was broken into reads a department's folder by its key: the real sender, asked as it likes."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.real]
SECRET = "of root of the department's host alone"

GIVE = """
import importlib, sys
from pathlib import Path
import tests.unit.hostside
store = importlib.import_module("ansible.module_utils.zhenghe_store")
readers = importlib.import_module("ansible.module_utils.zhenghe_readers")
store.CONFIGURATION = Path(sys.argv[1])
readers.CELL = Path(sys.argv[1]) / "cell"
readers.give("archive-store", sys.argv[2])
"""


@pytest.fixture
def read(tmp_path: Path, on_host: Callable[[str], Any]) -> Callable[..., tuple[str, dict[str, str]]]:
    """Ask the sender of a folder for something; returns its complaint, and the files that came by their paths."""
    on_host("zhenghe_readers")
    root = tmp_path / "department/root"
    (root / "in").mkdir(parents=True)
    (root / "in/plain").write_text("plain")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/shadow").write_text(SECRET)
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "shadow").symlink_to(tmp_path / "secret/shadow")
    unit, linked = tmp_path / "app.service", tmp_path / "linked.service"
    unit.write_text("[Service]")
    linked.symlink_to(tmp_path / "secret/shadow")
    gives = [str(unit), str(linked), f"{root}/shadow"]
    (tmp_path / "archive-store.json").write_text(json.dumps({"root": str(root), "role": "live", "gives": gives}))
    shell = tmp_path / "shell"
    words = [sys.executable, "-c", GIVE, str(tmp_path)]
    shell.write_text(f'#!/bin/sh\nshift\nexec {shlex.join(words)} "$*"\n')
    shell.chmod(0o755)

    def read(path: str, *options: str, given: str = "") -> tuple[str, dict[str, str]]:
        into = tmp_path / "into"
        command = ["rsync", "-aHAXS", "--numeric-ids", "-e", str(shell), *options, f"host:{path}", f"{into}/"]
        where = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, env=where)
        found = [one for one in into.rglob("*") if one.is_file() and not one.is_symlink()] if into.exists() else []
        return done.stderr, {str(one.relative_to(into)): one.read_text() for one in found}

    return read


def test_the_folder_and_what_is_declared_beside_it_come(read: Any, tmp_path: Path) -> None:
    assert read("root/")[1] == {"in/plain": "plain"}
    assert (tmp_path / "into/out").is_symlink()
    assert read("root/", "--from0", "--files-from=-", given="in/plain")[1] == {"in/plain": "plain"}
    assert read(str(tmp_path / "app.service"))[1] == {"in/plain": "plain", "app.service": "[Service]"}


@pytest.mark.parametrize(
    "path, options, given",
    [
        ("root/", ("--from0", "--files-from=-"), "out/shadow"),
        ("root/", ("--from0", "--files-from=-"), "../../secret/shadow"),
        ("root/", ("--copy-links",), ""),
        ("root/", ("--copy-dirlinks",), ""),
        ("root/", ("--copy-unsafe-links",), ""),
        ("root/../../secret/", (), ""),
        ("{}/linked.service", (), ""),
        ("{}/secret/shadow", (), ""),
        ("{}/department/root/shadow", ("--copy-links",), ""),
    ],
)
def test_no_link_and_no_path_leads_out_of_what_is_given(
    read: Any, tmp_path: Path, path: str, options: tuple[str, ...], given: str
) -> None:
    complaint, found = read(path.format(tmp_path), *options, given=given)
    assert SECRET not in found.values(), complaint
