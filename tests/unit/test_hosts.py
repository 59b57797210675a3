"""The dynamic inventory: its groups, what is in none of them, and that Ansible itself accepts it without a warning."""

import json
import keyword
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.worlds import CloudSettings, World, save_world
from inventory.base import NAME_PATTERN
from inventory.derived.hosts import AnsibleInventory, HostClash, group
from inventory.findings import InventoryErrors, Severity
from inventory.loading import load_programme, read_programme
from inventory.model import Programme
from migrations.cli.inventory import show_inventory

ROOT = Path(__file__).parents[2]
YUNHE = ROOT / "examples" / "yunhe"
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def programme() -> Programme:
    return load_programme(YUNHE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(YUNHE, tmp_path / "yunhe", ignore=shutil.ignore_patterns("twin")))


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """What a user keeps beside ansible.cfg."""
    file = tmp_path / "hosts.sh"
    file.write_text(f'#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m migrations.cli.main inventory "$@"\n')
    file.chmod(0o755)
    return file


def ansible(tool: str, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    home = str(Path(words[1]).parent)
    surroundings = {
        "PATH": f"{BIN}:{os.environ['PATH']}", "HOME": home, "ANSIBLE_HOME": f"{home}/ansible", "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1", "ZHENGHE_INVENTORY": str(YUNHE), **environment,
    }  # fmt: skip
    return subprocess.run(
        [str(BIN / tool), *words], env=surroundings, capture_output=True, text=True, timeout=120, check=False, cwd=home
    )


GROUPS = {
    "department_water_bureau": {"water-app", "water-billing-app-1", "water-billing-db-1", "water-db"},
    "site_dr_b": {"dr-b-copy"},
    "system_water_billing": {"water-app", "water-billing-app-1", "water-billing-db-1", "water-db"},
    "kind_files": {"archive-store-1", "archives-store"},
    "zone_public": {"archive-store-1", "archives-store", "cloud-a-public-entry"},
    "sources": {"archives-store", "civil-db", "civil-old", "civil-web", "water-app", "water-db"},
    "targets": {"allowance-db-1", "archive-store-1", "identity-db-1", "water-billing-app-1", "water-billing-db-1"},
    "entries": {"cloud-a-admin-entry", "cloud-a-public-entry"},
    "copies": {"dr-b-copy"},
}


def test_ansible_reads_the_groups_and_variables_without_a_warning(script: Path, programme: Programme) -> None:
    done = ansible("ansible-inventory", "-i", str(script), "--list")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    read = json.loads(done.stdout)
    assert {name: set(read[name]["hosts"]) for name in GROUPS} == GROUPS
    ours = AnsibleInventory(programme)
    assert read["_meta"]["hostvars"] == ours.variables
    assert set(read["all"]["children"]) - {"ungrouped"} == set(ours.groups)
    assert read["_meta"]["hostvars"]["water-db"]["ansible_host"] == "10.11.0.10"


def test_ansible_calls_hosts_by_patterns_of_groups(script: Path) -> None:
    done = ansible("ansible", "-i", str(script), "kind_postgresql:&sources", "--list-hosts")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["hosts", "(2):", "civil-db", "water-db"]


def test_ansible_reaches_hosts_as_a_world_does(script: Path, tmp_path: Path) -> None:
    (tmp_path / "a world").mkdir()
    cloud = CloudSettings(backend="openstack", endpoint="yunhe")
    save_world(
        World(name="w", kind="real", ssh_config=Path("ssh_config"), cloud=cloud), tmp_path / "a world/world.json"
    )
    environment = {"ZHENGHE_WORLD": str(tmp_path / "a world" / "world.json")}
    read = json.loads(ansible("ansible-inventory", "-i", str(script), "--host", "water-db", **environment).stdout)
    assert read["ansible_ssh_common_args"] == f"-F '{tmp_path}/a world/ssh_config'"
    assert "ansible_host" not in read


def test_classified_systems_are_nowhere(folder: Path) -> None:
    # Even where somebody wrote down more of one than may be, which the check refuses.
    file = folder / "systems" / "case-files.yaml"
    file.write_text(file.read_text() + "components:\n  - {name: db, kind: postgresql, on: [civil-db]}\n")
    listed = AnsibleInventory(read_programme(folder)).listed()
    assert "case" not in json.dumps(listed)
    assert listed["kind_postgresql"]["hosts"] == ["civil-db", "identity-db-1", "water-billing-db-1", "water-db"]
    assert listed["_meta"]["hostvars"]["civil-db"]["zhenghe_components"] == ["identity/db"]


def test_settings_of_components_are_left_out(folder: Path) -> None:
    file = folder / "systems" / "water-billing.yaml"
    file.write_text(
        file.read_text().replace("{database: billing, ", "{database: billing, password: 'vault:kv/billing#db', ")
    )
    text = json.dumps(AnsibleInventory(read_programme(folder)).listed())
    assert "vault:" not in text
    assert "password" not in text


def test_a_survey_without_sites_or_addresses_is_listed(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(
        "programme: p\ntitle: t\nprofile: jimo\n"
        "departments: [{name: d, title: D, rooms: [{name: r, hosts: [{name: old-1}]}]}]\n"
        "systems: [{system: s, title: S, department: d, components: [{name: c, kind: web, on: [old-1]}]}]\n"
    )
    listed = AnsibleInventory(read_programme(tmp_path)).listed()
    assert listed["system_s"]["hosts"] == ["old-1"]
    assert "ansible_host" not in listed["_meta"]["hostvars"]["old-1"]


def test_parts_that_do_not_fit_each_other_are_findings(folder: Path) -> None:
    file = folder / "systems" / "identity.yaml"
    file.write_text(file.read_text().replace("site: cloud-a", "site: cloud-x"))
    with pytest.raises(InventoryErrors) as errors:
        show_inventory(folder, None, None)
    wrong = {each.field for each in errors.value.findings if each.severity is Severity.ERROR}
    assert wrong == {"components[0].to.site"}


def test_two_hosts_of_one_name_are_refused(folder: Path) -> None:
    file = folder / "departments.yaml"
    file.write_text(file.read_text().replace("name: civil-old,", "name: identity-db-1,"))
    notices = folder / "systems" / "notice-board.yaml"
    notices.write_text(notices.read_text().replace("[civil-old]", "[identity-db-1]"))
    with pytest.raises(HostClash) as clash:
        AnsibleInventory(read_programme(folder))
    assert clash.value.name == "identity-db-1"


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "neither": ((), "--list or --host"),
    "both": (("--list", "--host", "water-db"), "--list or --host"),
    "no such host": (("--host", "water-bd"), "did you mean 'water-db'?"),
    "no such folder": (("--list", "/nowhere"), "/nowhere"),
    "no such world": (("--list", "--world", "/nowhere/world.json"), "/nowhere/world.json"),
}


@pytest.mark.parametrize("words, said", WRONG.values(), ids=WRONG)
def test_wrong_use_is_status_2(words: tuple[str, ...], said: str) -> None:
    environment = {**os.environ, "LANGUAGE": "en", "ZHENGHE_INVENTORY": str(YUNHE)}
    command = [sys.executable, "-m", "migrations.cli.main", "inventory", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_one_host_alone(capsys: pytest.CaptureFixture[str], programme: Programme) -> None:
    assert show_inventory(YUNHE, "archives-store", None) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert answer == AnsibleInventory(programme).variables["archives-store"]
    assert answer["zhenghe_components"] == ["archive/store", "archive/site"]


NAMES = st.from_regex(NAME_PATTERN, fullmatch=True)


@given(one=NAMES, other=NAMES)
def test_law_names_of_groups_are_ansibles_and_keep_names_apart(one: str, other: str) -> None:
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", group("system", one))
    assert not keyword.iskeyword(group("system", one))
    assert (group("system", one) == group("system", other)) == (one == other)
