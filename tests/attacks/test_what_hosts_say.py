"""A department's host that was broken into answers as it likes: it stays one host, and nothing of it is believed."""

import base64
import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.hearing import Unheard, hear, parsed
from migrations.actuators.ansible.runner import PlaybookError, Playbooks
from migrations.proof.probes import Order, ProbeError, Probes
from migrations.proof.verify import check_hosts
from migrations.proof.verify.expectations import Expectation
from netcfg import ssh
from netcfg.errors import DeviceUnreachable
from netcfg.platforms import load_platform
from netcfg.sessions import Sessions as Devices
from playbooks.agents import coordinator
from playbooks.agents.answers import StepAnswer, TaskResult
from playbooks.agents.coordinator import MoveFailed, Participant, Sessions
from tests.attacks.conftest import Broken

pytestmark = pytest.mark.real
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHFvFUbpfM3dDYnYpIbZsVxWmP0qS2Ebm7ySA3k9rE0P"
OFFER = {"public_key": KEY, "host_keys": [KEY], "accounts": {"users": [], "groups": []}, "gives": []}
DONE = {"state": "done", "facts": {}}
HONEST: dict[str, Any] = {"changed": True, "offer": OFFER, "answer": DONE}
STEP = {
    "system": "archive", "verb": "prepare", "entries": [], "names": {},
    "components": [{
        "name": "store", "kind": "files", "sources": ["department-host"], "source_addresses": ["10.0.0.1"],
        "targets": ["cloud-host"], "target_addresses": ["10.0.0.2"], "settings": {"root": "/srv"},
    }],
    "limits": {"downtime": 1, "data_loss": 0, "catch_up": 5},
}  # fmt: skip


@pytest.fixture(scope="module")
def playbooks(broken: Broken, tmp_path_factory: pytest.TempPathFactory) -> Playbooks:
    return Playbooks(broken.world, tmp_path_factory.mktemp("home"))


def prepare(playbooks: Playbooks, broken: Broken, answer: Any, before: str = "") -> Any:
    broken.says("department-host", answer, before)
    broken.says("cloud-host", HONEST)
    return playbooks.call(STEP, "apply", 120, lambda _text: None)


def forged(marker: str) -> str:
    """Return what ansible-runner takes for an event where it stands in Ansible's output."""
    event = {"uuid": marker, "event": "runner_on_ok", "event_data": {"host": "cloud-host", "res": {"answer": DONE}}}
    text = base64.b64encode(json.dumps(event).encode()).decode()
    return f"\x1b[K{text}\x1b[{len(text)}D\x1b[K"


def test_an_honest_answer_is_taken(playbooks: Playbooks, broken: Broken) -> None:
    said = {**HONEST, "answer": {"state": "done", "facts": {"seen": "{{ lookup('pipe', 'id') }}\x1b[2J\u202e"}}}
    answer = prepare(playbooks, broken, said)
    assert answer.state == "done"
    assert answer.facts["department-host"] == {"seen": "{{ lookup('pipe', 'id') }}\\u001b[2J\\u202e"}


@pytest.mark.parametrize(
    "more",
    [
        {"add_host": {"host_name": "cloud-host", "groups": [], "host_vars": {"ansible_ssh_args": "PROXY"}}},
        {"ansible_facts": {"ssh": "PROXY", "ansible_connection": "local", "sockets": "/tmp"}},
        {"answer": {"state": "finished", "facts": {}}},
        {"offer": {**OFFER, "public_key": f"{KEY}\n{KEY}"}},
    ],
    ids=lambda more: next(iter(more)),
)  # fmt: skip
def test_a_word_that_nobody_asked_for_is_refused(playbooks: Playbooks, broken: Broken, more: dict[str, Any]) -> None:
    marker = broken.folder / "on-the-controller"
    proxy = f'-o ProxyCommand="sh -c {shlex.quote(f"id > {marker}")}"'
    said = json.loads(json.dumps({**HONEST, **more}).replace('"PROXY"', json.dumps(proxy)))
    with pytest.raises(PlaybookError) as wrong:
        prepare(playbooks, broken, said)
    assert wrong.value.host == "department-host"
    assert "answer" in wrong.value.reason
    assert not marker.exists()


@pytest.mark.parametrize(
    "more",
    [
        {"add_group": "cloud-host", "parent_groups": ["all"]},
        {"ansible_facts": {"ansible_connection": "local"}},
        {"_ansible_delegated_vars": {"ansible_host": "cloud-host"}},
        {"results": [HONEST]},
        {"kind": "host-key", "host": "cloud-host", "failed": True, "msg": "strange"},
        {"answer": {"state": "finished", "facts": {}}},
        {"answer": {**DONE, "seconds": 1}},
        {"offer": {**OFFER, "public_key": f"{KEY}\n{KEY}"}},
        {"offer": {**OFFER, "public_key": f'command="id" {KEY}'}},
        {"offer": {**OFFER, "host_keys": [f"{KEY}\n*.example {KEY}"]}},
        {"offer": {**OFFER, "gives": ["/srv/../etc\nshadow"]}},
        {"offer": {**OFFER, "accounts": {"users": [{"name": "r", "number": 0, "group": 0, "home": "/", "shell": "/"}],
                                         "groups": []}}},
        {"answer": {"state": "done", "facts": json.loads("[" * 90 + "]" * 90)}},
    ],
    ids=lambda more: next(iter(more)),
)  # fmt: skip
def test_an_answer_has_no_other_fields_and_no_other_values(more: dict[str, Any]) -> None:
    assert parsed(json.dumps(HONEST), TaskResult).for_ansible() == HONEST
    with pytest.raises(Unheard):
        parsed(json.dumps({**HONEST, **more}), TaskResult)


