"""A run on a server of Temporal's that it did not start: the same passages, in a namespace of others."""

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from infra.parts import cache, images, toolchain
from migrations.cli.engines import cluster_of
from migrations.cli.help import WrongUse
from migrations.home import RunHome, RunSettings, TemporalCluster, states_of
from migrations.plan import digest
from migrations.run.engine.temporal import EngineRefused, PassageFailed, free_port
from migrations.run.runner import Listener, running
from migrations.states import Direction, UnitState
from tests.real.plans import CHAIN, COMMIT, FORWARD
from tests.real.recorder import WORKER, Recorder
from tests.sampling import WHOLE

pytestmark = pytest.mark.real


@pytest.fixture(
    scope="module",
    params=[
        "development",
        pytest.param(
            "postgresql",
            marks=pytest.mark.skipif(WHOLE not in os.environ, reason="built for minutes: make test-all does so"),
        ),
    ],
)
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A second server, as somebody else would run it: for development, or as a cluster with PostgreSQL."""
    if request.param == "development":
        yield from _for_development()
    else:
        yield from _with_postgresql(tmp_path_factory.mktemp("cluster"))


def _with_postgresql(folder: Path) -> Iterator[str]:
    try:
        programs, image = toolchain.temporal_cluster(), images.build("bookworm")
    except cache.SetupError as error:
        pytest.skip(f"there is no Temporal with PostgreSQL here: {error}")
    (folder / "ground").mkdir()
    namespaces = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    script, door, port = Path(__file__).with_name("temporal.sh"), folder / "door", free_port()
    words = [*namespaces, "sh", str(script), str(folder / "ground"), str(image), str(programs), str(door)]
    way = ["socat", f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork", f"UNIX-CONNECT:{door}"]
    pipe = subprocess.PIPE
    with (
        _ended_with_us(subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True)) as ground,
        _ended_with_us(subprocess.Popen(way)),
    ):
        assert ground.stdout is not None
        assert ground.stdout.readline() == "ready\n"
        asyncio.run(_registered(f"127.0.0.1:{port}"))
        yield f"127.0.0.1:{port}"


@contextlib.contextmanager
def _ended_with_us(process: "subprocess.Popen[Any]") -> "Iterator[subprocess.Popen[Any]]":
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


async def _registered(address: str) -> None:
    """Make the namespace and wait until the server knows it, as whoever runs it would do."""
    client = await _connected(address)
    wanted = RegisterNamespaceRequest(namespace="gov")
    wanted.workflow_execution_retention_period.FromTimedelta(timedelta(days=3))
    await client.workflow_service.register_namespace(wanted)
    for _ in range(600):
        with contextlib.suppress(RPCError):
            there = await _connected(address, "gov")
            assert [each async for each in there.list_workflows()] == []
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the namespace was not made")


async def _connected(address: str, namespace: str = "default") -> Client:
    """Connect once the server serves: its door is open before."""
    for _ in range(600):
        try:
            return await Client.connect(address, namespace=namespace)
        except RuntimeError:
            await asyncio.sleep(0.1)
    raise AssertionError("the server does not serve")


def _for_development() -> Iterator[str]:
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
    effects = Recorder(home).effects()
    assert [f"apply {effect.step}" for effect in effects] == [*FORWARD, *COMMIT]
    assert set(states_of(CHAIN, home.evidence.records()).values()) == {UnitState.COMMITTED, UnitState.DECOMMISSIONED}
    names = asyncio.run(_workflows(address))
    assert {name.split("/", 1)[1] for name in names} >= {"run/1", "run/2", "run/1/system:c"}
    # Another run of this name, with a key of its own, takes nothing of it for its own.
    other = RunHome(tmp_path / "other" / "run")
    other.create(CHAIN, settings)
    with running(other, Listener(), WORKER) as runner:
        runner.take(Direction.FORWARD, ("site:a",))
    assert [f"apply {effect.step}" for effect in Recorder(other).effects()] == [FORWARD[0]]


def test_a_passage_that_somebody_ended_on_the_cluster_goes_on_with_the_next_call(address: str, tmp_path: Path) -> None:
    home = RunHome(tmp_path / "ended")
    cluster = TemporalCluster(address=address, namespace="gov")
    home.create(CHAIN, RunSettings(run="ended", plan=digest(CHAIN), world=Path("/nowhere"), temporal=cluster))
    halts = home.path / "fake"
    halts.mkdir()
    (halts / "halt").write_text("before apply line:b/shift")
    ending = threading.Thread(target=_end_when_halted, args=(address, halts / "halted"))
    ending.start()
    with running(home, Listener(), WORKER) as runner, pytest.raises(PassageFailed):
        runner.take(Direction.FORWARD)
    ending.join()
    (halts / "halt").unlink()
    with running(home, Listener(), WORKER) as runner:
        result = runner.take(Direction.FORWARD)
    assert {unit.state for unit in result.units} == {UnitState.READY, UnitState.ON_PROBATION}
    assert [f"apply {effect.step}" for effect in Recorder(home).effects()] == [*FORWARD]


def _end_when_halted(address: str, halted: Path) -> None:
    """End the passage, and not its units' workflows, as somebody might do by the server's own tools."""
    while not halted.exists():
        time.sleep(0.05)
    asyncio.run(_terminated(address))


async def _terminated(address: str) -> None:
    client = await Client.connect(address, namespace="gov")
    async for each in client.list_workflows("WorkflowType = 'passage' AND ExecutionStatus = 'Running'"):
        if each.status is WorkflowExecutionStatus.RUNNING:
            await client.get_workflow_handle(each.id).terminate("by hand")


def test_a_cluster_that_does_not_let_us_in_is_told_at_once(address: str, tmp_path: Path) -> None:
    home = RunHome(tmp_path / "nobody")
    cluster = TemporalCluster(address=address, namespace="nobody")
    home.create(CHAIN, RunSettings(run="nobody", plan=digest(CHAIN), world=Path("/nowhere"), temporal=cluster))
    with running(home, Listener(), WORKER) as runner, pytest.raises(EngineRefused, match="nobody"):
        runner.take(Direction.FORWARD)


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
