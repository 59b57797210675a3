"""The first draft of a real world: every host with its address, and nothing that is there is written over."""

import subprocess
from pathlib import Path

from typer.testing import CliRunner

from infra.reaching import addresses, draft
from infra.worlds import load_world
from inventory.model import Programme
from migrations.cli.main import app
from tests.conftest import YUNHE


def test_openssh_reads_the_draft_as_it_is_meant(programme: Programme, tmp_path: Path) -> None:
    (tmp_path / "ssh_config").write_text(draft(programme, tmp_path, "operator", "city").ssh_config)
    for name, address in addresses(programme).items():
        command = ["ssh", "-F", str(tmp_path / "ssh_config"), "-G", name]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        assert {f"hostname {address}", "user operator", f"userknownhostsfile {tmp_path}/known_hosts"} <= set(told)
        assert "stricthostkeychecking true" in told


def test_a_draft_is_a_world_and_is_never_written_over(tmp_path: Path) -> None:
    words = ["world", "init", str(YUNHE), "--out", str(tmp_path / "world")]
    assert CliRunner().invoke(app, words).exit_code == 0
    world = load_world(tmp_path / "world" / "world.json")
    assert (world.kind, world.cloud.backend, world.ssh_config) == ("real", "openstack", tmp_path / "world/ssh_config")
    (tmp_path / "world" / "ssh_config").write_text("mine")
    assert CliRunner().invoke(app, words).exit_code != 0
    assert (tmp_path / "world" / "ssh_config").read_text() == "mine"