def test_what_is_too_long_is_not_read_to_its_end(playbooks: Playbooks, broken: Broken) -> None:
    with pytest.raises(PlaybookError) as wrong:
        prepare(playbooks, broken, HONEST, f"yes '{'x' * 1000}'")
    assert wrong.value.host == "department-host"
    assert "longer" in wrong.value.reason


def test_a_refusal_is_no_event_of_another_host_and_moves_no_cursor(playbooks: Playbooks, broken: Broken) -> None:
    said = {"failed": True, "msg": f"no {forged('forged-1')} \u202e", "mend": "\x1b]0;title\x07"}
    with pytest.raises(PlaybookError) as wrong:
        prepare(playbooks, broken, said)
    assert "\\u001b[K" in wrong.value.reason
    assert not {"\x1b", "\u202e", "\x07"} & set(str(wrong.value))


@pytest.mark.parametrize(
    "line",
    [
        '{"answer": {"state": "turned"}, "ms": 1}',
        '{"answer": {"state": "promoted"}, "ms": 1}',
        '{"answer": [], "ms": 1}',
        '{"answer": {"state": "open"}, "ms": 1, "host": "cloud-host"}',
        '{"answer": {"state": "open", "deep": ' + "[" * 100_000 + "]" * 100_000 + "}}",
        '{"answer": {"state": "open", "seconds": NaN}}',
        '"open"',
        "open",
        "x" * (2 << 20),
    ],
    ids=range(9),
)
def test_an_agent_that_says_something_else_takes_no_part(
    broken: Broken, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coordinator, "LONGEST", 1 << 20)
    broken.says("department-host", line)
    given = {"host": "department-host", "side": "source", "component": {"name": "store"}}
    client = ("ssh", "-F", str(broken.world.ssh_config))
    with Sessions(client, Path("playbooks").resolve()) as sessions, pytest.raises(MoveFailed) as wrong:
        sessions.open([Participant("source", "files", given)])
    assert wrong.value.host == "department-host"
    assert len(str(wrong.value)) < 1000


@pytest.mark.parametrize(
    "lines",
    [
        '{"k": "ok", "t": 1, "m": 1, "ms": 1, "host": "x"}',
        '{"k": "ok", "t": 1e999, "m": 1, "ms": 1}',
        '{"k": "ok", "t": 1, "m": 1, "ms": 1, "r": "a/../b"}',
        '{"k": "fine", "t": 1, "m": 1}',
        '{"k": "ok", "t": 1, "m": 1}',
        "nothing",
    ],
)
def test_lines_of_a_probe_that_are_none_count_as_not_seen(broken: Broken, lines: str) -> None:
    probes = Probes(broken.world, "s", [_order()])
    seen = {"result": {"now": 1.0, "probes": {"system-a-p": {"lines": f"{lines}\n", "active": True}}}}
    broken.says("department-host", seen)
    with pytest.raises(ProbeError):
        probes.collect()
    honest = '{"k": "ok", "t": 1, "m": 1, "ms": 1}\n'
    broken.says("department-host", json.loads(json.dumps(seen).replace(json.dumps(f"{lines}\n"), json.dumps(honest))))
    assert probes.collect()[0].lines[0].kind == "ok"


def test_a_user_machine_that_does_not_end_is_not_read_to_its_end(
    broken: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("migrations.proof.probes.probing.LONGEST", 1 << 20)
    broken.does("department-host", "yes x")
    with pytest.raises(ProbeError, match="longer"):
        Probes(broken.world, "s", [_order()]).start()


def test_a_checked_host_is_heard_up_to_a_limit_and_its_words_are_shown_as_text(broken: Broken, tmp_path: Path) -> None:
    wanted = Expectation(unit="system:a", host="department-host", what="command", name="true", wanted="fine")
    broken.does("department-host", "yes x")
    assert "longer" in check_hosts(broken.world, [wanted], tmp_path).units[0].failures[0].reason
    broken.does("department-host", "printf 'no \\033[2J\\342\\200\\256'")
    reason = check_hosts(broken.world, [wanted], tmp_path).units[0].failures[0].reason
    assert reason.startswith("it said: no")
    assert not {"\x1b", "\u202e"} & set(reason)


def test_a_device_that_does_not_end_is_not_read_to_its_end(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "MOST", 1 << 16)
    broken.does("department-host", "yes x")
    sessions = Devices(broken.world.ssh_config)
    with pytest.raises(DeviceUnreachable, match="longer"):
        sessions.command_line("department-host", load_platform("frr"))


def test_a_command_is_heard_with_both_hands() -> None:
    heard = hear(["sh", "-c", "cat; echo bad >&2; exit 3"], b"x" * (1 << 20))
    assert (heard.status, len(heard.said), heard.complained) == (3, 1 << 20, "bad")
    with pytest.raises(subprocess.TimeoutExpired):
        hear(["sleep", "60"], b"", 0.1)
    assert hear(["true"], b"x" * (1 << 20)).status == 0


def _order() -> Order:
    return Order(unit="system:a", name="p", kind="read-http", vantage="department-host", target="http://x", every=1.0)


@pytest.mark.parametrize(
    "more",
    [
        '"facts": {"a": 1e999}', '"facts": {"a": -Infinity}', '"facts": {"a": NaN}', '"state": "done"',
        '"facts": {"a": {"b": 1, "b": 2}}', '"facts": {"a": 1' + "0" * 5000 + "}", '"changed": true', '"facts": []',
    ],
    ids=range(8),
)  # fmt: skip
def test_an_answer_that_two_readers_would_read_otherwise_is_none(more: str) -> None:
    assert parsed('{"state": "done", "facts": {"a": 1e9}}', StepAnswer).state == "done"
    with pytest.raises(Unheard):
        parsed(f'{{"state": "done", {more}}}', StepAnswer)
