import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.twin import client, control
from infra.twin.cgroups import ROOT, Groups
from infra.twin.errors import CannotBuild, NotRunning, Refused
from infra.twin.layout import lay_out
from infra.twin.paths import TwinPaths
from infra.worlds import World
from inventory.derived.wired import names_of
from inventory.model import Programme

RunOn = Callable[..., "subprocess.CompletedProcess[str]"]
Name = Callable[[str], str]

pytestmark = pytest.mark.real


def quiet(line: str) -> None:
    """Progress that nobody reads."""


def own_addresses() -> set[str]:
    links = json.loads(subprocess.run(("ip", "-j", "addr"), capture_output=True, check=True).stdout)
    return {f"{link['ifname']} {info['local']}" for link in links for info in link["addr_info"]}


def leftovers(name: str) -> list[str]:
    """Everything on this machine that still bears a twin's name."""
    paths = TwinPaths.of(name)
    found = [str(path) for path in (paths.state, paths.run, paths.lock) if path.exists()]
    found += [str(path) for path in ROOT.rglob(f"zhenghe-{name}")]
    found += [f"process {process}" for process in Groups(name).processes()]
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            mounts, words = (entry / "mountinfo").read_text(), (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(paths.state) in mounts:
            found.append(f"mounts of process {entry.name}")
        if b"infra.twin.supervisor" in words and name.encode() in words:
            found.append(f"supervisor {entry.name}")
    return found


@pytest.fixture
def small(tiny: Programme, twin_name: Name) -> Iterator[World]:
    name = twin_name("s")
    yield client.up(tiny, name, None, quiet)
    client.down(name)


NAMED = {"bird": ("hostname", "{}\n"), "vrp8": ("display current-configuration", "sysname {}")}


def test_every_host_and_device_answers_to_its_name_with_a_key_of_its_own(
    programme: Programme, twin: World, on: RunOn
) -> None:
    layout = lay_out(programme)
    for host in layout.hosts:
        answer = on(host.name, "hostname; systemctl is-system-running; cut -d: -f2 /etc/os-release | grep VERSION_ID")
        name, state, release = answer.stdout.split()
        assert (name, state) == (host.name, "running")
        assert ("11" in release) == (host.image == "bullseye")
    for device in layout.devices:
        asked, said = NAMED.get(device.platform, ("show running-config", "hostname {}"))
        assert said.format(device.name) in on(device.name, asked).stdout
        if device.platform in {"frr", "bird"}:
            assert on(f"{device.name}-shell", "hostname").stdout.strip() == device.name
    keys = [line.split() for line in twin.ssh_config.with_name("known_hosts").read_text().splitlines()]
    places = {words[0].removesuffix("-shell") for words in keys}
    assert len({words[2] for words in keys}) == len(places)
    machines = [on(host.name, "cat /etc/machine-id").stdout for host in layout.hosts]
    assert len(set(machines)) == len(machines)


def test_a_host_with_another_key_is_refused(twin: World, on: RunOn, tmp_path: Path) -> None:
    known = dict(line.split(" ", 1) for line in twin.ssh_config.with_name("known_hosts").read_text().splitlines())
    forged = tmp_path / "known_hosts"
    forged.write_text(f"water-db {known['civil-db']}\n")
    refused = on("water-db", "hostname", "-o", f"UserKnownHostsFile={forged}", check=False)
    assert refused.returncode == 255
    assert refused.stdout == ""


def test_departments_do_not_reach_each_other_nor_this_machine(on: RunOn) -> None:
    """The control is that the same host does reach its centre."""
    assert on("water-db", "ping -c1 -W2 10.50.1.53").returncode == 0
    assert on("water-db", "ping -c1 -W2 10.12.0.10", check=False).returncode != 0
    for address in sorted(own_addresses()):
        _, local = address.split(" ")
        if not local.startswith(("127.", "::1", "fe80")):
            reached = on("water-db", f"ping -c1 -W1 {local}", check=False)
            assert reached.returncode != 0, local


def test_the_twin_adds_no_address_and_no_link_to_this_machine(tiny: Programme, twin_name: Name) -> None:
    before = own_addresses()
    name = twin_name("a")
    client.up(tiny, name, None, quiet)
    assert own_addresses() == before
    client.down(name)


def test_the_name_server_answers_updates_and_serves_nothing_else(programme: Programme, on: RunOn) -> None:
    dig = "dig +short +time=2 +tries=1"
    server = {"administrative": "10.50.1.53", "public": "10.50.2.53"}
    on("ns1", "printf 'update add moved.yunhe.example 1 A 10.9.8.7\\nsend\\n' | nsupdate -l")
    assert on("counter-1", f"{dig} @{server['administrative']} moved.yunhe.example").stdout.strip() == "10.9.8.7"
    assert on("reader-1", f"{dig} @{server['public']} moved.yunhe.example").stdout.strip() == "10.9.8.7"
    on("ns1", "printf 'update delete moved.yunhe.example A\\nsend\\n' | nsupdate -l")
    assert on("counter-1", f"{dig} @{server['administrative']} moved.yunhe.example").stdout.strip() == ""
    assert "status: REFUSED" in on("counter-1", f"dig +time=2 +tries=1 @{server['administrative']} example.org").stdout
    stranger = (
        f"printf 'server {server['administrative']}\\nupdate add x.yunhe.example 1 A 10.9.8.7\\nsend\\n' | nsupdate"
    )
    assert "REFUSED" in on("counter-1", stranger, check=False).stderr


def test_a_cut_line_loses_everything_while_its_carrier_stays(twin: World, on: RunOn) -> None:
    ping = "ping -c2 -i0.2 -W1 10.252.14.2"
    assert " 0% packet loss" in on("tax-ce-shell", ping).stdout
    client.cut(twin.name, "line:tax-golden")
    try:
        assert " 100% packet loss" in on("tax-ce-shell", ping, check=False).stdout
        assert "LOWER_UP" in on("tax-ce-shell", "ip link show line-tax-golden").stdout
    finally:
        client.restore(twin.name, "line:tax-golden")
    assert " 0% packet loss" in on("tax-ce-shell", ping).stdout


def test_unknown_parts_are_refused_by_name(twin: World) -> None:
    with pytest.raises(Refused, match="no-such-line"):
        client.cut(twin.name, "no-such-line")
    with pytest.raises(Refused, match="nobody"):
        client.start(twin.name, "nobody")
    with pytest.raises(NotRunning, match="t0none"):
        client.stop("t0none", "water-db")


def test_two_twins_with_the_same_addresses_do_not_meet(
    small: World, tiny: Programme, twin_name: Name, running_on: Callable[[World], RunOn]
) -> None:
    name = twin_name("b")
    other = client.up(tiny, name, None, quiet)
    here, there = running_on(small), running_on(other)
    here("water-db", "echo here > /root/mark")
    there("water-db", "echo there > /root/mark")
    assert here("water-db", "cat /root/mark").stdout == "here\n"
    mixed = subprocess.run(
        ("ssh", "-F", other.ssh_config, "-o", f"UserKnownHostsFile={small.ssh_config.with_name('known_hosts')}",
         "water-db", "true"), capture_output=True, check=False,
    )  # fmt: skip
    assert mixed.returncode == 255
    client.down(name)
    assert leftovers(name) == []
    assert here("water-db", "cat /root/mark; getent hosts ns1.tiny.example").stdout.startswith("here\n10.50.1.53")


def test_a_second_up_finds_the_living_twin_and_another_programme_replaces_it(
    small: World, tiny: Programme, running_on: Callable[[World], RunOn]
) -> None:
    on = running_on(small)
    on("water-db", "touch /root/mark")
    assert client.up(tiny, small.name, None, quiet) == small
    on("water-db", "test -e /root/mark")
    slower = names_of(tiny).model_copy(update={"ttl": 7.0})
    changed = tiny.model_copy(update={"network": tiny.network.model_copy(update={"names": slower})})
    client.up(changed, small.name, None, quiet)
    on("water-db", "test ! -e /root/mark")


def test_a_host_and_a_device_come_back_from_a_power_cut(small: World, running_on: Callable[[World], RunOn]) -> None:
    on = running_on(small)
    on("water-db", "echo kept > /root/mark; sync")
    for part in ("water-db", "ce"):
        client.stop(small.name, part, at_once=True)
    assert client.list_twins()
    assert next(twin for twin in client.list_twins() if twin.name == small.name).down == ("water-db", "ce")
    assert on("water-db", "true", check=False).returncode == 255
    for part in ("ce", "water-db"):
        client.start(small.name, part)
    assert on("water-db", "cat /root/mark").stdout == "kept\n"
    client.stop(small.name, "water-db")
    client.start(small.name, "water-db")
    assert on("water-db", "systemctl is-system-running; cat /root/mark").stdout == "running\nkept\n"


def test_a_host_that_is_silent_or_full_is_as_before_once_it_is_mended(
    tiny: Programme, twin_name: Name, running_on: Callable[[World], RunOn]
) -> None:
    name = twin_name("d")
    try:
        on = running_on(client.up(tiny, name, None, quiet, small_disks=("water-db",)))
        client.silence(name, "water-db")
        banner = "timeout 2 bash -c 'head -c 4 < /dev/tcp/10.11.0.10/22'"
        assert on("ns1", "ping -c1 -W5 10.11.0.10 >/dev/null && echo there").stdout == "there\n"
        assert on("ns1", banner, check=False).stdout == ""
        client.wake(name, "water-db")
        assert on("ns1", banner).stdout == "SSH-"

        client.fill(name, "water-db")
        refused = on("water-db", "head -c 1M /dev/zero > /root/more", check=False)
        assert (refused.returncode, "No space left on device" in refused.stderr) == (1, True)
        client.empty(name, "water-db")
        on("water-db", "head -c 1M /dev/zero > /root/more")
        with pytest.raises(Refused, match="its disk is the machine's"):
            client.fill(name, "ns1")
    finally:
        client.down(name)


@pytest.mark.chaos
@pytest.mark.parametrize("victim", ["python", "unshare", "sh", "systemd-nspawn"])
def test_nothing_outlives_a_kill_and_down(tiny: Programme, twin_name: Name, victim: str) -> None:
    name = twin_name("k")
    client.up(tiny, name, None, quiet)
    for process in Groups(name).processes():
        try:
            words = Path(f"/proc/{process}/cmdline").read_bytes().decode().split("\0")
        except OSError:
            # It ended by itself meanwhile.
            continue
        keeps_the_twin = "infra.twin.supervisor" in words or victim == "systemd-nspawn"
        if Path(words[0]).name == victim and keeps_the_twin:
            os.kill(process, signal.SIGKILL)
            break
    else:
        pytest.fail(f"no process is {victim}")
    if victim != "systemd-nspawn":
        until = time.monotonic() + 120
        while Groups(name).processes() and time.monotonic() < until:
            time.sleep(0.05)
        assert Groups(name).processes() == frozenset(), "the namespaces' init did not take its descendants along"
        assert next(twin for twin in client.list_twins() if twin.name == name).state == "dead"
    client.down(name)
    assert leftovers(name) == []


@pytest.mark.chaos
def test_an_up_that_was_killed_is_taken_over_by_the_next(tiny: Programme, twin_name: Name, tmp_path: Path) -> None:
    name = twin_name("u")
    inventory = tmp_path / "programme.json"
    inventory.write_text(tiny.model_dump_json())
    code = (
        "import sys; from pathlib import Path; from infra.twin import client; from inventory.model import Programme; "
        "client.up(Programme.model_validate_json(Path(sys.argv[1]).read_text()), sys.argv[2], None, print)"
    )
    first = subprocess.Popen((sys.executable, "-c", code, inventory, name), cwd=Path(__file__).parents[2])
    while not TwinPaths.of(name).control.exists():
        assert first.poll() is None
        time.sleep(0.01)
    first.kill()
    first.wait()
    world = client.up(tiny, name, None, quiet)
    assert [(twin.state, twin.down) for twin in client.list_twins() if twin.name == world.name] == [("ready", ())]
    client.down(name)
    assert leftovers(name) == []


def test_many_connections_and_a_big_transfer_pass_whole(small: World) -> None:
    ssh = ("ssh", "-F", str(small.ssh_config), "water-db")
    sessions = [subprocess.Popen((*ssh, f"echo {number}"), stdout=subprocess.PIPE) for number in range(30)]
    assert [session.communicate()[0] for session in sessions] == [b"%d\n" % number for number in range(30)]
    data = os.urandom(1 << 20) * 64
    there = subprocess.run((*ssh, "sha256sum"), input=data, capture_output=True, check=True)
    assert there.stdout.split()[0].decode() == hashlib.sha256(data).hexdigest()


def test_a_seed_that_fails_is_named_with_its_output_and_leaves_nothing_running(
    tiny: Programme, twin_name: Name, tmp_path: Path
) -> None:
    seed = tmp_path / "water-db"
    (seed / "root/etc").mkdir(parents=True)
    (seed / "root/etc/seeded").write_text("by hand\n")
    (seed / "seed.sh").write_text("#!/bin/sh\ncat /etc/seeded\necho no room left >&2\nexit 3\n")
    name = twin_name("f")
    with pytest.raises(CannotBuild) as caught:
        client.up(tiny, name, tmp_path, quiet)
    assert "water-db" in caught.value.what
    assert caught.value.why == "exit 3\nby hand\nno room left"
    assert Groups(name).processes() == frozenset()
    assert not TwinPaths.of(name).run.exists()
    client.down(name)
    assert leftovers(name) == []


def test_the_cloud_makes_hosts_that_only_their_rules_let_in(small: World, running_on: Callable[[World], RunOn]) -> None:
    def cloud(call: str, **arguments: object) -> dict[str, str]:
        return control.ask(Path(small.cloud.endpoint), f"cloud.{call}", None, **arguments)

    site = {"site": "cloud-a"}
    ping = {"protocol": "icmp", "port": None, "source": "0.0.0.0/0"}
    secure_shell = {"protocol": "tcp", "port": 22, "source": "10.11.0.0/24"}
    network = cloud("network.create", name="net", domain="administrative", prefix="10.60.1.0/24", edge="pe1", **site)
    group = cloud("security_group.create", name="group", rules=[ping], **site)
    apart = cloud("server_group.create", name="apart", policy="anti-affinity", **site)
    server = cloud(
        "server.create", name="cloud-host", image="bookworm", cpus=1, memory=512, network=network["id"],
        address="10.60.1.21", security_groups=[group["id"]], server_group=apart["id"], **site,
    )  # fmt: skip
    while cloud("server.get", id=server["id"])["status"] == "BUILD":
        time.sleep(0.05)
    on = running_on(small)
    assert on("cloud-host", "hostname; getent hosts ns1.tiny.example").stdout.startswith("cloud-host\n10.50.1.53")
    banner = "timeout {seconds} bash -c 'head -c 4 < /dev/tcp/10.60.1.21/22'"
    on("water-db", "for i in $(seq 50); do ping -c1 -W1 10.60.1.21 && exit; sleep 0.2; done; exit 1")
    assert on("water-db", banner.format(seconds=2), check=False).stdout == ""
    cloud("security_group.update", id=group["id"], rules=[ping, secure_shell])
    assert on("water-db", banner.format(seconds=60)).stdout == "SSH-"
    client.stop(small.name, "cloud-host", at_once=True)
    assert cloud("server.get", id=server["id"])["power_state"] == "shutoff"
    cloud("server.delete", id=server["id"])
    cloud("network.delete", id=network["id"])
    assert on("cloud-host", "true", check=False).returncode == 255
    assert "cloud-host" not in small.ssh_config.read_text()


def test_the_command_lists_looks_into_and_ends_a_twin_by_its_name(small: World) -> None:
    def zhenghe(*words: str) -> "subprocess.CompletedProcess[str]":
        command = (sys.executable, "-m", "migrations.cli.main", "twin", *words)
        return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)

    twins = json.loads(zhenghe("list", "--json").stdout)["twins"]
    found = next(twin for twin in twins if twin["name"] == small.name)
    assert (found["state"], {"water-db", "ns1"} <= set(found["hosts"]), set(found["devices"])) == (
        "ready", True, {"ce", "pe1"},
    )  # fmt: skip
    assert small.name in zhenghe("list").stdout
    assert zhenghe("shell", "water-db", "--name", small.name, "hostname").stdout == "water-db\n"
    assert "hostname ce" in zhenghe("shell", "ce", "--name", small.name, "show running-config").stdout
    assert zhenghe("shell", "water-db", "--name", small.name, "exit 7").returncode == 7
    gone = zhenghe("down", small.name)
    assert (gone.returncode, small.name in gone.stdout) == (0, True)
    assert leftovers(small.name) == []
    late = zhenghe("shell", "water-db", "--name", small.name, "hostname")
    assert (late.returncode, "zhenghe twin up" in late.stderr) == (2, True)
