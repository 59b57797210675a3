"""Agents of a cutover obey, refuse, and go back when they are left alone, and all go back when one refuses."""

import io
import json
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from playbooks.agents.coordinator import Move, MoveFailed, SessionFailed, Sessions
from playbooks.agents.kit import Refused
from playbooks.agents.loop import Agent, Loop
from playbooks.agents.participants import participants, seconds

ROOT = Path(__file__).parents[2]


class Recorder(Agent):
    """Notes what it is asked, and refuses what it was told to refuse."""

    def __init__(self, side: str, state: str = "", refuses: str = "") -> None:
        component = {"name": "db"}
        super().__init__({"system": "s", "host": "h", "side": side, "direction": "forward", "component": component,
                          "limits": {}})  # fmt: skip
        self.state, self.refuses, self.asked = state, refuses, list[str]()

    def __getattribute__(self, name: str) -> Any:
        if name not in {"pause", "freeze", "seal", "turn", "resume", "abandon", "promote", "settle", "open"}:
            return super().__getattribute__(name)

        def answered(**_: Any) -> dict[str, Any]:
            self.asked.append(name)
            if name == self.refuses:
                raise Refused("no", "ask again")
            return {"state": self.state}

        return answered


class Pipe:
    """A stream of lines that ends when it is closed."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.more = threading.Condition()
        self.closed = False

    def readline(self) -> bytes:
        with self.more:
            self.more.wait_for(lambda: self.lines or self.closed, timeout=10)
            return self.lines.pop(0) if self.lines else b""


def carried_out(agent: Agent, *calls: dict[str, Any]) -> list[dict[str, Any]]:
    """Have a loop carry calls out until its session ends, and return the answers."""
    said: list[dict[str, Any]] = []
    loop = Loop(agent, lambda line: said.append(json.loads(line)))
    loop.read(io.BytesIO(b"".join(json.dumps(call).encode() + b"\n" for call in calls)))
    loop.run()
    return said


def test_answers_are_one_for_each_call_and_say_what_was_refused() -> None:
    said = carried_out(Recorder("source", "open", "freeze"), {"call": "open"}, {"call": "freeze"}, {"call": "nonsense"})
    assert said[0]["answer"] == {"state": "open"}
    assert (said[1]["refused"], said[1]["mend"]) == ("no", "ask again")
    assert "nonsense" in said[2]["refused"]


@pytest.mark.parametrize(
    "side, calls, last",
    [
        ("entry", ["open", "pause"], "abandon"),
        ("entry", ["open", "pause", "turn"], "resume"),
        ("entry", ["open", "pause", "turn", "resume"], "resume"),
        ("source", ["open", "freeze"], "abandon"),
        ("source", ["open", "freeze", "seal"], "seal"),
        ("target", ["open", "promote"], "abandon"),
        ("target", ["open", "promote", "settle"], "settle"),
        ("source", ["open"], "open"),
    ],
)
def test_a_lost_session_takes_back_what_was_not_settled(side: str, calls: list[str], last: str) -> None:
    agent = Recorder(side)
    carried_out(agent, *({"call": call, "hold": 60} if number else {"call": call} for number, call in enumerate(calls)))
    assert agent.asked[-1] == last
    assert agent.asked[: len(calls)] == calls


def test_what_an_earlier_move_sealed_stays_sealed_when_this_one_is_lost() -> None:
    agent = Recorder("source", "sealed")
    carried_out(agent, {"call": "open"}, {"call": "freeze", "hold": 60})
    assert agent.asked == ["open", "freeze"]


def test_half_a_seal_is_not_undone_by_the_loss_of_the_session() -> None:
    agent = Recorder("source", "open", "seal")
    carried_out(agent, {"call": "open"}, {"call": "freeze", "hold": 60}, {"call": "seal"})
    assert agent.asked == ["open", "freeze", "seal"]


def test_held_too_long_it_goes_back_by_itself_and_refuses_to_go_on() -> None:
    agent, pipe, said = Recorder("entry", "from"), Pipe(), list[dict[str, Any]]()
    loop = Loop(agent, lambda line: said.append(json.loads(line)))
    threads = [threading.Thread(target=loop.read, args=(cast("BinaryIO", pipe),)), threading.Thread(target=loop.run)]
    for thread in threads:
        thread.start()
    _say(pipe, {"call": "pause", "hold": 0.05})
    _until(lambda: agent.asked == ["pause", "abandon"])
    _say(pipe, {"call": "turn"})
    _until(lambda: len(said) == 2)
    assert "gone back by itself" in said[1]["refused"]
    with pipe.more:
        pipe.closed = True
        pipe.more.notify()
    for thread in threads:
        thread.join(10)
    assert agent.asked == ["pause", "abandon"]


def _say(pipe: Pipe, call: dict[str, Any]) -> None:
    with pipe.more:
        pipe.lines.append(json.dumps(call).encode() + b"\n")
        pipe.more.notify()


def _until(holds: Any) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


# An agent that keeps its state in a file and writes down what it is asked; the coordinator is the real one.
AGENT = """
from pathlib import Path
from playbooks.agents.kit import Refused
from playbooks.agents.loop import Agent as Base
DEEDS = {"pause": "", "freeze": "", "position": "", "reached": "", "promote": "promoted", "seal": "sealed",
         "turn": "to", "resume": "", "after": "", "ready": "", "abandon": None, "quiet": "", "serve": ""}
