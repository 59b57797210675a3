"""Every backend holds the same: sites are made, looked at, mended, changed and withdrawn, whatever goes wrong.

One and the same suite on the twin's cloud and on a real OpenStack.
"""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from infra.declaration import SiteDeclaration, declare_site
from infra.engine import AmbiguousResource, EngineFailed, NotReady, ProvisionError
from infra.engine.places import states_environment
from infra.laboratory.laboratory import Laboratory, NotHere
from infra.openstack.kinds import Kind
from infra.parts import toolchain
from infra.reaching import Reached, Rights, look
from inventory.kinds import load_kinds, playbooks_folder
from inventory.model import Programme
from tests.real.boundary import PATIENCE, When
from tests.real.grounds import Ground, TwinGround, complete, declared, with_rule
from tests.real.openstack_ground import OpenStackGround
from tests.real.processes import commanded, descendants, engines, providers
from tests.sampling import WHOLE, sampled

pytestmark = pytest.mark.real

KILLS = [
    ("caller", "after", "network", "cloud-a-admin"),
    ("caller", "before", "server", "cloud-a-db-1"),
    ("caller", "after", "server", "cloud-a-db-1"),
    ("engine", "after", "server", "cloud-a-db-1"),
    ("engine", "after", "security_group", "cloud-a-component"),
    ("engine", "before", "network", "cloud-a-admin"),
    ("provider", "after", "network", "cloud-a-admin"),
    ("provider", "after", "server", "cloud-a-db-1"),
]
SERVICES = [
    "keystone", "neutron", "nova", "placement", "glance", "conductor", "scheduler", "compute-hv0", "queue", "database",
]  # fmt: skip
"""Of the laboratory, by their logs."""
OFTEN = [
    "fits", "refused-500", "refused-409", "refused-401", "two-sites", "two-of-one-name",
    *("-".join(kill) for kill in KILLS if kill[0] != "provider"),
]  # fmt: skip
SELDOM = ["lost", "pulumi", *("-".join(kill) for kill in KILLS if kill[0] == "provider")]
OPENSTACK = [*OFTEN, "lacking", "console", "secret"]
LONG = [
    *SELDOM, "quota", "revoked", "expired", "opened", "existing", "floating", "unplugged", "twenty", "another-key",
    "was-up", "import", "image", *SERVICES,
]  # fmt: skip
"""Walked by make test-all alone: each takes half a minute and more."""
WHOLE_WALK = LONG if os.environ.get(WHOLE) else []
WALKED = frozenset([*sampled(OPENSTACK, 0.05), *WHOLE_WALK])
"""What this commit tries on a real OpenStack beside the whole life of a site: a minute of it is many."""
WALKED_IN_TWIN = frozenset([*sampled([*OFTEN, *SELDOM], 0.25), *WHOLE_WALK])


def only_if_sampled(ground: Ground, what: str) -> None:
    if what not in (WALKED if isinstance(ground, OpenStackGround) else WALKED_IN_TWIN):
        pytest.skip("another commit tries it here; make test-all tries all")


@pytest.fixture(scope="module")
def cloud_laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """A real OpenStack, started once for all tests that need one, and ended before others measure anything."""
    started = Laboratory(tmp_path_factory.mktemp("laboratory"))
    try:
        started.start(print)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OS_CLIENT_CONFIG_FILE", str(started.clouds))
            yield started
    except NotHere as why:
        pytest.skip(str(why))
    finally:
        started.stop()


@pytest.fixture(params=["twin", "openstack"])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    if request.param == "twin":
        twin = TwinGround(tmp_path)
        yield twin
        twin.close()
        return
    real = OpenStackGround(tmp_path, request.getfixturevalue("cloud_laboratory"))
    yield real
    with contextlib.closing(real):
        real.clear()


@pytest.fixture
def real_cloud(tmp_path: Path, cloud_laboratory: Laboratory) -> Iterator[OpenStackGround]:
    real = OpenStackGround(tmp_path, cloud_laboratory)
    yield real
    with contextlib.closing(real):
        real.clear()


def without_hosts(site: SiteDeclaration) -> SiteDeclaration:
    return site.model_copy(update={"servers": ()})


