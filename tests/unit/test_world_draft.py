"""The first draft of a real world: every host with its address, and nothing that is there is written over."""

import subprocess
from pathlib import Path

from typer.testing import CliRunner

from infra.world_draft import addresses, draft
from infra.worlds import CloudSettings, load_world
from inventory.model import Programme
from migrations.cli.main import app
from tests.conftest import YUNHE

CITY = CloudSettings(backend="openstack", endpoint="city")


def test_openssh_reads_the_draft_as_it_is_meant(programme: Programme, tmp_path: Path) -> None:
    (tmp_path / "ssh_config").write_text(draft(programme, tmp_path, "operator", CITY).ssh_config)
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


def test_a_draft_with_key_and_secret_leaves_nothing_of_the_cloud_to_be_filled_in(tmp_path: Path) -> None:
    key, out = tmp_path / "new.key", tmp_path / "world"
    words = ["world", "init", str(YUNHE), "--out", str(out), "--cloud", "city", "--key", str(key)]
    words += ["--secret", "file:/run/secret"]
    missing = CliRunner().invoke(app, words)
    assert missing.exit_code != 0
    assert not out.exists()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    assert CliRunner().invoke(app, words).exit_code == 0
    cloud = load_world(out / "world.json").cloud
    assert (cloud.endpoint, cloud.secret, cloud.key) == ("city", "file:/run/secret", tmp_path / "new.key.pub")
    command = ["ssh", "-F", str(out / "ssh_config"), "-G", "identity-db-1"]
    assert f"identityfile {key}" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_secret_in_place_of_a_reference_is_refused_unrepeated(tmp_path: Path) -> None:
    words = ["world", "init", str(YUNHE), "--out", str(tmp_path / "world"), "--secret", "hunter2hunter2"]
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code != 0
    assert "hunter2" not in f"{refused.output}{refused.exception}"
    assert not (tmp_path / "world").exists()
