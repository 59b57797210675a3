"""What a clerk, a host or a device writes stays text: on the terminal, in JSON, on a page, in YAML and in a shell."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.twin.errors import CannotBuild
from infra.twin.hosts import HostSpec, own_seed
from inventory.checks.checking import check
from inventory.files.dumping import scalar_text
from inventory.kinds import load_kinds, playbooks_folder
from inventory.loading import load_programme
from inventory.plain import is_plain, one_line, plain
from migrations.cli import saying
from migrations.proof.verify.expectations import Side, expectations
from netcfg.errors import CommandRejected, DeviceAstray
from playbooks.agents.kit import Refused

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"
ODD = "金税[/x]\x1b]0;renamed\x07\x9b2J\u202egnp.exe [bold]:smile:"
OBEYED = {"\x1b", "\x9b", "\u202e", "\x07"}


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    folder = tmp_path / "inventory"
    shutil.copytree(YUNHE, folder, ignore=shutil.ignore_patterns("twin"))
    return folder


def put(folder: Path, before: str, after: str) -> None:
    """Replace a text that stands once in an inventory."""
    (file,) = (file for file in folder.rglob("*.yaml") if before in file.read_text())
    assert file.read_text().count(before) == 1
    file.write_text(file.read_text().replace(before, after))


def odd_titles(folder: Path) -> None:
    """Give what is shown an odd name: a golden project, and every system's title."""
    file = next(file for file in folder.rglob("*.yaml") if "golden_project: " in file.read_text())
    lines = file.read_text().splitlines()
    file.write_text("\n".join(
        f"{line.split('golden_project: ')[0]}golden_project: {json.dumps(ODD)}" if "golden_project: " in line else line
        for line in lines
    ))  # fmt: skip
    for system in (folder / "systems").glob("*.yaml"):
        text = system.read_text().splitlines()
        system.write_text("\n".join(f"title: {json.dumps(ODD)}" if x.startswith("title: ") else x for x in text))


@pytest.mark.parametrize("words", [["plan"], ["plan", "--json"], ["explain", "water-billing"]], ids="-".join)
def test_titles_are_shown_as_they_stand_and_obeyed_by_no_terminal(inventory: Path, words: list[str]) -> None:
    odd_titles(inventory)
    command = [str(Path(sys.executable).with_name("zhenghe")), *words, str(inventory)]
    done = subprocess.run(
        command, capture_output=True, check=False, env={**os.environ, "LANG": "C.UTF-8", "COLUMNS": "300"}
    )
    said = done.stdout.decode() + done.stderr.decode()
    assert done.returncode in (0, 1), said
    assert "should not have happened" not in said
    assert not OBEYED & set(said)
    assert "[/x]" in said
    if "--json" in words:
        assert ODD in json.dumps(json.loads(done.stdout), ensure_ascii=False).replace("\\u001b", "\x1b").replace(
            "\\u0007", "\x07"
        )


def test_a_console_obeys_nothing_but_itself(capsys: pytest.CaptureFixture[str]) -> None:
    saying.console(force_terminal=True, width=200).print(ODD, style="bold", highlight=False)
    said = capsys.readouterr().out
    assert "[/x]\\u001b]0;renamed" in said
    assert ":smile:" in said
    assert said.startswith("\x1b[1m")
    assert "\x9b" not in said
    assert "\u202e" not in said


def test_text_is_made_plain_without_becoming_another_text() -> None:
    assert plain("一 line\r\n\tof text") == "一 line\n\tof text"
    assert json.loads(f'"{plain(ODD)}"') == ODD
    assert json.loads(f'"{plain(chr(0xE0041))}"') == chr(0xE0041)
    assert plain("\ud800") == "\\ud800"
    assert is_plain(plain(ODD))
    assert one_line(" a \n b ") == "a b"
    assert plain("x" * 10, 4) == "xxx…"


def test_what_is_written_into_an_inventory_can_be_read_by_people() -> None:
    text = scalar_text(ODD)
    assert is_plain(text)
    assert yaml.safe_load(text) == ODD


