"""The checks of hosts, a file of tests: one for each expectation, over one connection to each host (testinfra)."""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from testinfra.backend.base import CommandResult
from testinfra.backend.ssh import SshBackend
from testinfra.host import Host

from infra.hearing import MOST, Heard, hear
from infra.ssh import client, sharing
from infra.sudo import SHELL, as_root
from migrations.proof.verify.expectations import Expectation
from migrations.proof.verify.order import CheckOrder

ORDER = CheckOrder.model_validate_json(Path(os.environ["ZHENGHE_CHECKS"]).read_bytes())
AT_ONCE = 16
"""Hosts that are looked at side by side."""
ANSWER_SECONDS = 300.0
NOT_REACHED = 255
ANOTHER_KEY = ("Host key verification failed", "HOST IDENTIFICATION HAS CHANGED")
_REACH = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).close()"
_RESOLVE = "import socket,sys; print(*sorted({a[4][0] for a in socket.getaddrinfo(sys.argv[1], None, socket.AF_INET)}))"


Found = Mapping[Expectation, Exception | None]


@pytest.fixture(scope="session")
def looked() -> Iterator[Mapping[str, "Future[Found]"]]:
    """Look at all hosts side by side; who ordered the checks closes the connections."""
    hosts = sorted({wanted.host for wanted in ORDER.expectations})
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        # A socket's path may have 107 letters, and names of hosts are long: they are numbered.
        yield {host: pool.submit(_look, host, f"{ORDER.sockets}/{number}") for number, host in enumerate(hosts)}


class NotReachedError(RuntimeError):
    """The host does not answer, so that nothing is known of it."""


class _Backend(SshBackend):  # type: ignore[misc]
    """Runs commands with our client and hears up to a limit: testinfra's own takes what the operator's files say."""

    def __init__(self, name: str, socket: str) -> None:
        super().__init__(name)
        self._client = sharing(client(Path(ORDER.ssh_config), ORDER.patience), socket, 60)

        self._is_root: bool | None = None
        """Whether the login is root; another account looks by sudo."""

    def decode(self, data: bytes) -> str:
        """Read what a host says as UTF-8, whatever it calls its own encoding."""
        return data.decode(errors="replace")

    def encode(self, data: str) -> bytes:
        return data.encode()

    def run_ssh(self, command: str) -> CommandResult:
        heard = self._hear(command)
        result = self.result(heard.status, self.encode(command), heard.said, heard.complained.encode())
        if heard.status == NOT_REACHED:
            said = heard.complained.strip()
            # Who answers with another key is no silent host: that is found out, and wrong.
            error = RuntimeError if any(words in said for words in ANOTHER_KEY) else NotReachedError
            raise error(said or "it does not answer over SSH")
        return result

    def _hear(self, command: str) -> Heard:
        words = [*self._client, self.host.name]
        if self._is_root is None:
            first = hear([*words, "id -u"], b"", ANSWER_SECONDS, MOST)
            if first.status:
                return first
            self._is_root = first.said.strip() == b"0"
        if self._is_root:
            return hear([*words, command], b"", ANSWER_SECONDS, MOST)
        order = json.dumps({"bootstrap": SHELL, "how": "shell", "command": command}).encode() + b"\n"
        return hear([*words, as_root()], order, ANSWER_SECONDS, MOST)


def _look(name: str, socket: str) -> Found:
    """Return what came of each expectation of one host, over one connection: an error, or nothing where it holds."""
    host = Host(_Backend(name, socket))
    found: dict[Expectation, Exception | None] = {}
    silent: NotReachedError | None = None
    for wanted in ORDER.expectations:
        if wanted.host == name:
            try:
                if silent is None:
                    LOOKS[wanted.what](host, wanted)
                found[wanted] = silent
            except NotReachedError as exc:
                # Each further question would wait as long for nothing.
                silent = found[wanted] = exc
            except Exception as exc:  # noqa: BLE001 - it is raised in the test of this expectation
                found[wanted] = exc
    return found


def _installed(host: Host, wanted: Expectation) -> None:
    assert host.package(wanted.name).is_installed, "it is not installed"


def _running(host: Host, wanted: Expectation) -> None:
    assert host.service(wanted.name).is_running, "it does not run"


def _stopped(host: Host, wanted: Expectation) -> None:
    assert not host.service(wanted.name).is_running, "it still runs"


def _listening(host: Host, wanted: Expectation) -> None:
    assert _listens(host, wanted.name), "nothing listens there"


def _closed(host: Host, wanted: Expectation) -> None:
    assert not _listens(host, wanted.name), "something still listens there"


def _listens(host: Host, port: str) -> bool:
    # On whatever address: testinfra by itself wants all of them, and databases keep to the one that they serve.
    sockets: list[str] = host.socket.get_listening_sockets()
    return any(each.startswith("tcp://") and each.rpartition(":")[2] == port for each in sockets)


def _resolves(host: Host, wanted: Expectation) -> None:
    found = host.run("python3 -c %s %s", _RESOLVE, wanted.name).stdout.split()
    assert found == [wanted.wanted], f"it leads to {', '.join(found) or 'nothing'} and not to {wanted.wanted}"


def _reaches(host: Host, wanted: Expectation) -> None:
    name, port = wanted.name.rsplit(":", 1)
    done = host.run("python3 -c %s %s %s", _REACH, name, port)
    assert done.rc == 0, " ".join(done.stderr.strip().splitlines()[-1:])


def _answers(host: Host, wanted: Expectation) -> None:
    done = host.run(wanted.name)
    said = (done.stdout + done.stderr).strip()
    assert done.rc == 0, f"it ended with {done.rc}: {said[-300:]}"
    assert re.search(wanted.wanted, done.stdout, re.MULTILINE), f"it said: {said[-300:]}"
    if wanted.unwanted:
        assert not re.search(wanted.unwanted, done.stdout, re.MULTILINE), f"it said: {said[-300:]}"


LOOKS: Mapping[str, Callable[[Host, Expectation], None]] = {
    "package": _installed,
    "running": _running,
    "stopped": _stopped,
    "listening": _listening,
    "closed": _closed,
    "resolves": _resolves,
    "reaches": _reaches,
    "command": _answers,
}


@pytest.mark.parametrize("wanted", ORDER.expectations, ids=lambda wanted: wanted.label)
def test_host(
    wanted: Expectation,
    looked: Mapping[str, "Future[Found]"],
    record_property: Callable[[str, object], None],
) -> None:
    """One expectation holds."""
    record_property("unit", wanted.unit)
    record_property("host", wanted.host)
    record_property("check", wanted.label)
    wrong = looked[wanted.host].result()[wanted]
    if isinstance(wrong, NotReachedError):
        pytest.skip(f"not known: {wrong}")
    if wrong is not None:
        raise wrong
