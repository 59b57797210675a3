"""A local user plays against the engine of a run: he reaches no port of it, opens no socket, and copies nothing.

The development server asks nobody who he is. On a loopback that all share, any user read its history, started workflows
with copied requests, and answered in the place of the worker.
"""

import asyncio
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.converter import WorkflowSerializationContext
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from infra.network_namespace import in_own_network
from migrations.evidence.chain import Evidence
from migrations.evidence.kinds import PassageBegun, PassageEnded
from migrations.evidence.remembering import Memory, unseen
from migrations.home import RunHome, RunSettings
from migrations.plan import Actuator, Plan, digest
from migrations.run.engine import gate
from migrations.run.engine.activities import RunActivities
from migrations.run.engine.messages import Note, PassageRequest, StepRequest
from migrations.run.engine.temporal import PACKED, SEALED, EngineError, SealedPayloads, server_command, socket_of
from migrations.run.engine.troubles import Troubles
from migrations.states import Deed, Direction, UnitState
from tests.real.plans import unit_of
from tests.real.recorder import Recorder

NOBODY = 65534
ECHO = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    while True:
        taken = server.accept()[0]
        taken.sendall(b"said " + taken.recv(100))
        taken.close()
"""
AS_NOBODY = f"""
import os, socket, sys
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
with socket.socket(socket.AF_UNIX) as stream:
    try:
        stream.connect(sys.argv[1])
        stream.sendall(b"CONNECT any HTTP/1.1\\r\\n\\r\\nhello")
        print("heard", stream.recv(100))
    except OSError as exc:
        print("refused", type(exc).__name__)
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A server behind a gate, in a folder that lets everybody in."""
    with tempfile.TemporaryDirectory(prefix="zh-gate-") as folder:
        Path(folder).chmod(0o755)
        place = Path(folder) / "engine.sock"
        server = (sys.executable, "-c", ECHO, "7233")
        command = in_own_network((sys.executable, "-IS", gate.__file__, place, "7233", *server))
        with subprocess.Popen(command) as process:
            # Until the server behind it listens the gate says that it does not.
            while b"HTTP/1.1 200 " not in _answered(place):
                assert process.poll() is None
                time.sleep(0.02)
            yield place
            process.kill()


def _answered(place: Path, after: bytes = b"") -> bytes:
    """Return what a server behind a gate says; nothing where there is none."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as stream:
        stream.connect(str(place))
        stream.sendall(b"CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n" + after)
        heard = stream.recv(100)
        return heard + (stream.recv(100) if after else b"")
    return b""