def test_settings_are_words_of_a_command_and_never_commands(inventory: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    root = f"/srv/notices;touch${{IFS}}{marker};'$(touch {marker})"
    put(inventory, "root: /srv/notices", f"root: {json.dumps(root)}")
    kinds = load_kinds(playbooks_folder() / "roles")
    wanted = expectations(load_programme(inventory), kinds, {"system:notice-board": Side.TARGET})
    commands = [each.name for each in wanted if each.what == "command" and "notices" in each.name]
    assert commands
    for command in commands:
        assert any(str(marker) in word for word in shlex.split(command))
        subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert not marker.exists()


def test_names_that_are_somebody_s_already_are_refused(inventory: Path) -> None:
    for before, after in (
        ("name: water-app,", "name: localhost,"),
        ("name: water-db,", "name: pe1-shell,"),
        ("entry: {name: billing.yunhe.example", "entry: {name: ns1.yunhe.example"),
        ("entry: {name: archive.yunhe.example", "entry: {name: yunhe.example"),
        ("entry: {name: billing-db.yunhe.example", "entry: {name: 10.11.0.10"),
        ("entry: {name: identity-db.yunhe.example", "entry: {name: identity.ministry.example"),
    ):
        put(inventory, before, after)
    reasons = [each.reason for each in check(inventory).findings if each.rule == "name"]
    assert {reason.split(":")[0] for reason in reasons} == {
        "'localhost' does not name a host", "'pe1-shell' is the name of an account on the device 'pe1'",
        "'yunhe.example' is the name service's own", "'ns1.yunhe.example' is the name service's own",
        "'10.11.0.10' is not in the zone yunhe.example", "'identity.ministry.example' is not in the zone yunhe.example",
    }  # fmt: skip


def test_every_word_to_people_goes_through_one_place() -> None:
    root = Path(saying.__file__).parent
    own = {"saying.py", "shown.py", "agent.py"}
    found = [
        str(file)
        for file in root.rglob("*.py")
        if file.name not in own and re.search(r"^\s+print\(|[=(]\s?Console\(", file.read_text(), re.MULTILINE)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line, shown",
    [
        ("neighbor 10.0.0.1 password S3cret!", "neighbor 10.0.0.1 password <hidden>"),
        ("router bgp 1 / neighbor 10.0.0.1 password S3c/S3cret,S3cret”", "neighbor 10.0.0.1 password <hidden>”"),
        ("peer 10.0.0.1 password cipher %^%#a,b%^%#", "peer 10.0.0.1 password cipher <hidden>"),
        ("snmp-server community S3cret RO", "snmp-server community <hidden> RO"),
        ("username ops privilege 15 secret 9 $9$S3cret", "username ops privilege 15 secret 9 <hidden>"),
        ("neighbor 10.0.0.1 remote-as 65101", "neighbor 10.0.0.1 remote-as 65101"),
        ("set community 65000:1", "set community 65000:1"),
    ],
)
def test_what_is_told_of_a_device_quotes_no_secret(line: str, shown: str) -> None:
    told = str(CommandRejected("pe1", line, "% Unknown command"))
    assert "S3cret" not in told
    assert shown.rstrip("”") in told
    assert "S3cret" not in str(DeviceAstray("pe1", "attach", (f"pe1: “{line}” is missing",)))


@pytest.mark.parametrize("name", ["clerk\nhost all all all trust #", "clerk\rlocal all all trust", "clerk\x00"])
def test_a_roles_name_is_no_rule_of_who_comes_in(on_host: Callable[[str], Any], name: str) -> None:
    accounts = on_host("zhenghe_pg_accounts")
    assert accounts.quoted('a "clerk"') == '"a ""clerk"""'
    with pytest.raises(Refused, match="cannot name"):
        accounts.quoted(name)


@pytest.mark.parametrize("link", ["twin", "twin/h", "twin/h/root", "twin/h/seed.sh", "twin/shared"])
def test_a_link_in_an_inventory_brings_nothing_of_this_machine_into_a_twin(tmp_path: Path, link: str) -> None:
    ours = tmp_path / "ours"
    (ours / "h" / "root").mkdir(parents=True)
    (ours / "h" / "root" / "shadow").write_text("of this machine")
    (ours / "h" / "seed.sh").write_text("#!/bin/sh\n")
    inventory = Path(shutil.copytree(ours / "h", tmp_path / "inventory" / "twin" / "h")).parents[1]
    (inventory / "twin" / "shared").mkdir()
    spec = HostSpec(
        name="h", image=tmp_path, folder=tmp_path / "disk", namespace=tmp_path, resolver=None, operator_key="",
        host_key=tmp_path, seed=inventory / "twin" / "h",
    )  # fmt: skip
    parts = ("root", "seed.sh", "../shared")
    assert all(own_seed(spec, part).exists() for part in parts)
    place = inventory / link
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    place.symlink_to(ours / Path(link).relative_to("twin"))
    with pytest.raises(CannotBuild, match="leads out of the inventory"):
        [own_seed(spec, part) for part in parts]
