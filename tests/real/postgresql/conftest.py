"""A database as surveyed, and the same database copied and fronted: each file of tests has hosts of its own."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from infra.sudo import sudoers
from infra.twin import client
from infra.worlds import World
from inventory.model import Programme
from tests.real.postgresql.district import (
    ADDRESSES,
    CLIENT,
    ENTRY,
    NEW,
    OLD,
    ON_OLD,
    OPERATOR,
    SEEDS,
    SEQUENCES,
    SETTINGS,
    District,
)
from tests.real.steps import RunOn, with_hosts


@pytest.fixture(scope="module")
def empty(
    tiny: Programme,
    twin_name: Callable[[str], str],
    running_on: Callable[[World], RunOn],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[District]:
    """The hosts as surveyed: the database in use, the new ones bare."""
    world = client.up(with_hosts(tiny, ADDRESSES, {OLD}), twin_name("p"), SEEDS, print)
    run = running_on(world)
    password = (SEEDS / OLD / "root/etc/zhenghe-demo/billing.pass").read_text()
    run(CLIENT, f"mkdir -p /etc/zhenghe-demo; echo '{password.strip()}' > /etc/zhenghe-demo/billing.pass")
    home = tmp_path_factory.mktemp("steps")
    operators = by_an_operator(world, home / "ssh_config", run, (OLD, NEW, ENTRY))
    found = District(world, operators, home, run)
    run(OLD, f"cat > /etc/postgresql/13/main/conf.d/chosen.conf <<'CONF'\n{SETTINGS}\nCONF")
    run(OLD, "systemctl restart postgresql@13-main")
    found.sql(OLD, SEQUENCES)
    yield found
    # The next file of tests begins with hosts as surveyed, under the same name.
    client.down(world.name)


def by_an_operator(world: World, file: Path, run: RunOn, hosts: Sequence[str]) -> World:
    """Give hosts an account with the sudo rights that a run needs, and return a world in which nobody is root there."""
    for host in hosts:
        run(host, f"useradd --create-home --shell /bin/sh {OPERATOR}")
        run(host, f"install -d -o {OPERATOR} -m 700 /home/{OPERATOR}/.ssh")
        run(host, f"install -o {OPERATOR} -m 600 /root/.ssh/authorized_keys /home/{OPERATOR}/.ssh/authorized_keys")
        run(host, f"umask 337; cat > /etc/sudoers.d/zhenghe <<'SUDOERS'\n{sudoers(OPERATOR)}\nSUDOERS")
    file.write_text(f"Host {' '.join(hosts)}\n  User {OPERATOR}\n\n{world.ssh_config.read_text()}")
    return world.model_copy(update={"ssh_config": file})


@pytest.fixture(scope="module")
def district(empty: District) -> District:
    """The database copied, followed, and fronted by its entry; clients on the old side."""
    for verb in ("prepare", "replicate", "front"):
        assert empty.step(verb).state == "done"
        assert empty.step(verb, "probe").state == "done"
    return empty


@pytest.fixture
def on_old(district: District) -> Iterator[District]:
    """Clients on the old side, before and after."""
    assert district.sides() == ON_OLD
    yield district
    if district.sides() != ON_OLD:
        district.step("switch", "undo")
