"""A whole move by the command as an ordinary user of the controller: root is the twin's, which plays the hosts."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from infra.twin.paths import TwinPaths
from tests.real.test_limits import archives as archives  # noqa: PLC0414 - a fixture that both files share
from tests.sampling import WHOLE

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(WHOLE not in os.environ, reason="a move of a minute: make test-all takes it"),
]

NOBODY = 65534
ROOT = Path(__file__).parents[2]
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs")
COMMAND = (sys.executable, "-m", "migrations.cli.main")


@contextmanager
def reachable(paths: TwinPaths) -> Iterator[None]:
    """Let an ordinary user reach the twin's hosts, whose sockets are root's, also those that come while he acts."""
    over, above = threading.Event(), paths.run.parent
    mode = above.stat().st_mode & 0o777

    def open_up() -> None:
        while not over.wait(0.1):
            for path in (above, paths.run, *paths.run.rglob("*"), *paths.world.parent.glob("*")):
                with suppress(FileNotFoundError):
                    if path.is_socket() or path.is_dir():
                        path.chmod(0o777 if path.is_socket() else 0o711)
                    elif path.is_relative_to(paths.world.parent):
                        os.chown(path, NOBODY, NOBODY)

    opening = threading.Thread(target=open_up)
    opening.start()
    try:
        yield
    finally:
        over.set()
        opening.join()
        above.chmod(mode)


def test_apply_needs_no_root_on_the_controller(
    archives: Path, twin_name: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, state = twin_name("o"), Path(tempfile.mkdtemp(prefix="zh-ordinary-"))
    inventory = Path(shutil.copytree(archives, state / "inventory"))
    monkeypatch.setenv("ZHENGHE_STATE", str(state))
    environment = {**os.environ, "LANGUAGE": "en", "HOME": str(state)}

    def call(*words: str, by: tuple[str, ...] = AS_NOBODY) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [*by, *COMMAND, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return done

    try:
        call("twin", "up", str(inventory), "--name", name, by=())
        paths = TwinPaths.of(name)
        # Nothing below the hosts: those files are theirs.
        own = (state, *state.iterdir(), *inventory.rglob("*"), paths.state, *paths.state.glob("*.json"))
        for path in (*own, paths.ssh_config, paths.known_hosts, paths.operator_key.parent, paths.operator_key):
            os.chown(path, NOBODY, NOBODY)
        with reachable(paths):
            plan = json.loads(call("plan", str(inventory), "--json").stdout)["digest"]
            told = json.loads(call("apply", "--plan", plan, "--world", str(paths.world), "--json").stdout)
    finally:
        call("twin", "down", "--name", name, by=())
    assert {unit["state"] for unit in told["units"]} <= {"READY", "ON_PROBATION"}
    written = [path for path in (state / "runs").rglob("*") if not path.is_symlink()]
    assert len(written) > 10
    assert {path.owner() for path in written} == {"nobody"}
    shutil.rmtree(state)
