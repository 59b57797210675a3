"""The command line of a vendor's device, over real SSH and beyond it: pages, questions, messages, encodings."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from inventory.model import Programme
from migrations.cli.selftest import try_device
from netcfg.doubles.device import Double, Silent
from netcfg.doubles.ios import Ios
from netcfg.doubles.serving import Served, served
from netcfg.errors import CommandRejected, DeviceUnreachable, PlatformRefused
from netcfg.guards.texts import data_of
from netcfg.platforms import Platform, load_platform
from netcfg.sessions import Sessions
from netcfg.terminals import Terminal
from tests.unit.vendors import CE, Wire, kinds, surveyed, vrp8_pair

VRP8 = load_platform("vrp8")
EXAMPLE = Path(__file__).parents[2] / "examples" / "yunhe"


@pytest.fixture(scope="module")
def key() -> paramiko.PKey:
    return paramiko.ECDSAKey.generate()


@pytest.fixture
def device(programme: Programme) -> Double:
    return vrp8_pair(programme)[CE]


@pytest.fixture
def ssh(device: Double, key: paramiko.ECDSAKey, tmp_path: Path) -> Iterator[Sessions]:
    key.write_private_key_file(str(tmp_path / "key"))
    with served(device, key, key) as door:
        yield Sessions(config(tmp_path, door, key), patience=5.0)


def config(folder: Path, door: Served, key: paramiko.PKey) -> Path:
    (folder / "known_hosts").write_text(f"{CE} {key.get_name()} {key.get_base64()}\n")
    path = folder / "ssh_config"
    path.write_text(
        f"Host {CE}\n  HostName 127.0.0.1\n  Port {door.port}\n  User ops\n  HostKeyAlias {CE}\n"
        f"  IdentityFile {folder}/key\n  IdentitiesOnly yes\n  UserKnownHostsFile {folder}/known_hosts\n"
        f"  GlobalKnownHostsFile {folder}/none\n"
    )
    return path


def test_a_command_line_alone_is_all_that_is_opened_over_ssh(ssh: Sessions, device: Double) -> None:
    with ssh.terminal(CE, VRP8) as line:
        assert line.hostname == CE
        assert line.running().rstrip().endswith("\nreturn")
        assert len(device.sessions) == 1


def test_a_single_line_is_answered_without_a_session(device: Double, key: paramiko.ECDSAKey, tmp_path: Path) -> None:
    key.write_private_key_file(str(tmp_path / "key"))
    with served(device, key, key) as door:
        words = ("ssh", "-F", str(config(tmp_path, door, key)), CE, "display current-configuration")
        said = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True).stdout
    assert said == device.shown(device.running) + "\n"
    assert device.sessions == []


def test_a_session_that_is_dropped_is_told(ssh: Sessions, device: Double) -> None:
    with ssh.terminal(CE, VRP8) as line:
        device.hang_up()
        with pytest.raises(DeviceUnreachable):
            line.running()


def test_a_device_that_has_no_line_left_says_so(ssh: Sessions, device: Double) -> None:
    device.vtys = 0
    with pytest.raises(DeviceUnreachable):
        ssh.terminal(CE, VRP8)


def test_a_password_is_asked_for_and_used(device: Double, key: paramiko.ECDSAKey, tmp_path: Path) -> None:
    with served(device, key, password="right") as door:
        path = config(tmp_path, door, key)
        with Sessions(path, passwords=lambda _device: "right").terminal(CE, VRP8) as line:
            assert line.hostname == CE
        with pytest.raises(DeviceUnreachable, match="refused"):
            Sessions(path, passwords=lambda _device: "wrong").terminal(CE, VRP8)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_what_a_device_says_is_read_byte_for_byte(
    programme: Programme, key: paramiko.ECDSAKey, tmp_path: Path, encoding: str
) -> None:
    """It is longer than what SSH sends at once, so characters come in two pieces."""
    routes = {f"ip route 10.{n // 256}.{n % 256}.0 255.255.255.0 10.9.0.1 name 政务外网{n}" for n in range(2000)}
    device = Ios(CE, surveyed(programme, "ios", CE).replace("!\nend", "\n".join((*routes, "!\nend"))))
    device.encoding = encoding
    key.write_private_key_file(str(tmp_path / "key"))
    with (
        served(device, key, key) as door,
        Sessions(config(tmp_path, door, key)).command_line(CE, load_platform("frr")) as line,
    ):
        said = data_of(line.running()).decode(encoding)
    assert {each for each in said.splitlines() if each.startswith("ip route")} == routes


def test_a_command_line_that_was_closed_says_so(programme: Programme, key: paramiko.ECDSAKey, tmp_path: Path) -> None:
    key.write_private_key_file(str(tmp_path / "key"))
    with served(Ios(CE, surveyed(programme, "ios", CE)), key, key) as door:
        line = Sessions(config(tmp_path, door, key)).command_line(CE, load_platform("frr"))
        line.close()
        with pytest.raises(DeviceUnreachable, match="broke off"):
            line.running()
        assert not line.alive


@pytest.mark.parametrize("permitted", [False, True])
def test_an_old_algorithm_is_used_where_it_is_permitted_for_that_device(
    device: Double, key: paramiko.ECDSAKey, tmp_path: Path, permitted: bool
) -> None:
    key.write_private_key_file(str(tmp_path / "key"))
    door = Served(device, key, key, ciphers=("aes128-cbc",))
    path = config(tmp_path, door, key)
    others = "another-device" if not permitted else CE
    path.write_text(f"Host {others}\n  Ciphers +aes128-cbc\n" + path.read_text())
    try:
        if permitted:
            with Sessions(path).terminal(CE, VRP8) as line:
                assert line.hostname == CE
        else:
            with pytest.raises(DeviceUnreachable, match="algorithms that nobody permitted"):
                Sessions(path).terminal(CE, VRP8)
    finally:
        door.close()


@pytest.mark.parametrize("change", [False, True], ids=["look", "change"])
def test_selftest_goes_over_ssh_and_leaves_a_device_as_it_was(
    device: Double, key: paramiko.ECDSAKey, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: bool
) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "inventory")
    network = tmp_path / "inventory" / "network.yaml"
    text = network.read_text().replace(f"name: {CE}, role: ce, platform: frr", f"name: {CE}, role: ce, platform: vrp8")
    network.write_text(text)
    world = tmp_path / "world.json"
    cloud = {"backend": "twin", "endpoint": "none"}
    world.write_text(json.dumps({"name": "w", "kind": "real", "ssh_config": "ssh_config", "cloud": cloud}))
    key.write_private_key_file(str(tmp_path / "key"))
    found = kinds()["vrp8"].lines(device)
    with served(device, key, key) as door:
        config(tmp_path, door, key)
        assert try_device(tmp_path / "inventory", world, CE, 60.0, as_json=True, change=change) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["failed"] == ""
    assert "its command line is understood" in told["told"][0]
    assert ("has its earlier configuration again" in told["told"][-1]) is change
    assert kinds()["vrp8"].lines(device) == found


def terminal(device: Double, platform: Platform = VRP8) -> Terminal:
    return Terminal(CE, platform, Wire(CE, device))


def without(*begin: str) -> Platform:
    """The platform, were it not asked for whole answers."""
    assert VRP8.dialogue is not None
    return VRP8.model_copy(update={"dialogue": VRP8.dialogue.model_copy(update={"begin": begin})})


def test_pages_are_turned_and_leave_nothing_in_the_answer(device: Double) -> None:
    whole = terminal(device).running()
    assert terminal(device, without()).running() == whole
    assert len(whole.splitlines()) > 2 * 22


def test_messages_in_between_are_no_part_of_an_answer(device: Double) -> None:
    whole = terminal(device).running()
    device.chatter = "Nov 27 2026 18:00:00 ce %%01IFNET/4/IF_STATE(l)[0]:Interface Eth0 has turned into UP state."
    talkative = terminal(device, without("screen-length 0 temporary"))
    assert [talkative.running() for _ in range(2)] == [whole, whole]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("name", ["南山-水务局-核心路由器", "x" * 60, "a.b_c-d(1)", "R1-bgp"])
def test_any_name_may_stand_in_the_prompt(device: Double, name: str, encoding: str) -> None:
    device.name, device.encoding = name, encoding
    line = terminal(device)
    assert line.hostname == name
    for command in ("system-view", "interface lan"):
        assert "Error" not in line.take(command)
    assert line.running().rstrip().endswith("return")


@pytest.mark.parametrize("platform", ["vrp8", "ios"])
def test_a_question_mark_in_a_description_asks_for_no_help(programme: Programme, platform: str) -> None:
    kind = kinds()[platform]
    device = kind.pair(programme)[CE]
    known = load_platform(platform)
    line = terminal(device, known)
    for command in (known.commands.configure, "interface lan", "description whose? nobody's"):
        line.take(command)
    if platform == "vrp8":
        line.take("commit")
    assert kind.has(device, "description whose? nobody's")


def test_a_question_that_nobody_foresaw_is_not_answered(device: Double) -> None:
    line = terminal(device)
    with pytest.raises(CommandRejected, match="nobody foresaw"):
        line.take("reset saved-configuration")
    assert device.typed[-1][1] == "reset saved-configuration"
    assert device.sessions == []


def test_a_refusal_is_told_in_the_devices_words(device: Double) -> None:
    device.refuses = lambda line: "Error: no such thing" if "peer" in line else None
    line = terminal(device)
    with pytest.raises(CommandRejected, match="no such thing"):
        line.take("display bgp peer")


def test_a_device_that_hangs_is_not_waited_for_any_longer(device: Double) -> None:
    line = terminal(device)

    def hang(_user: str, _line: str) -> None:
        raise Silent

    device.before = hang
    with pytest.raises(DeviceUnreachable, match="no whole answer to “display clock”"):
        line.ask("display clock")


@pytest.mark.parametrize("platform", ["vrp5", "comware7", "ruijie", "zte"])
def test_what_nothing_takes_back_is_refused_with_the_only_other_way(platform: str) -> None:
    with pytest.raises(PlatformRefused, match="person on site"):
        load_platform(platform)