def _as_nobody(place: Path) -> str:
    done = subprocess.run([sys.executable, "-c", AS_NOBODY, str(place)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.real
def test_the_gate_lets_in_its_own_user_and_nobody_else(place: Path) -> None:
    assert _answered(place, b"hello").endswith(b"\r\n\r\nsaid hello")
    assert place.stat().st_mode & 0o777 == 0o600
    assert _as_nobody(place) == "refused PermissionError"
    place.chmod(0o777)
    # Even where he may open the socket, he is left without a word.
    assert _as_nobody(place) in {"heard b''", "refused BrokenPipeError", "refused ConnectionResetError"}


@pytest.mark.real
def test_no_port_of_the_server_is_on_a_loopback_that_others_have(tmp_path: Path) -> None:
    database = tmp_path / "temporal.db"
    with subprocess.Popen(server_command(database, 7233), stdout=subprocess.DEVNULL) as server:
        try:
            while b"HTTP/1.1 200 " not in _answered(socket_of(database)):
                assert server.poll() is None
                time.sleep(0.1)
            namespaces = {Path(f"/proc/{process}/ns/net").readlink() for process in ("self", server.pid)}
            listening = Path(f"/proc/{server.pid}/net/tcp").read_text().count(" 0A ")
        finally:
            server.kill()
    assert len(namespaces) == 2
    assert listening >= 1


def _sealing(workflow: str) -> SealedPayloads:
    return SealedPayloads(bytes(32)).with_context(WorkflowSerializationContext("default", workflow))


def test_a_sealed_message_that_was_copied_into_another_workflow_is_refused() -> None:
    payload = Payload(metadata={"encoding": b"json/plain"}, data=b'"apply system:b/switch"')
    sealed = asyncio.run(_sealing("run/1/system:b/cutover").encode([payload]))
    assert asyncio.run(_sealing("run/1/system:b/cutover").decode(sealed)) == [payload]
    for other in ("anything-by-nobody", "run/2/system:b/cutover", "run/1/system:c/cutover"):
        with pytest.raises(EngineError, match="for something else"):
            asyncio.run(_sealing(other).decode(sealed))
    with pytest.raises(EngineError, match="not sealed"):
        asyncio.run(_sealing("run/1/system:b/cutover").decode([payload]))
    sealed[0].data = sealed[0].data[:9]
    with pytest.raises(EngineError, match="for something else"):
        asyncio.run(_sealing("run/1/system:b/cutover").decode(sealed))


def test_a_long_message_is_made_smaller_before_it_is_sealed_and_never_opened_as_another_kind() -> None:
    payload = Payload(metadata={"encoding": b"json/plain"}, data=b'"system:b is ON_PROBATION"' * 100_000)
    sealed = asyncio.run(_sealing("run/1").encode([payload]))
    assert len(sealed[0].data) < 50_000
    assert asyncio.run(_sealing("run/1").decode(sealed)) == [payload]
    sealed[0].metadata["encoding"] = SEALED
    with pytest.raises(EngineError, match="for something else"):
        asyncio.run(_sealing("run/1").decode(sealed))
    short = asyncio.run(_sealing("run/1").encode([Payload(data=b"short")]))
    short[0].metadata["encoding"] = PACKED
    with pytest.raises(EngineError, match="for something else"):
        asyncio.run(_sealing("run/1").decode(short))


UNIT = unit_of(Actuator.SYSTEM, "b", "prepare", "lag", "switch", "retire")


def test_no_state_without_what_was_seen(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path / "evidence.jsonl")
    memory = Memory(evidence)

    def seen(kind: str, verb: str, deed: Deed) -> None:
        evidence.append(kind, unit=UNIT.key, step=f"{UNIT.key}/{verb}", what={"deed": deed, "passage": 1})

    def lacks(state: UnitState) -> str:
        return unseen(UNIT, state, memory.of(UNIT.key))

    assert lacks(UnitState.ON_PROBATION) == "system:b/lag"
    seen("step-done", "lag", Deed.APPLY)
    seen("step-begun", "switch", Deed.APPLY)
    assert lacks(UnitState.ON_PROBATION) == "system:b/switch"
    assert lacks(UnitState.ROLLED_BACK) == "system:b/switch"
    seen("step-failed", "switch", Deed.APPLY)
    assert lacks(UnitState.ON_PROBATION) == "system:b/switch"
    seen("step-done", "switch", Deed.APPLY)
    assert lacks(UnitState.ON_PROBATION) == ""
    assert lacks(UnitState.DECOMMISSIONED) == "system:b/retire"
    seen("step-begun", "switch", Deed.UNDO)
    assert lacks(UnitState.ROLLED_BACK) == "system:b/switch"
    seen("step-done", "switch", Deed.UNDO)
    assert (lacks(UnitState.ROLLED_BACK), lacks(UnitState.ON_PROBATION)) == ("", "system:b/switch")
    assert lacks(UnitState.HELD) == ""


def test_a_passage_is_open_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path / "evidence.jsonl")
    memory = Memory(evidence)
    assert memory.open_passage() is None
    evidence.write(PassageBegun(number=1, direction=Direction.FORWARD))
    assert memory.open_passage() == 1
    evidence.write(PassageEnded(number=1))
    assert memory.open_passage() is None


def test_an_attempt_that_was_begun_once_is_not_carried_out_again(tmp_path: Path) -> None:
    home = RunHome(tmp_path / "run")
    plan = Plan(programme="p", units=(UNIT,), untouched=())
    home.create(plan, RunSettings(run="run", plan=digest(plan), world=Path("/nowhere")))
    home.evidence.write(PassageBegun(number=1, direction=Direction.FORWARD))
    activities = RunActivities(home, lambda: dict.fromkeys(Actuator, Recorder(home)), Troubles(None))
    passage = PassageRequest(run="run", number=1, direction=Direction.FORWARD)
    request = StepRequest(
        passage=passage, unit=UNIT.key, step="system:b/switch", deed=Deed.APPLY, state=UnitState.CUTTING_OVER
    )
    asked = ActivityEnvironment()
    asked.info = replace(asked.info, workflow_id="run/1/system:b/cutover")
    assert asked.run(activities.carry, request).step == "system:b/switch"
    with pytest.raises(ApplicationError, match="is not under way"):
        asked.run(activities.carry, request)
    # The engine's next attempt, after a worker's death for instance, has another number.
    asked.info = replace(asked.info, attempt=2)
    assert asked.run(activities.carry, request).step == "system:b/switch"
    begun = [record for record in home.evidence.records() if record.kind == "step-begun"]
    assert len(begun) == 2
    # A passage that was given up is told so, whatever of it the engine still has.
    note = Note(passage=passage, unit=UNIT.key, state=UnitState.HELD)
    asked.run(activities.note, note)
    home.evidence.write(PassageEnded(number=1, abandoned=True))
    with pytest.raises(ApplicationError, match="is not under way"):
        asked.run(activities.note, note)
    assert [record.kind for record in home.evidence.records()].count("unit-state") == 1