def test_a_site_comes_stays_is_mended_changes_and_goes(ground: Ground) -> None:
    site = declared()
    told: list[str] = []
    assert ground.observe(site).state == "not-done"
    assert ground.everything() == {}

    made = ground.provide(site, told.append)
    assert made.state == "done"
    assert ground.everything() == complete(site)
    assert ground.statuses() == {"ACTIVE"}
    assert {change.op for change in made.changes} == {"create"}
    assert ground.identity("cloud-a-db-1") in {resource.id for resource in made.resources}
    assert len(told) == len(made.changes)

    # What seals the states stands in no other file.
    secret = (ground.home / "passphrase").read_bytes()
    others = [path for path in ground.home.rglob("*") if path.is_file() and path.name != "passphrase"]
    assert [path for path in others if secret in path.read_bytes()] == []

    again = ground.provide(site)
    assert (again.state, again.changes, again.resources) == ("done", (), made.resources)
    assert ground.observe(site).state == "done"

    _mended_behind_its_back(ground, site)
    _changed_and_withdrawn(ground, site)


def _mended_behind_its_back(ground: Ground, site: SiteDeclaration) -> None:
    group = "cloud-a-component"
    kept, gone = ground.identity("cloud-a-db-2"), ground.identity("cloud-a-db-1")
    ground.delete_server("cloud-a-db-1")
    ground.stop_server("cloud-a-db-2")
    ground.open_by_hand(group)
    seen = ground.observe(site)
    assert seen.state == "not-done"
    differing = {("create", "cloud-a-db-1"), ("update", "cloud-a-db-2"), ("update", group)}
    assert differing <= {(change.op, change.name) for change in seen.changes}
    assert ground.provide(site).state == "done"
    assert ground.everything() == complete(site)
    assert ground.rules(group) == 1
    assert ground.identity("cloud-a-db-1") != gone
    assert ground.identity("cloud-a-db-2") == kept
    assert ground.statuses() == {"ACTIVE"}
    ground.close_by_hand(group)
    assert ground.observe(site).state == "not-done"
    assert ground.provide(site).state == "done"
    assert ground.rules(group) == 1


def _changed_and_withdrawn(ground: Ground, site: SiteDeclaration) -> None:
    kept = ground.identity("cloud-a-db-2")
    fewer = with_rule(site).model_copy(update={"servers": site.servers[1:]})
    ground.provide(fewer)
    assert ground.everything() == complete(fewer)
    assert ground.rules("cloud-a-component") == 2
    assert ground.identity("cloud-a-db-2") == kept

    ground.withdraw(fewer)
    assert ground.everything() == {}
    assert ground.observe(fewer).state == "not-done"
    ground.withdraw(fewer)


def test_a_host_that_fits_nowhere_fails_by_name_however_often_it_is_tried(ground: Ground) -> None:
    only_if_sampled(ground, "fits")
    crowded = declared(hosts=4)
    for _ in range(2):
        with pytest.raises(EngineFailed) as failed:
            ground.provide(crowded)
        assert failed.value.resource in {server.name for server in crowded.servers}
        assert "No valid host was found" in failed.value.reason
        assert "Traceback" not in str(failed.value)
        assert ground.observe(crowded).state == "not-done"
    fitting = tuple(server for server in crowded.servers if server.name != failed.value.resource)
    roomy = crowded.model_copy(update={"servers": fitting})
    assert ground.provide(roomy).state == "done"
    assert ground.everything() == complete(roomy)
    assert ground.statuses() == {"ACTIVE"}


@pytest.mark.parametrize("code", [500, 409, 401])
def test_a_call_that_is_refused_in_the_middle_is_named_and_made_good(ground: Ground, code: int) -> None:
    only_if_sampled(ground, f"refused-{code}")
    site = without_hosts(declared())
    # A client may try again by itself, as often as it likes: the cloud stays with its refusal.
    ground.boundary.refuse("security_group", "cloud-a-component", *(code for _ in range(20)))
    with pytest.raises(EngineFailed) as failed:
        ground.provide(site)
    assert failed.value.resource == "cloud-a-component"
    assert "Traceback" not in str(failed.value)
    ground.boundary.refuse("security_group", "cloud-a-component")
    assert ground.provide(site).state == "done"
    assert ground.everything() == complete(site)


