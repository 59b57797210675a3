"""Every backend holds the same: sites are made, looked at, mended, changed and withdrawn, whatever goes wrong.

One and the same suite on the twin's cloud and on a real OpenStack.
"""

import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.declaration import SiteDeclaration, declare_site
from infra.engine import AmbiguousResource, EngineFailed, ProvisionError
from inventory.kinds import load_kinds, playbooks_folder
from inventory.model import Programme
from tests.real.clouds.boundary import PATIENCE, When
from tests.real.clouds.checkout import Checkout
from tests.real.clouds.grounds import Ground, complete, declared, with_rule, without_hosts
from tests.real.clouds.openstack_ground import OpenStackGround
from tests.real.clouds.walks import ON_BOTH, ON_BOTH_AT_LENGTH, ON_BOTH_SAMPLED
from tests.real.processes import commanded, descendants, engines, providers

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


@ON_BOTH
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


@ON_BOTH_SAMPLED
def test_a_host_that_fits_nowhere_fails_by_name_however_often_it_is_tried(ground: Ground) -> None:
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


@ON_BOTH_SAMPLED
@pytest.mark.parametrize("code", [500, 409, 401])
def test_a_call_that_is_refused_in_the_middle_is_named_and_made_good(ground: Ground, code: int) -> None:
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


@ON_BOTH_SAMPLED
def test_two_sites_at_once_in_one_process(ground: Ground) -> None:
    sites = [without_hosts(declared("cloud-a", 60)), without_hosts(declared("dr-b", 70))]
    with ThreadPoolExecutor(2) as pool:
        states = list(pool.map(ground.provide, sites))
    assert [(state.site, state.state) for state in states] == [("cloud-a", "done"), ("dr-b", "done")]
    assert ground.everything() == complete(*sites)
    ground.withdraw(sites[0])
    assert ground.everything() == complete(sites[1])


@ON_BOTH_SAMPLED
@pytest.mark.chaos
@pytest.mark.parametrize("victim, when, kind, name", KILLS)
def test_a_kill_at_a_boundary_leaves_what_the_next_run_completes(
    ground: Ground, victim: str, when: str, kind: str, name: str
) -> None:
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


@ON_BOTH_SAMPLED
def test_a_create_whose_answer_is_lost_is_found_again_and_made_no_second_time(ground: Ground) -> None:
    site = without_hosts(declared())
    for kind, name in (("network", "cloud-a-admin"), ("server_group", "cloud-a-db")):
        ground.boundary.lose(kind, name)
    with pytest.raises(EngineFailed):
        ground.provide(site)
    assert ground.provide(site).state == "done"
    assert ground.everything() == complete(site)
    assert set(ground.beside().values()) <= {1}


@ON_BOTH_AT_LENGTH
@pytest.mark.chaos
@pytest.mark.timeout(2400)
def test_of_twenty_kills_in_creates_none_doubles_and_none_orphans(ground: Ground) -> None:
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


@ON_BOTH_SAMPLED
def test_pulumi_s_own_command_works_on_the_same_stacks(ground: Ground, tiny: Programme) -> None:
    site = declare_site(tiny, tiny.sites[0], load_kinds(playbooks_folder() / "roles"))
    ground.provide(site)
    checkout = Checkout(ground, tiny)
    assert "net" in checkout.pulumi("stack", "--show-ids")
    checkout.pulumi("preview", "--refresh", "--expect-no-changes")
    assert ground.observe(site).state == "done"


@ON_BOTH_SAMPLED
def test_two_of_one_unique_name_stop_the_run(ground: Ground) -> None:
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
