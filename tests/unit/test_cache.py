"""Parts are built once, whole or not at all, whoever is killed and whoever builds at the same time."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.parts import cache

BUILDER = """
import sys, time
from pathlib import Path
from infra.parts import cache

def build(folder, lock):
    folder.mkdir()
    (folder / "half").touch()
    Path(sys.argv[1], f"builder-{time.monotonic_ns()}").touch()
    cache.run_stage("part", ["sleep", sys.argv[2]], lock=lock, log=Path(sys.argv[1], "log"))
    (folder / "whole").touch()

cache.ensure("parts/part", build, root=Path(sys.argv[1]))
"""

# Ties only when the process that it is to tie to is gone.
LATE_SETPRIV = """#!/bin/sh
touch {begun}
while [ -d /proc/$PPID ]; do sleep 0.01; done
exec {setpriv} "$@"
"""


def start_builder(root: Path, seconds: float, path: str = "") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", BUILDER, str(root), str(seconds)]
    env = os.environ | {"PATH": path + os.environ["PATH"]}
    return subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)


def builders(root: Path) -> int:
    return len(list(root.glob("builder-*")))


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + 20
    while not file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_part_is_built_once(tmp_path: Path) -> None:
    calls: list[Path] = []

    def build(folder: Path, _lock: int) -> None:
        calls.append(folder)
        folder.mkdir()

    first = cache.ensure("images/one-0a1b", build, root=tmp_path)
    second = cache.ensure("images/one-0a1b", build, root=tmp_path)
    assert first == second == tmp_path / "images" / "one-0a1b"
    assert len(calls) == 1


def test_a_part_is_for_every_user_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        part = cache.ensure("kind/part", lambda folder, _lock: folder.mkdir(), root=tmp_path)
    finally:
        os.umask(before)
    assert [folder.stat().st_mode & 0o777 for folder in (part, part.parent)] == [0o755, 0o755]


def test_a_build_that_fails_leaves_no_part_and_the_next_starts_afresh(tmp_path: Path) -> None:
    def fail(folder: Path, lock: int) -> None:
        folder.mkdir()
        cache.run_stage("part", ["sh", "-c", "echo no room; exit 3"], lock=lock, log=tmp_path / "log")

    with pytest.raises(cache.BuildFailed, match="exit 3: no room") as caught:
        cache.ensure("parts/part", fail, root=tmp_path)
    assert str(tmp_path / "log") in caught.value.mend
    assert not (tmp_path / "parts" / "part").exists()
    assert cache.ensure("parts/part", lambda folder, _: folder.mkdir(), root=tmp_path).is_dir()


def test_a_registry_that_is_not_reached_is_called_that(tmp_path: Path) -> None:
    said = "Err: Temporary failure in name resolution; E: Some files failed to download"
    with pytest.raises(cache.BuildFailed, match="not reached") as caught:
        cache.run_stage("part", ["sh", "-c", f"echo '{said}'; exit 1"], lock=0, log=tmp_path / "log")
    assert "connect this machine" in caught.value.mend


def test_two_runs_at_once_build_one_part(tmp_path: Path) -> None:
    both = [start_builder(tmp_path, 0.3) for _ in range(2)]
    assert [process.wait(30) for process in both] == [0, 0]
    assert (tmp_path / "parts" / "part" / "whole").exists()
    assert builders(tmp_path) == 1


def test_a_killed_build_takes_its_command_along_and_the_next_starts_afresh(tmp_path: Path) -> None:
    killed = start_builder(tmp_path, 600)
    wait_for(tmp_path / "log")
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    # Were the command alive, it would hold the lock for ten minutes.
    assert start_builder(tmp_path, 0).wait(120) == 0
    part = tmp_path / "parts" / "part"
    assert {path.name for path in part.iterdir()} == {"half", "whole"}
    assert not list(part.parent.glob(".unfinished-*"))


def test_a_command_whose_builder_dies_before_it_is_tied_to_it_does_not_start(tmp_path: Path) -> None:
    late = tmp_path / "bin" / "setpriv"
    late.parent.mkdir()
    late.write_text(LATE_SETPRIV.format(begun=tmp_path / "begun", setpriv=shutil.which("setpriv")))
    late.chmod(0o755)
    killed = start_builder(tmp_path, 600, path=f"{late.parent}:")
    wait_for(tmp_path / "begun")
    killed.kill()
    killed.wait()
    # Were the command alive, it would hold the lock for ten minutes.
    assert start_builder(tmp_path, 0).wait(60) == 0


def test_the_root_is_the_variable_or_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ZHENGHE_CACHE", str(tmp_path))
    assert cache.cache_root() == tmp_path
    monkeypatch.delenv("ZHENGHE_CACHE")
    assert cache.cache_root() == cache.DEFAULT_ROOT


def test_a_missing_tool_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(cache.MissingTool, match="apt-get install a-package"):
        cache.require_tool("no-such-command", "a-package")


def test_a_key_is_stable_and_depends_on_the_values() -> None:
    assert cache.content_key("a", {"x": 1, "y": 2}) == cache.content_key("a", {"y": 2, "x": 1})
    assert cache.content_key("a") != cache.content_key("b")