def test_two_sites_at_once_in_one_process(ground: Ground) -> None:
    only_if_sampled(ground, "two-sites")
    sites = [without_hosts(declared("cloud-a", 60)), without_hosts(declared("dr-b", 70))]
    with ThreadPoolExecutor(2) as pool:
        states = list(pool.map(ground.provide, sites))
    assert [(state.site, state.state) for state in states] == [("cloud-a", "done"), ("dr-b", "done")]
    assert ground.everything() == complete(*sites)
    ground.withdraw(sites[0])
    assert ground.everything() == complete(sites[1])


@pytest.mark.chaos
@pytest.mark.parametrize("victim, when, kind, name", KILLS)
def test_a_kill_at_a_boundary_leaves_what_the_next_run_completes(
    ground: Ground, victim: str, when: str, kind: str, name: str
) -> None:
    only_if_sampled(ground, f"{victim}-{when}-{kind}-{name}")
    site = declared(hosts=1)
    ground.boundary.hold("after" if when == "after" else "before", kind, name)
    process = ground.elsewhere(site, "provide")
    ground.boundary.wait()
    started = descendants(process.pid)
    kill(victim, process.pid, started)
    process.wait(PATIENCE)
    ground.boundary.let_go(drop=when == "before")

    assert ground.provide(site).state == "done"
    # Somebody else may bear the number of one that is gone.
    assert [pid for pid, words in started.items() if words and commanded(pid) == words] == []
    assert ground.everything() == complete(site)
    assert set(ground.beside().values()) <= {1}
    assert ground.statuses() == {"ACTIVE"}
    assert ground.provide(site).changes == ()


def kill(victim: str, caller: int, started: dict[int, bytes]) -> None:
    # A state that holds resources has a provider of its own.
    found = {"caller": [caller], "engine": engines(started), "provider": providers(started)}[victim]
    assert found
    for process in found:
        os.kill(process, signal.SIGKILL)


def test_a_create_whose_answer_is_lost_is_found_again_and_made_no_second_time(ground: Ground) -> None:
    only_if_sampled(ground, "lost")
    site = without_hosts(declared())
    for kind, name in (("network", "cloud-a-admin"), ("server_group", "cloud-a-db")):
        ground.boundary.lose(kind, name)
    with pytest.raises(EngineFailed):
        ground.provide(site)
    assert ground.provide(site).state == "done"
    assert ground.everything() == complete(site)
    assert set(ground.beside().values()) <= {1}


@pytest.mark.chaos
@pytest.mark.timeout(2400)
def test_of_twenty_kills_in_creates_none_doubles_and_none_orphans(ground: Ground) -> None:
    only_if_sampled(ground, "twenty")
    site, chance, kills = declared(hosts=2), random.Random(os.environ.get("ZHENGHE_TEST_SEED", "7")), 0
    while kills < 20:
        when, victim = chance.choice(["before", "after"]), chance.choice(["caller", "engine", "provider"])
        print(f"kill {kills}: {victim} {when}")
        if _killed_in_a_create(ground, site, "after" if when == "after" else "before", victim, chance.randrange(3)):
            kills += 1
            continue
        assert ground.everything() == complete(site)
        assert set(ground.beside().values()) <= {1}
        ground.withdraw(site)
        assert (ground.everything(), ground.beside()) == ({}, {})
    assert ground.provide(site).state == "done"
    assert ground.everything() == complete(site)
    assert set(ground.beside().values()) <= {1}
    assert ground.statuses() == {"ACTIVE"}
    ground.withdraw(site)
    assert (ground.everything(), ground.beside()) == ({}, {})


def _killed_in_a_create(ground: Ground, site: SiteDeclaration, when: When, victim: str, passing: int) -> bool:
    """Provide a site and kill somebody in one of its creates; say whether there was one."""
    ground.boundary.hold_any(when, passing)
    process = ground.elsewhere(site, "provide")
    while not ground.boundary.is_reached():
        if process.poll() is not None:
            assert process.returncode == 0, ground.complaint.read_text()
            return False
        time.sleep(0.05)
    kill(victim, process.pid, descendants(process.pid))
    process.wait(PATIENCE)
    ground.boundary.let_go(drop=when == "before")
    ground.boundary.await_quiet()
    return True


def test_pulumi_s_own_command_works_on_the_same_stacks(ground: Ground, tiny: Programme, tmp_path: Path) -> None:
    only_if_sampled(ground, "pulumi")
    site = declare_site(tiny, tiny.sites[0], load_kinds(playbooks_folder() / "roles"))
    ground.provide(site)
    root = rooted(tmp_path, tiny)
    assert "net" in pulumi(ground, root, "stack", "--show-ids")
    pulumi(ground, root, "preview", "--refresh", "--expect-no-changes")
    assert ground.observe(site).state == "done"


