"""A run on a server of Temporal's that it did not start: the same passages, in a namespace of others."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.client import Client

from migrations.cli.engines import cluster_of
from migrations.cli.help import WrongUse
from migrations.home import RunHome, RunSettings, TemporalCluster, states_of
from migrations.plan import digest
from migrations.run.engine.temporal import free_port
from migrations.run.runner import Listener, running
from migrations.states import Direction, UnitState
from tests.real.plans import CHAIN, COMMIT, FORWARD
from tests.real.recorder import WORKER, Recorder

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A second server, as somebody else would run it."""
    port = free_port()
    program = str(Path(sys.executable).with_name("temporal"))
    words = ["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port), "--namespace", "gov"]
    with subprocess.Popen([program, *words, "--log-level", "error"]) as server:
        yield f"127.0.0.1:{port}"
        server.kill()


def test_a_cluster_carries_a_run_as_its_own_engine_would(address: str, tmp_path: Path) -> None:
    home = RunHome(tmp_path / "run")
    cluster = TemporalCluster(address=address, namespace="gov")
    settings = RunSettings(run="run", plan=digest(CHAIN), world=Path("/nowhere"), temporal=cluster)
    home.create(CHAIN, settings)
    for direction in (Direction.FORWARD, Direction.COMMIT):
        # Each command comes anew; the worker of the last one is gone.
        with running(home, Listener(), WORKER) as runner:
            runner.take(direction)
            assert runner.server.pid is None
    assert not home.database.exists()
    assert Recorder(home).deeds() == [*FORWARD, *COMMIT]
    assert set(states_of(CHAIN, home.evidence.records()).values()) == {UnitState.COMMITTED, UnitState.DECOMMISSIONED}
    names = asyncio.run(_workflows(address))
    assert {name.split("/", 1)[1] for name in names} >= {"run/1", "run/2", "run/1/system:c"}
    # Another run of this name, with a key of its own, takes nothing of it for its own.
    other = RunHome(tmp_path / "other" / "run")
    other.create(CHAIN, settings)
    with running(other, Listener(), WORKER) as runner:
        runner.take(Direction.FORWARD, ("site:a",))
    assert Recorder(other).deeds() == [FORWARD[0]]


async def _workflows(address: str) -> list[str]:
    client = await Client.connect(address, namespace="gov")
    return [each.id async for each in client.list_workflows()]


def test_a_key_is_a_reference_and_goes_by_tls_alone() -> None:
    assert cluster_of("", "default", "", tls=False) is None
    found = cluster_of("cloud.example:7233", "gov", "file:/etc/zhenghe/key", tls=True)
    assert found is not None
    assert str(found.api_key) == "file:/etc/zhenghe/key"
    for address, key, tls in (("nowhere", "", True), ("a:1", "s3cret-s3cret", True), ("a:1", "env:KEY", False)):
        with pytest.raises(WrongUse) as refused:
            cluster_of(address, "default", key, tls=tls)
        assert "s3cret" not in str(refused.value)
