"""An archive of odd files and its site as surveyed, and the same copied and fronted: one twin for the whole folder.

Tests of bare hosts come first, so their file is the first by its name.
"""

from collections.abc import Callable, Iterator

import pytest

from infra.twin import client
from infra.worlds import World
from inventory.model import Programme
from tests.real.archive.hosts import (
    ADDRESSES,
    DEPOSITOR,
    ODDITIES,
    OLD,
    ON_OLD,
    READER,
    SEEDS,
    SITE,
    STORE,
    ZOMBIE,
    Archive,
)
from tests.real.steps import RunOn, with_hosts


@pytest.fixture(scope="session")
def empty(
    tiny: Programme,
    twin_name: Callable[[str], str],
    running_on: Callable[[World], RunOn],
    tmp_path_factory: pytest.TempPathFactory,
) -> Archive:
    """The hosts as surveyed: the archive in use, the new hosts bare."""
    world = client.up(with_hosts(tiny, ADDRESSES, {OLD, ZOMBIE}), twin_name("w"), SEEDS, print)
    run = running_on(world)
    run(READER, f"cat > /root/depositor.py <<'PY'\n{DEPOSITOR}\nPY")
    return Archive(world, tmp_path_factory.mktemp("steps"), run)


@pytest.fixture(scope="session")
def archive(empty: Archive) -> Archive:
    """Store and site copied and fronted by the entry; readers on the old side."""
    empty.run(OLD, ODDITIES)
    for verb in ("prepare", "replicate"):
        for component in (STORE, SITE):
            assert empty.step(verb, component).state == "done"
    assert empty.step("front", SITE).state == "done"
    return empty


@pytest.fixture
def on_old(archive: Archive) -> Iterator[Archive]:
    """Readers on the old side, before and after."""
    assert archive.sides() == ON_OLD
    yield archive
    if archive.sides() != ON_OLD:
        archive.step("switch", mode="undo")