def test_what_pulumi_imports_is_ours_from_then_on_and_made_no_second_time(
    real_cloud: OpenStackGround, tiny: Programme, tmp_path: Path
) -> None:
    only_if_sampled(real_cloud, "import")
    site = declare_site(tiny, tiny.sites[0], load_kinds(playbooks_folder() / "roles"))
    # The stack, with the provider that an import is to use.
    real_cloud.provide(without_networks(site))
    there = real_cloud.asked(lambda cloud: str(cloud.network.create_network(name="net").id))
    with pytest.raises(NotReady, match="network net is there already"):
        real_cloud.provide(site)
    words = ("--provider", "cloud=urn:pulumi:cloud-a::zhenghe::pulumi:providers:openstack::cloud", "--yes")
    plain = ("--generate-code=false", "--protect=false", "--skip-preview")
    pulumi(real_cloud, rooted(tmp_path, tiny), "import", Kind.NETWORK.value, "net", there, *words, *plain)
    assert real_cloud.provide(site).state == "done"
    assert real_cloud.everything() == complete(site)
    assert there == real_cloud.asked(lambda cloud: str(cloud.network.find_network("net").id))


def rooted(folder: Path, programme: Programme) -> Path:
    """Return a folder as the root of a checkout, in which Pulumi may write, with an inventory."""
    root, checkout = folder / "root", Path(__file__).parents[2]
    (root / "inventories").mkdir(parents=True)
    # JSON is YAML.
    (root / "inventories" / "programme.yaml").write_text(programme.model_dump_json(exclude_defaults=True))
    shutil.copy(checkout / "Pulumi.yaml", root)
    (root / "infra").symlink_to(checkout / "infra")
    return root


