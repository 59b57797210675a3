"""What many tests share: the example programme, a programme of two hosts, and the twin of the example."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from bench.ground import room
from infra.twin import client
from infra.worlds import World
from inventory.loading import load_programme
from inventory.model import Programme
from tests.sampling import skip_others

YUNHE = Path(__file__).parents[1] / "examples" / "yunhe"
ENTRIES = {
    "postgresql": "pgbouncer", "mariadb": "haproxy_tcp", "web": "haproxy", "service": "haproxy", "files": None,
}  # fmt: skip
"""The kinds of the example's components, each with that of its entry."""
SESSION_TWIN = re.compile(r"t(\d+)[a-z]?")

# No test is timed, the generated ones neither: a busy machine is no defect.
# What is generated is the same in every run, so that a change is never refused by chance; `make fuzz` looks further.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("fuzz", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

RunOn = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave tests of minutes to other commits."""
    skip_others(items)


@pytest.fixture(scope="session")
def programme() -> Programme:
    """The example district."""
    return load_programme(YUNHE)


@pytest.fixture(scope="session")
def tiny() -> Programme:
    """One department with one host behind one circuit, and the name server: the smallest whole twin."""
    return room({"water-db": ("10.11.0.10", "debian-12")}, "tiny")


@pytest.fixture(scope="session")
def twin(programme: Programme, twin_name: Callable[[str], str]) -> World:
    """The example district as surveyed, with its data, running."""
    seeds = YUNHE / "twin"
    return client.up(programme, twin_name(""), seeds if seeds.is_dir() else None, print)


@pytest.fixture(scope="session")
def twin_name() -> Iterator[Callable[[str], str]]:
    """Gives names for twins of this session; whatever bears one is taken down at its end."""
    _forget_the_dead()
    given: set[str] = set()

    def name(suffix: str) -> str:
        given.add(f"t{os.getpid()}{suffix}")
        return f"t{os.getpid()}{suffix}"

    yield name
    for each in given:
        client.down(each)


@pytest.fixture(scope="session")
def on(twin: World) -> RunOn:
    """Run a shell command on a host or device of the example's twin, as in `on("water-db", "hostname")`."""
    return runner(twin)


@pytest.fixture(scope="session")
def running_on() -> Callable[[World], RunOn]:
    """The same for any world."""
    return runner


def runner(world: World) -> RunOn:
    def run(name: str, command: str, *options: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        words = ("ssh", "-F", str(world.ssh_config), *options, name, command)
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
        assert not check or done.returncode == 0, f"{name}: {command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    return run


def _forget_the_dead() -> None:
    # A session that was killed could not take its twins down.
    for state in client.list_twins():
        match = SESSION_TWIN.fullmatch(state.name)
        if match and not Path(f"/proc/{match[1]}").exists():
            client.down(state.name)