FIRST = {"entry": "from", "source": "open", "target": "waiting"}
class Agent(Base):
    def open(self):
        self.file = Path(self.component["settings"]["folder"]) / f"{self.side}-{self.host}"
        return {"state": self.file.read_text() if self.file.exists() else FIRST[self.side]}
    def do(self, deed):
        with open(self.file.parent / "log", "a") as log:
            log.write(f"{self.side}-{self.component['name']} {deed}\\n")
        if f"{self.side} {deed}" == self.component["settings"].get("refuses"):
            raise Refused("no", "ask again")
        if deed == self.component["settings"].get("dies"):
            raise SystemExit
        if DEEDS[deed] != "":
            self.file.write_text(DEEDS[deed] or FIRST[self.side])
        return {}
for deed in DEEDS:
    setattr(Agent, deed, lambda self, deed=deed, **_: self.do(deed))
"""


@pytest.fixture
def playbooks(tmp_path: Path) -> Path:
    """Playbooks with one kind, and `ssh` that runs what it is told here."""
    home = tmp_path / "playbooks"
    (home / "roles" / "kind" / "files").mkdir(parents=True)
    (home / "roles" / "kind" / "files" / "agent.py").write_text(AGENT)
    (home / "agents").symlink_to(ROOT / "playbooks" / "agents")
    ssh = tmp_path / "ssh"
    gone = '[ "$1" = gone ] && { echo "no route" >&2; exit 255; }'
    ssh.write_text(f'#!/bin/sh\nwhile [ "$1" = -o ]; do shift 2; done\n{gone}\nshift; exec sh -c "$*"\n')
    ssh.chmod(0o755)
    return home


def move(playbooks: Path, hosts: tuple[str, str] = ("new", "old"), **settings: str) -> tuple[str, list[str]]:
    """Move two components with an entry each, and return what was observed before and who was asked what."""
    settings["folder"] = str(playbooks)
    components = [
        {"name": name, "kind": "kind", "sources": [f"{hosts[1]}-{name}" if hosts[1] != "gone" else "gone"],
         "source_addresses": [""], "targets": [f"{hosts[0]}-{name}"], "target_addresses": [""], "settings": settings}
        for name in ("db", "app")
    ]  # fmt: skip
    entries = [{"component": name, "kind": "kind", "host": f"entry-{name}"} for name in ("db", "app")]
    step = {
        "system": "s",
        "verb": "switch",
        "components": components,
        "entries": entries,
        "limits": {"downtime": "20s"},
    }
    (playbooks / "log").write_text("")
    try:
        with Sessions([str(playbooks.parent / "ssh")], playbooks) as sessions:
            sessions.open(participants(step, "forward"))
            going = Move(sessions, 20)
            before = going.observed()
            going.carry_out()
    finally:
        said = (playbooks / "log").read_text().splitlines()
    return before, said


def test_a_move_goes_through_its_stages_once_and_is_then_done(playbooks: Path) -> None:
    before, said = move(playbooks)
    assert before == "not-done"
    stages = list(dict.fromkeys(line.split()[1] for line in said))
    assert stages == ["ready", "pause", "freeze", "position", "reached", "promote", "seal", "turn", "resume", "after"]
    assert [line for line in said if line.endswith("pause")] == ["entry-app pause", "entry-db pause"]
    assert [line for line in said if line.endswith("resume")] == ["entry-db resume", "entry-app resume"]
    again, repeated = move(playbooks)
    assert again == "done"
    assert not {line.split()[1] for line in repeated} & {"pause", "freeze", "reached", "turn", "abandon"}


def test_a_service_ends_before_anything_is_sealed_and_serves_before_its_entry_resumes(playbooks: Path) -> None:
    _, said = move(playbooks, service="app")
    quiet, frozen = (
        [number for number, line in enumerate(said) if line.startswith("source") and line.endswith(deed)]
        for deed in ("quiet", "freeze")
    )
    assert len(quiet) == len(frozen) == 2
    assert max(quiet) < min(frozen)
    assert [line for line in said if line.endswith(("serve", "resume"))] == [
        "target-db serve", "entry-db resume", "target-app serve", "entry-app resume",
    ]  # fmt: skip


@pytest.mark.parametrize("stage, turned", [("source quiet", False), ("target serve", True)])
def test_a_service_that_does_not_end_goes_back_and_one_that_does_not_serve_says_so(
    playbooks: Path, stage: str, turned: bool
) -> None:
    with pytest.raises(MoveFailed) as failed:
        move(playbooks, service="app", refuses=stage)
    assert failed.value.turned is turned
    gone = any(line.endswith("abandon") for line in (playbooks / "log").read_text().splitlines())
    assert gone is not turned


@pytest.mark.parametrize("stage", ["entry pause", "source freeze", "target reached", "target promote", "source seal"])
def test_whoever_refuses_everybody_goes_back_sources_before_entries(playbooks: Path, stage: str) -> None:
    with pytest.raises(MoveFailed) as failed:
        move(playbooks, refuses=stage)
    assert (failed.value.call, failed.value.reason, failed.value.mend) == (stage.split()[1], "no", "ask again")
    said = (playbooks / "log").read_text().splitlines()
    gone = [line.split("-")[0] for line in said if line.endswith("abandon")]
    assert sorted(gone) == ["entry"] * 2 + ["source"] * 2 + ["target"] * 2
    assert gone.index("entry") > max(number for number, side in enumerate(gone) if side == "source")
    assert not any(line.endswith("turn") for line in said)
    assert not failed.value.turned
    assert move(playbooks)[0] == "not-done"


@pytest.mark.parametrize("stage", ["entry resume", "source after", "target after"])
def test_who_fails_behind_the_turn_says_so_and_nobody_goes_back(playbooks: Path, stage: str) -> None:
    with pytest.raises(MoveFailed) as failed:
        move(playbooks, refuses=stage)
    assert failed.value.turned
    assert not any(line.endswith("abandon") for line in (playbooks / "log").read_text().splitlines())
    # The same step again finishes what is left, and holds nobody.
    before, said = move(playbooks)
    assert before == "done"
    assert "after" in {line.split()[1] for line in said}
    assert "pause" not in {line.split()[1] for line in said}


def test_a_move_that_was_left_after_the_seal_goes_on_to_the_turn(playbooks: Path) -> None:
    for name in ("source-old-db", "source-old-app"):
        (playbooks / name).write_text("sealed")
    for name in ("target-new-db", "target-new-app", "entry-entry-db"):
        (playbooks / name).write_text("to" if name.startswith("entry") else "promoted")
    _, said = move(playbooks)
    assert not {line.split()[1] for line in said} & {"freeze", "reached", "promote"}
    assert (playbooks / "entry-entry-app").read_text() == "to"


def test_a_target_that_was_promoted_in_vain_is_a_copy_again_before_anything_is_copied_into_it(playbooks: Path) -> None:
    """A move died when its targets took writes and only one of its sources was sealed; the other one serves since."""
    for name, state in (("source-old-db", "sealed"), ("target-new-db", "promoted"), ("target-new-app", "promoted")):
        (playbooks / name).write_text(state)
    _, said = move(playbooks)
    assert [line for line in said if line.endswith("abandon")] == ["target-app abandon"]
    assert said.index("target-app abandon") < said.index("target-app reached") < said.index("target-app promote")


def test_an_entry_that_was_turned_before_is_never_turned_back_by_a_failure(playbooks: Path) -> None:
    (playbooks / "entry-entry-db").write_text("to")
    with pytest.raises(MoveFailed):
        move(playbooks, refuses="source freeze")
    assert "entry-db abandon" not in (playbooks / "log").read_text().splitlines()
    assert (playbooks / "entry-entry-db").read_text() == "to"


def test_a_host_that_is_gone_is_named_and_nobody_is_paused(playbooks: Path) -> None:
    with pytest.raises(SessionFailed) as failed:
        move(playbooks, ("new", "gone"))
    assert (failed.value.host, failed.value.reason) == ("gone", "no route")
    assert (playbooks / "log").read_text() == ""


def test_an_agent_that_dies_in_the_pause_takes_the_others_back(playbooks: Path) -> None:
    with pytest.raises(SessionFailed):
        move(playbooks, dies="position")
    gone = {line.split()[0] for line in (playbooks / "log").read_text().splitlines() if line.endswith("abandon")}
    assert {"entry-db", "entry-app", "target-db", "target-app"} <= gone


@pytest.mark.parametrize("written, meant", [("500ms", 0.5), ("2s", 2.0), ("2m", 120.0), (1.5, 1.5)])
def test_durations_are_read_as_written(written: str | float, meant: float) -> None:
    assert seconds(written) == meant
