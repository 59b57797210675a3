"""Services are asked after the writes that they acknowledged: there, absent, and not answered are three answers."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from infra.worlds import CloudSettings, World
from inventory.kinds import load_kinds, playbooks_folder
from inventory.model import Programme
from migrations.evidence.chain import verify_chain
from migrations.home import RunHome, RunSettings
from migrations.plan import digest
from migrations.planning.planner import in_order, make_plan
from migrations.proof.probes import WritesVerdict, agent
from migrations.proof.proof import Proof
from migrations.report.summarising import summarise
from migrations.report.summary import RunSummary
from migrations.report.wording import counted

WRITES = [f"pay-1-{number}" for number in range(200)]
Answer = Callable[[str], tuple[int, bytes]]


@contextmanager
def service(answer: Answer) -> Iterator[str]:
    """Serve answers to paths on the loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(unquote(self.path))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/payments"
        server.shutdown()


def asked(target: str) -> dict[str, Any]:
    return agent.confirm({"target": target, "references": WRITES, "prefixes": ["pay-1"]})


def each(path: str) -> tuple[int, bytes]:
    return (404, b"") if "?" in path or path.endswith(("-7", "-9")) else (200, b"{}")


def test_what_a_service_has_not_is_absent() -> None:
    with service(each) as target:
        found = asked(target)
    assert (found["absent"], found["unanswered"], found["how"]) == (
        ["pay-1-7", "pay-1-9"],
        0,
        "each",
    )


def test_the_latest_writes_are_asked_after_first_because_time_may_be_up_before_all_are() -> None:
    questions: list[str] = []

    def noting(path: str) -> tuple[int, bytes]:
        questions.append(path)
        return each(path)

    with service(noting) as target:
        asked(target)
    singly = [question.rpartition("/")[2] for question in questions if "?" not in question]
    # Several ask at once, so they come in order but for some places.
    assert {WRITES[-1], WRITES[-2]} <= set(singly[: 2 * agent.ASKERS])
    assert {WRITES[0], WRITES[1]} <= set(singly[-2 * agent.ASKERS :])


def test_a_service_that_lists_is_believed() -> None:
    stored = [*WRITES[2:], WRITES[5]]
    with service(lambda _path: (200, json.dumps({"references": stored}).encode())) as target:
        found = asked(target)
    assert found == {"absent": WRITES[:2], "twice": [WRITES[5]], "unanswered": 0, "how": "list"}


@pytest.mark.parametrize("status", [500, 502, 503, 401, 301])
def test_a_service_that_fails_has_lost_nothing(status: int) -> None:
    questions: list[str] = []

    def fail(path: str) -> tuple[int, bytes]:
        questions.append(path)
        return status, b""

    with service(fail) as target:
        found = asked(target)
    assert (found["absent"], found["unanswered"]) == ([], len(WRITES))
    assert len(questions) <= agent.GIVES_UP + 2 * agent.ASKERS


def test_nobody_at_the_address_has_lost_nothing() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        found = asked(f"http://127.0.0.1:{held.getsockname()[1]}/payments")
    assert (found["absent"], found["unanswered"]) == ([], len(WRITES))


def test_a_service_that_fails_for_a_moment_is_asked_again() -> None:
    failed: set[str] = set()

    def shaky(path: str) -> tuple[int, bytes]:
        if "?" not in path and path not in failed:
            failed.add(path)
            return 503, b""
        return each(path)

    with service(shaky) as target:
        found = asked(target)
    assert (found["absent"], found["unanswered"]) == (["pay-1-7", "pay-1-9"], 0)


def test_a_service_that_goes_down_meanwhile_has_lost_what_it_said_and_no_more() -> None:
    lock, answers = threading.Lock(), [50]

    def dying(path: str) -> tuple[int, bytes]:
        with lock:
            answers[0] -= 1
            return each(path) if answers[0] > 0 else (503, b"")

    with service(dying) as target:
        found = asked(target)
    assert set(found["absent"]) <= {"pay-1-7", "pay-1-9"}
    assert 100 < found["unanswered"] < len(WRITES)


def test_who_takes_every_question_and_says_nothing_is_soon_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent, "PATIENCE", 0.2)
    monkeypatch.setattr(agent, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=512) as deaf:
        found = asked(f"http://127.0.0.1:{deaf.getsockname()[1]}/payments")
        deaf.setblocking(False)
        taken = 0
        with suppress(BlockingIOError):
            while deaf.accept():
                taken += 1
    assert (found["absent"], found["unanswered"]) == ([], len(WRITES))
    assert taken <= agent.GIVES_UP + 2 * agent.ASKERS


KINDS = load_kinds(playbooks_folder() / "roles")


def verdict(unanswered: int, lost: tuple[str, ...] = ()) -> WritesVerdict:
    return WritesVerdict(
        unit="system:archive",
        name="deposit",
        acknowledged=9,
        lost=lost,
        doubled=(),
        unanswered=unanswered,
        asked="each",
    )


def test_writes_that_nobody_could_ask_after_are_not_proven_and_not_lost(programme: Programme, tmp_path: Path) -> None:
    plan = make_plan(programme, KINDS)
    home = RunHome(tmp_path / "run")
    home.create(plan, RunSettings(run="run", plan=digest(plan), world=tmp_path / "world.json"), in_order(programme))
    cloud = CloudSettings(backend="twin", endpoint="none")
    proof = Proof(home, KINDS, World(name="w", kind="real", ssh_config=tmp_path / "ssh_config", cloud=cloud))

    def kept(one: WritesVerdict) -> None:
        what = {**one.model_dump(mode="json"), "passage": 1}
        home.evidence.append("writes-verdict", unit=one.unit, what=what)

    kept(verdict(9))
    assert proof.felt(1) == ("system:archive: not proven: 9 of 9 acknowledged writes could not be asked after",)
    summary = _summary(home)
    assert counted(summary)["writes_unanswered"] == 9
    assert [unit["writes"] for unit in summary.as_whole_json()["units"] if unit["name"] == "archive"] == [
        {"acknowledged": 9, "lost": 0, "doubled": 0, "unanswered": 9}
    ]
    assert [unit.is_wrong for unit in summary.units if unit.key == "system:archive"] == [True]
    kept(verdict(0))
    assert proof.felt(1) == ()
    assert [unit.is_wrong for unit in _summary(home).units if unit.key == "system:archive"] == [False]


def _summary(home: RunHome) -> RunSummary:
    evidence = home.evidence
    return summarise(home.plan(), evidence.records(), verify_chain(evidence.path), world="real", evidence="e")
