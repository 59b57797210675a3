"""The example is rehearsed with a real OpenStack for its cloud: the very same plan, through its APIs."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.laboratory.laboratory import NotHere, able
from infra.twin import client
from infra.twin.paths import TwinPaths
from tests.sampling import only_in_test_all

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(1800), only_in_test_all]

ROOT = Path(__file__).parents[2]


def test_the_example_is_rehearsed_on_openstack(
    twin_name: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        able()
    except NotHere as why:
        pytest.skip(str(why))
    name = twin_name("o")
    monkeypatch.setenv("ZHENGHE_STATE", str(tmp_path))
    words = ("rehearse", str(ROOT / "examples" / "yunhe"), "--cloud", "openstack", "--twin", name, "--keep", "--json")
    command = [sys.executable, "-m", "migrations.cli.main", *words]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["outcome"] == "passed"
        world = json.loads(TwinPaths.of(name).world.read_text())
        assert world["cloud"]["backend"] == "openstack"
        # What its console showed is what is believed of a host.
        known = TwinPaths.of(name).known_hosts.read_text()
        assert "identity-db-1 ssh-ed25519" in known
        assert " zhenghe:" in known
    finally:
        client.down(name)