def pulumi(ground: Ground, root: Path, *words: str) -> str:
    """Return what Pulumi's own command says at the root of a checkout, on the state of a ground's site."""
    environment = {
        **{name: value for name, value in os.environ.items() if name.startswith("OS_")},
        "PATH": toolchain.search_path(), "HOME": str(root), "PULUMI_SKIP_UPDATE_CHECK": "true",
        "ZHENGHE_INVENTORY": str(root / "inventories"), "ZHENGHE_WORLD": str(ground.world_file),
        **states_environment(ground.home, None),
    }  # fmt: skip
    command = (str(toolchain.pulumi_path()), *words, "--non-interactive", "--stack", "cloud-a")
    done = ground.within(
        lambda: subprocess.run(command, cwd=root, env=environment, check=False, capture_output=True, text=True)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_two_of_one_unique_name_stop_the_run(ground: Ground) -> None:
    only_if_sampled(ground, "two-of-one-name")
    ground.second_network("cloud-a-admin")
    ground.second_network("cloud-a-admin")
    with pytest.raises(ProvisionError) as stopped:
        ground.provide(declared())
    assert isinstance(ground, OpenStackGround) or isinstance(stopped.value, AmbiguousResource)
    assert "cloud-a-admin" in str(stopped.value)
    # What does not stand on it may have been begun by then.
    made = ground.everything()
    assert made["network", "cloud-a-admin"] == 2
    assert {kind for kind, _name in made} <= {"network", "security_group", "server_group"}


def test_everything_that_an_openstack_lacks_is_told_at_once_and_nothing_is_made(real_cloud: OpenStackGround) -> None:
    only_if_sampled(real_cloud, "lacking")
    site = declared()
    first, second = site.servers
    wrong = site.model_copy(
        update={
            "servers": (
                first.model_copy(update={"flavor": "9c9g", "cloud_image": "windows-95"}),
                second.model_copy(update={"memory": 4096}),
            ),
            "uplinks": {"administrative": "nowhere"},
            "zone": "mars",
            "hypervisors": 1,
        }
    )
    real_cloud.limit_servers(1)
    real_cloud.asked(_occupy)
    before = real_cloud.everything()
    with pytest.raises(NotReady) as lacking:
        real_cloud.provide(wrong)
    told = "\n".join(lacking.value.findings)
    for word in ("nowhere", "mars", "9c9g", "windows-95", "1c1g", "quota of servers: 2 more are needed, 0 of 1",
                 "overlapping", "cloud-a-admin is there already", "2 servers need as many hypervisors"):  # fmt: skip
        assert word in told, told
    # A preview tells the same, though the site cannot even be declared.
    seen = real_cloud.preview(wrong)
    assert (seen.state, seen.findings) == ("unknown", lacking.value.findings)
    assert "nowhere" in seen.why
    assert "Traceback" not in seen.why
    assert real_cloud.everything() == before
    real_cloud.limit_servers(10)


def _occupy(cloud: Any) -> None:
    network = cloud.network.create_network(name="cloud-a-admin")
    cloud.network.create_subnet(network_id=network.id, name="overlapping", ip_version=4, cidr="10.60.0.0/16")


def many(count: int) -> SiteDeclaration:
    """A site whose servers stand in groups of three."""
    site = declared(hosts=count)
    groups = sorted({f"cloud-a-db-{number // 3}" for number in range(count)})
    servers = tuple(
        server.model_copy(update={"server_group": f"cloud-a-db-{number // 3}"})
        for number, server in enumerate(site.servers)
    )
    return SiteDeclaration.model_validate(
        {**site.model_dump(mode="json"), "server_groups": [{"name": name} for name in groups],
         "servers": [server.model_dump(mode="json") for server in servers]}
    )  # fmt: skip


def test_a_quota_that_is_reached_at_the_seventh_of_twelve_is_said_and_the_rest_follows(
    real_cloud: OpenStackGround,
) -> None:
    only_if_sampled(real_cloud, "quota")
    site = many(12)
    real_cloud.limit_servers(12)
    # Somebody else takes what was free when we looked.
    real_cloud.boundary.hold("after", "server_group", "cloud-a-db-0")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(real_cloud.provide, site)
        real_cloud.boundary.wait()
        real_cloud.limit_servers(6)
        real_cloud.boundary.let_go()
        with pytest.raises(EngineFailed, match=r"[Qq]uota") as failed:
            first.result(PATIENCE)
    assert failed.value.resource in {server.name for server in site.servers}
    made = sum(count for (kind, _name), count in real_cloud.everything().items() if kind == "server")
    with pytest.raises(NotReady, match=f"quota of servers: {12 - made} more are needed, {made} of 6"):
        real_cloud.provide(site)
    real_cloud.limit_servers(12)
    assert real_cloud.provide(site).state == "done"
    assert real_cloud.everything() == complete(site)


@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_is_killed_in_the_middle_of_creates_leaves_what_the_next_run_completes(
    real_cloud: OpenStackGround, service: str
) -> None:
    only_if_sampled(real_cloud, service)
    site = declared(hosts=2)
    # A service that is killed may have lost the message by which a server would be built: it stays in BUILD for ever.
    real_cloud.wait_no_longer_than(PATIENCE / 2)
    real_cloud.boundary.hold("before", "server", "cloud-a-db-1")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(real_cloud.provide, site)
        real_cloud.boundary.wait()
        real_cloud.laboratory.signal(service, signal.SIGKILL)
        real_cloud.boundary.let_go()
        with contextlib.suppress(EngineFailed):
            first.result(PATIENCE)
    real_cloud.laboratory.await_service(service)
    provided_again(real_cloud, site)
    assert real_cloud.everything() == complete(site)
    assert real_cloud.statuses() == {"ACTIVE"}
    assert real_cloud.provide(site).changes == ()


def provided_again(ground: Ground, site: SiteDeclaration) -> None:
    """Provide a site while the cloud may still be coming back: each failure has a word, and none is the last."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with contextlib.suppress(EngineFailed):
            assert ground.provide(site).state == "done"
            return
    pytest.fail("it is never provided")


def test_a_server_whose_port_is_never_plugged_fails_by_name_and_is_made_anew(real_cloud: OpenStackGround) -> None:
    only_if_sampled(real_cloud, "unplugged")
    site = declared(hosts=1)
    # The ports' wires are seen by nobody, so that they stay DOWN and nova waits for them.
    real_cloud.laboratory.signal("ovn/northd", signal.SIGSTOP)
    try:
        with pytest.raises(EngineFailed) as failed:
            real_cloud.provide(site)
    finally:
        real_cloud.laboratory.signal("ovn/northd", signal.SIGCONT)
    assert failed.value.resource == "cloud-a-db-1"
    assert real_cloud.provide(site).state == "done"
    assert real_cloud.everything() == complete(site)
    assert real_cloud.statuses() == {"ACTIVE"}


def test_what_is_opened_by_hand_while_we_apply_is_closed_by_the_same_run(real_cloud: OpenStackGround) -> None:
    only_if_sampled(real_cloud, "opened")
    site = declared(hosts=1)
    real_cloud.boundary.hold("before", "server", "cloud-a-db-1")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(real_cloud.provide, site)
        real_cloud.boundary.wait()
        real_cloud.open_by_hand("cloud-a-component")
        real_cloud.boundary.let_go()
        assert "cloud-a-component" in {change.name for change in first.result(PATIENCE).changes}
    assert real_cloud.rules("cloud-a-component") == 1
    assert real_cloud.observe(site).state == "done"


def test_credentials_that_are_revoked_in_the_middle_are_said_and_new_ones_go_on(
    real_cloud: OpenStackGround, tmp_path: Path
) -> None:
    only_if_sampled(real_cloud, "revoked")
    site = without_hosts(declared())
    real_cloud.by_reference(tmp_path / "first")
    real_cloud.boundary.hold("after", "network", "cloud-a-admin")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(real_cloud.provide, site)
        real_cloud.boundary.wait()
        real_cloud.revoke("first")
        real_cloud.boundary.let_go()
        with pytest.raises(EngineFailed) as failed:
            first.result(PATIENCE)
    assert "Traceback" not in str(failed.value)
    real_cloud.by_reference(tmp_path / "second")
    assert real_cloud.provide(site).state == "done"
    assert real_cloud.everything() == complete(site)


def test_a_token_that_expires_in_a_long_run_is_renewed(real_cloud: OpenStackGround) -> None:
    only_if_sampled(real_cloud, "expired")
    site = without_hosts(declared())
    real_cloud.boundary.hold("after", "network", "cloud-a-admin")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(real_cloud.provide, site)
        real_cloud.boundary.wait()
        real_cloud.expire(real_cloud.boundary.tokens)
        real_cloud.boundary.let_go()
        assert first.result(PATIENCE).state == "done"
    assert real_cloud.everything() == complete(site)


def test_a_network_of_the_operators_is_used_and_neither_made_nor_deleted(real_cloud: OpenStackGround) -> None:
    only_if_sampled(real_cloud, "existing")
    site = declared(hosts=1)
    (network,) = site.networks
    used = site.model_copy(update={"networks": (network.model_copy(update={"existing": "gov"}),)})
    with pytest.raises(NotReady, match="0 networks gov"):
        real_cloud.provide(used)
    real_cloud.asked(_made_by_operators)
    theirs = Counter({("network", "gov"): 1})
    assert real_cloud.provide(used).state == "done"
    assert real_cloud.everything() == complete(without_networks(used)) + theirs
    assert real_cloud.provide(used).changes == ()
    real_cloud.withdraw(used)
    assert real_cloud.everything() == theirs


def without_networks(site: SiteDeclaration) -> SiteDeclaration:
    return site.model_copy(update={"networks": ()})


def _made_by_operators(cloud: Any) -> None:
    network = cloud.network.create_network(name="gov")
    cloud.network.create_subnet(network_id=network.id, name="gov", ip_version=4, cidr="10.60.1.0/24")


def test_a_floating_address_comes_once_and_goes_with_its_host(real_cloud: OpenStackGround) -> None:
    only_if_sampled(real_cloud, "floating")
    site = declared(hosts=1)
    reached = site.model_copy(update={"servers": (site.servers[0].model_copy(update={"floating": True}),)})
    nowhere = reached.model_copy(update={"uplinks": {}})
    with pytest.raises(NotReady, match="needs an uplink"):
        real_cloud.provide(nowhere)
    assert real_cloud.provide(reached).state == "done"
    assert real_cloud.floating() == ["zhenghe: cloud-a: cloud-a-db-1"]
    assert real_cloud.provide(reached).changes == ()
    assert real_cloud.provide(site).state == "done"
    assert real_cloud.floating() == []


def test_new_hosts_are_known_by_what_their_console_says(real_cloud: OpenStackGround, tmp_path: Path) -> None:
    only_if_sampled(real_cloud, "console")
    site, known = declared(hosts=1), tmp_path / "known_hosts"
    (tmp_path / "ssh_config").write_text(
        f"Host cloud-a-db-1\n  HostName 10.60.1.21\nHost *\n  UserKnownHostsFile {known}\n"
    )
    real_cloud.provide(site)
    shown = real_cloud.key_shown_at(site.servers[0])
    (line,) = (line for line in known.read_text().splitlines() if "ssh-ed25519" in line)
    assert line.split()[:3] == ["10.60.1.21", *shown]
    before = known.read_text()
    real_cloud.provide(site)
    assert known.read_text() == before
    # Made anew, it has another key, and the old one is nobody's any more.
    real_cloud.delete_server("cloud-a-db-1")
    real_cloud.provide(site)
    assert real_cloud.key_shown_at(site.servers[0]) != shown
    assert " ".join(shown) not in known.read_text()


def test_a_server_in_error_that_had_been_up_stops_the_run_and_is_left_alone(real_cloud: OpenStackGround) -> None:
    only_if_sampled(real_cloud, "was-up")
    site = declared(hosts=1)
    real_cloud.provide(site)
    server = real_cloud.identity("cloud-a-db-1")
    real_cloud.break_server("cloud-a-db-1")
    assert real_cloud.observe(site).state != "done"
    with pytest.raises(EngineFailed, match="may hold data: cloud-a-db-1"):
        real_cloud.provide(site)
    assert real_cloud.identity("cloud-a-db-1") == server


def test_an_image_that_the_operators_replace_costs_no_server(real_cloud: OpenStackGround) -> None:
    only_if_sampled(real_cloud, "image")
    site = declared(hosts=1)
    real_cloud.provide(site)
    server = real_cloud.identity("cloud-a-db-1")
    with real_cloud.another_image("bookworm"):
        assert real_cloud.observe(site).state == "done"
        moved = site.model_copy(update={"servers": (site.servers[0].model_copy(update={"cloud_image": "bullseye"}),)})
        assert real_cloud.provide(moved).state == "done"
    assert real_cloud.identity("cloud-a-db-1") == server


def test_a_host_that_shows_another_key_than_its_console_did_is_refused(
    real_cloud: OpenStackGround, tmp_path: Path
) -> None:
    only_if_sampled(real_cloud, "another-key")
    one = with_rule(declared(hosts=1))
    site = one.model_copy(update={"servers": (one.servers[0].model_copy(update={"floating": True}),)})
    config, key, known = tmp_path / "ssh_config", tmp_path / "operator", tmp_path / "known_hosts"
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key), check=True)
    told = f"HostKeyAlias cloud-a-db-1\n  IdentityFile {key}\n  UserKnownHostsFile {known}\n  User root\n"
    config.write_text(f"Host cloud-a-db-1\n  {told}")
    real_cloud.let_in(key.with_suffix(".pub"))
    real_cloud.provide(site)
    config.write_text(f"{config.read_text()}  HostName {real_cloud.floating_address()}\n")
    assert seen(real_cloud).rights == Rights.ROOT

    before = known.read_text()
    anew = "rm /etc/ssh/ssh_host_*; ssh-keygen -q -A; systemctl restart ssh"
    real_cloud.within(lambda: subprocess.run(("ssh", "-F", config, "cloud-a-db-1", anew), check=True, timeout=60))
    refused = seen(real_cloud)
    assert refused.rights == Rights.NOT_KNOWN
    assert "Host key verification failed" in refused.reason
    # Nor does the next run believe what the host shows.
    assert real_cloud.provide(site).state == "done"
    assert known.read_text() == before


def seen(ground: OpenStackGround) -> Reached:
    (reached,) = ground.within(lambda: look(ground.world, ["cloud-a-db-1"], []))
    return reached


def test_a_secret_by_reference_is_in_no_file_of_the_run(real_cloud: OpenStackGround, tmp_path: Path) -> None:
    only_if_sampled(real_cloud, "secret")
    secret = real_cloud.by_reference(tmp_path / "secret")
    site = without_hosts(declared())
    assert real_cloud.provide(site).state == "done"
    files = [path for path in real_cloud.home.rglob("*") if path.is_file()]
    assert [path for path in files if secret.encode() in path.read_bytes()] == []
    (tmp_path / "secret").write_text("revoked")
    seen = real_cloud.observe(site)
    assert seen.state == "unknown"
    assert "does not let us in" in seen.why
    (tmp_path / "secret").write_text(secret)
    assert real_cloud.observe(site).state == "done"
