"""An operator's ssh_config that is generous lends nothing to a department's host, whichever client comes to it."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra import ssh
from migrations.actuators.ansible.runner import PlaybookError, Playbooks
from migrations.proof.probes import Order, ProbeError, Probes
from migrations.proof.verify import check_hosts
from migrations.proof.verify.expectations import Expectation
from netcfg.errors import DeviceUnreachable, HostKeyMismatch
from netcfg.platforms import load_platform
from netcfg.sessions import Sessions as Devices
from playbooks.agents.coordinator import MoveFailed, Participant, Sessions
from tests.attacks.conftest import Broken

pytestmark = pytest.mark.real
STEP: dict[str, Any] = {
    "system": "a", "verb": "prepare", "entries": [], "names": {}, "limits": {},
    "components": [{"name": "s", "kind": "files", "sources": ["stranger"], "source_addresses": ["10.0.0.1"],
                    "targets": [], "target_addresses": [], "settings": {"root": "/srv"}}],
}  # fmt: skip
GENEROUS = (
    "  StrictHostKeyChecking accept-new\n  UpdateHostKeys yes\n  ForwardAgent yes\n  ForwardX11 yes\n"
    "  PermitLocalCommand yes\n  LocalCommand touch {folder}/local-command\n  SendEnv LANG\n"
    "  ControlMaster auto\n  ControlPath {folder}/%n.mux\n  ControlPersist 30\n"
    "  RemoteForward 127.0.0.1:48123 127.0.0.1:22\n"
)


def agents(broken: Broken, host: str) -> None:
    given = {"host": host, "side": "source", "component": {"name": "c"}}
    with Sessions(("ssh", "-F", str(broken.world.ssh_config)), Path("playbooks").resolve()) as sessions:
        sessions.open([Participant("source", "files", given)])


def agents_of_a_world(broken: Broken, host: str) -> None:
    given = {"host": host, "side": "source", "component": {"name": "c"}}
    with Sessions(ssh.client(broken.world.ssh_config), Path("playbooks").resolve()) as sessions:
        sessions.open([Participant("source", "files", given)])


def probes(broken: Broken, host: str) -> None:
    order = Order(unit="system:a", name="p", kind="read-http", vantage=host, target="http://x", every=1.0)
    Probes(broken.world, "s", [order], 30).start()


def checks(broken: Broken, host: str) -> None:
    wanted = Expectation(unit="system:a", host=host, what="command", name="true", wanted="x")
    found = check_hosts(broken.world, [wanted], broken.folder)
    assert not found.failed + found.unknown, found


def steps(broken: Broken, host: str) -> None:
    step = {**STEP, "components": [{**STEP["components"][0], "sources": [host]}]}
    Playbooks(broken.world, broken.folder / "home").call(step, "probe", 60, lambda _text: None)


def devices(broken: Broken, host: str) -> None:
    Devices(ssh.trusted(broken.world.ssh_config)).command_line(host, load_platform("frr"))


CLIENTS = [agents, probes, checks, steps, devices]
REFUSALS = (MoveFailed, ProbeError, AssertionError, PlaybookError, HostKeyMismatch)


@pytest.fixture
def generous(make_broken: Callable[[], Broken], monkeypatch: pytest.MonkeyPatch) -> Broken:
    """A world whose operator's ssh_config accepts and forwards whatever it can, and an agent to forward."""
    broken = make_broken()
    broken.host("known")
    broken.host("stranger", known=False)
    broken.more = GENEROUS.format(folder=broken.folder)
    broken.write()
    for name in ("known", "stranger"):
        broken.says(name, "[]")
    monkeypatch.setenv("SSH_AUTH_SOCK", str(broken.folder / "agent"))
    return broken


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)
def test_a_host_that_nobody_knows_is_neither_let_in_nor_learnt(
    generous: Broken, client: Callable[[Broken, str], None]
) -> None:
    before = (generous.folder / "known_hosts").read_bytes()
    with pytest.raises(REFUSALS):
        client(generous, "stranger")
    assert generous.reached("stranger") == ""
    assert (generous.folder / "known_hosts").read_bytes() == before


@pytest.mark.parametrize("client", [agents, probes, checks, steps], ids=lambda client: client.__name__)
def test_a_host_that_is_known_gets_no_agent_and_runs_nothing_here(
    generous: Broken, client: Callable[[Broken, str], None]
) -> None:
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", os.environ["SSH_AUTH_SOCK"]], stdout=subprocess.DEVNULL)
    try:
        with pytest.raises(REFUSALS):
            client(generous, "known")
    finally:
        agent.terminate()
        agent.wait()
    reached = generous.reached("known")
    assert "SSH_CONNECTION" in reached
    assert "SSH_AUTH_SOCK" not in reached
    assert "DISPLAY" not in reached
    assert not (generous.folder / "local-command").exists()
    assert not list(generous.folder.glob("*.mux"))


@pytest.mark.parametrize(
    "client", [agents_of_a_world, probes, checks, steps, devices], ids=lambda client: client.__name__
)
def test_a_jump_host_that_nobody_knows_is_not_let_in_either(
    generous: Broken, client: Callable[[Broken, str], None]
) -> None:
    before = (generous.folder / "known_hosts").read_bytes()
    generous.more = f"{generous.more}\nHost behind\n  HostName behind\n  ProxyJump stranger\n"
    generous.write()
    with pytest.raises((*REFUSALS, DeviceUnreachable)):
        client(generous, "behind")
    assert generous.reached("stranger") == ""
    assert (generous.folder / "known_hosts").read_bytes() == before


@pytest.mark.parametrize("client", [probes, checks, steps], ids=lambda client: client.__name__)
def test_no_command_vouches_for_a_host_and_no_secret_of_the_environment_goes_along(
    generous: Broken, client: Callable[[Broken, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = " ".join((generous.folder / "key-stranger.pub").read_text().split()[:2])
    command = f"KnownHostsCommand /bin/echo stranger {key}\n"
    generous.more = f"{generous.more}  SendEnv SECRET_*\n  {command}"
    generous.write()
    monkeypatch.setenv("SECRET_OF_A_DEVICE", "never-told")
    for name in ("known", "stranger"):
        file = generous.folder / f"{name}.sshd"
        file.write_text(f"AcceptEnv *\n{file.read_text()}")
        with pytest.raises(REFUSALS):
            client(generous, name)
    assert generous.reached("stranger") == ""
    assert "SSH_CONNECTION" in generous.reached("known")
    assert "never-told" not in generous.reached("known")


def test_every_client_in_the_tree_takes_its_options_from_one_place() -> None:
    root = Path(ssh.__file__).parents[1]
    # The others ask OpenSSH what a file says (-G), end a connection of ours, or go to a jump host before a device.
    own = {
        "infra/ssh.py", "migrations/proof/verify/verifying.py", "netcfg/openssh.py",
        "playbooks/plugins/module_utils/zhenghe_readers.py",
    }  # fmt: skip
    found = {
        str(file.relative_to(root))
        for folder in ("infra", "inventory", "netcfg", "migrations", "playbooks")
        for file in (root / folder).rglob("*.py")
        if re.search(r'"ssh", ("-|\*)', file.read_text())
    }
    assert found == own
