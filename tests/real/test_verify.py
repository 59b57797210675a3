"""Checks of hosts over real SSH: a server that is spoken to over a pipe, so that no address is needed."""

import getpass
import socket
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from infra.worlds import CloudSettings, World, save_world
from migrations.actuators.ansible.process_tree import descendants
from migrations.proof.verify import ChecksBroken, NothingToVerify, check_hosts
from migrations.proof.verify.expectations import Expectation
from tests.real.steps import until

pytestmark = pytest.mark.real
WHATS: tuple[Literal["listening", "closed"], ...] = ("listening", "closed")


def _key(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path.with_suffix(".pub").read_text()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """This machine as a world of its own: ssh speaks to an sshd that it starts itself."""
    folder = tmp_path_factory.mktemp("world")
    Path("/run/sshd").mkdir(exist_ok=True)
    host_key, user_key = _key(folder / "host"), _key(folder / "user")
    (folder / "authorized").write_text(user_key)
    (folder / "sshd_config").write_text(
        f"HostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\nStrictModes no\nUsePAM no\n"
        "PermitRootLogin yes\nMaxSessions 64\n"
    )
    (folder / "known").write_text(f"here {host_key}deaf {host_key}liar {user_key}")
    ssh = (
        "Host deaf\n  ProxyCommand false\n"
        f"Host *\n  ProxyCommand /usr/sbin/sshd -i -f {folder}/sshd_config\n  User {getpass.getuser()}\n"
        f"  IdentityFile {folder}/user\n  IdentitiesOnly yes\n  UserKnownHostsFile {folder}/known\n"
        "  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n  BatchMode yes\n  LogLevel ERROR\n"
    )
    (folder / "ssh_config").write_text(ssh)
    cloud = CloudSettings(backend="twin", endpoint="none")
    return World(name="here", kind="real", ssh_config=folder / "ssh_config", cloud=cloud)


def _command(host: str, run: str, wanted: str = "", unwanted: str = "", unit: str = "system:a") -> Expectation:
    return Expectation(unit=unit, host=host, what="command", name=run, wanted=wanted, unwanted=unwanted, title=run)


def test_what_holds_passes_and_what_does_not_is_told_with_host_and_reason(world: World, tmp_path: Path) -> None:
    wanted = (
        Expectation(unit="system:a", host="here", what="package", name="openssh-server"),
        Expectation(unit="system:a", host="here", what="package", name="no-such-package"),
        Expectation(unit="system:b", host="here", what="closed", name="9"),
        Expectation(unit="system:b", host="here", what="listening", name="9"),
        Expectation(unit="system:b", host="here", what="resolves", name="localhost", wanted="127.0.0.1"),
        Expectation(unit="system:b", host="here", what="reaches", name="localhost:9"),
        _command("here", "echo one two", wanted="two", unit="system:c"),
        _command("here", "echo one two", wanted="one", unwanted="two", unit="system:c"),
        _command("here", "exit 3", unit="system:c"),
    )
    result = check_hosts(world, wanted, tmp_path)
    units = {unit.unit: unit for unit in result.units}
    assert {key: (unit.passed, unit.failed) for key, unit in units.items()} == {
        "system:a": (1, 1),
        "system:b": (2, 2),
        "system:c": (1, 2),
    }
    assert units["system:a"].failures[0].host == "here"
    assert "no-such-package" in units["system:a"].failures[0].check
    assert units["system:a"].failures[0].reason == "it is not installed"
    assert (result.passed, result.failed) == (4, 5)
    assert result.junit.read_text().startswith("<?xml")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_port_is_open_on_whatever_address_it_listens(world: World, tmp_path: Path, address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as server:
        port = str(server.getsockname()[1])
        wanted = tuple(Expectation(unit=f"system:{what}", host="here", what=what, name=port) for what in WHATS)
        units = {unit.unit: unit for unit in check_hosts(world, wanted, tmp_path).units}
    assert (units["system:listening"].failed, units["system:closed"].failed) == (0, 1)


def test_of_a_host_that_does_not_answer_nothing_is_known(world: World, tmp_path: Path) -> None:
    deaf = (_command("deaf", "true"), _command("deaf", "echo one"))
    result = check_hosts(world, (*deaf, _command("here", "true", unit="system:b")), tmp_path)
    units = {unit.unit: unit for unit in result.units}
    assert [(unit.passed, unit.failed, unit.unknown) for unit in units.values()] == [(0, 0, 2), (1, 0, 0)]
    assert (result.passed, result.failed, result.unknown) == (1, 0, 2)
    first = units["system:a"].unknowns[0]
    assert (first.host, first.check) == ("deaf", "deaf: true")
    assert first.reason.startswith("not known: ")


def test_a_host_with_another_key_is_not_believed(world: World, tmp_path: Path) -> None:
    result = check_hosts(world, (_command("liar", "true"),), tmp_path)
    assert (result.passed, result.failed, result.unknown) == (0, 1, 0)


def test_nothing_to_verify_is_no_success(world: World, tmp_path: Path) -> None:
    with pytest.raises(NothingToVerify):
        check_hosts(world, (), tmp_path)


def test_checks_that_do_not_end_are_told_as_such_and_leave_no_connection(world: World, tmp_path: Path) -> None:
    before = _shared_connections()
    with pytest.raises(ChecksBroken, match="did not end"):
        check_hosts(world, (_command("here", "sleep 30"),), tmp_path, timeout=3)
    assert _shared_connections() <= before


def test_checks_leave_no_connection_behind(world: World, tmp_path: Path) -> None:
    before = _shared_connections()
    sees_one = _command("here", "pgrep -a ssh", wanted=r"^\d+ ssh: .*/zh-verify-.*\[mux\]")
    during = check_hosts(world, (_command("here", "true"), sees_one), tmp_path)
    assert during.units[0].failures == ()
    assert _shared_connections() <= before


ASKING = """
import sys
from pathlib import Path
from infra.worlds import load_world
from migrations.proof.verify import check_hosts
from migrations.proof.verify.expectations import Expectation
folder = Path(sys.argv[1])
waiting = Expectation(unit="system:a", host="here", what="command", name=sys.argv[2], title="waiting")
check_hosts(load_world(folder / "world.json"), (waiting,), folder)
"""


def test_checks_end_with_whoever_asked_for_them(world: World, tmp_path: Path) -> None:
    save_world(world, tmp_path / "world.json")
    begun, held = tmp_path / "begun", tmp_path / "held"
    held.touch()
    check = f"touch {begun}; while [ -e {held} ]; do sleep 0.1; done"
    with subprocess.Popen(
        (sys.executable, "-c", ASKING, str(tmp_path), check), cwd=Path(__file__).parents[2]
    ) as asking:
        until(begun.exists)
        (checking,) = (each for each in descendants(asking.pid) if _is_pytest(each))
        asking.kill()
    until(lambda: not _is_pytest(checking))
    held.unlink()


def _is_pytest(process: int) -> bool:
    try:
        return b"\0pytest\0" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


def _shared_connections() -> set[str]:
    command = ["pgrep", "-f", r"^ssh: .*/zh-verify-.*\[mux\]"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    return set(listed.stdout.split())
