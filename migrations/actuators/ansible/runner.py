"""Systems' steps are carried out by Ansible: the only module that knows ansible-runner.

PlaybookError           a step of a system did not come through
├── PlaybookFailed      a host refused or could not do what was asked
│   └── HalfMoved       clients are on the new side already, and something on it or behind it failed
├── PlaybookTimeout     the step took longer than it may
├── PlaybookKilled      somebody ended it from outside
└── HostUnreachable     a host does not answer over SSH
    └── HostKeyMismatch whoever answers has another key than the one that is known
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from ansible_runner import Runner
from ansible_runner.config.runner import RunnerConfig
from ansible_runner.utils import OutputEventFilter

from infra.credentials.resolving import variables
from infra.hearing import Unheard, taken
from infra.ssh import client, options, trusted
from infra.worlds import World
from inventory.base import Model
from inventory.errors import ZhengheError
from inventory.kinds import playbooks_folder
from inventory.plain import plain
from inventory.secrecy import reference
from inventory.words import _
from migrations.actuators.ansible.forkserver import Forkserver, shim
from migrations.actuators.ansible.scratch import lasting_folder, scratch
from migrations.actuators.ansible.streams import heard
from playbooks.agents.answers import State, StepAnswer
from playbooks.agents.residents import Residents

Mode = Literal["probe", "apply", "undo"]
Progress = Callable[[str], None]
PYTHON_ON_HOSTS = "/usr/bin/python3"
COORDINATOR = "coordinator"
RESIDENTS = "residents"
"""The socket of a call at which its tasks ask hosts."""
_SIGNALS = range(128, 128 + 65)
"""Statuses by which a shim tells which signal ended the command."""
_WORKER_KILLED = "A worker was found in a dead state"
"""What ansible-playbook says, and ends with status 1, when one of its own processes was killed."""
_FROM_ANSIBLE = "Task failed: "
_FROM_RUNNER = frozenset({"ANSIBLE_CALLBACK_PLUGINS", "ANSIBLE_STDOUT_CALLBACK", "AWX_ISOLATED_DATA_DIR"})


class PlaybookError(ZhengheError):
    """A step of a system did not come through; carries the system, the verb, the host, the reason and the mend."""

    def __init__(self, system: str, verb: str, host: str, reason: str, mend: str = "") -> None:
        self.system = system
        self.verb = verb
        self.host = host
        self.reason = reason
        self.mend = mend
        where = f"{system}: {verb}" + (f" on {host}" if host else "")
        super().__init__(f"{where}: {reason}" + (f" ({mend})" if mend else ""))


class PlaybookFailed(PlaybookError):
    """A host refused or could not do what was asked."""


class HalfMoved(PlaybookFailed):
    """Clients are on the new side already, and what is left to be done there failed: going back needs it as well."""


class PlaybookTimeout(PlaybookError):
    """The step took longer than it may; what it had begun was stopped."""


class PlaybookKilled(PlaybookError):
    """Ansible was ended from outside; the step may be called again."""


class HostUnreachable(PlaybookError):
    """A host does not answer over SSH."""


class HostKeyMismatch(HostUnreachable):
    """Whoever answers under the host's name has another key than the one that is known for it."""


class Answer(Model):
    """What a step found in the end: is it done, and what was seen."""

    state: State
    facts: dict[str, Any]
    seconds: float


class Playbooks:
    """Runs playbooks/step.yml against the hosts of one world."""

    def __init__(self, world: World, home: Path) -> None:
        self._world = world
        self._home = home
        self._playbooks = playbooks_folder()
        self._server: Forkserver | None = None
        self._residents = Residents(lambda: client(world.ssh_config), self._playbooks, lambda: _without_secrets(world))
        self._one_at_a_time = threading.Lock()

    def call(self, arguments: Mapping[str, Any], mode: Mode, timeout: float, progress: Progress) -> Answer:
        """Carry one step out and return its answer; PlaybookError where it does not come through.

        The timeout is in seconds. Progress is told each task as it starts; what it raises ends the step.
        The answer's state says whether the step is done, so it is not-done after an undo.
        """
        began = time.monotonic()
        with scratch(self._home) as place:
            listener = _Listener(arguments, progress, place.private / "shim.pid")
            config = self._configured(place.private, place.sockets, arguments, mode, timeout)
            output = place.private / "output"
            with self._residents.listening(place.sockets / RESIDENTS):
                code = _run(config, listener.hear, output)
            if code < 0 or code in _SIGNALS or code == shim.LOST:
                # Whoever was killed could not take along what it held.
                place.end_processes()
            listener.judge(code, timeout, output)
            return listener.answer(time.monotonic() - began)

    def _configured(
        self, private: Path, sockets: Path, arguments: Mapping[str, Any], mode: Mode, timeout: float
    ) -> RunnerConfig:
        step = private / "step.json"
        step.write_text(json.dumps(arguments))
        hosts = private / "hosts.json"
        hosts.write_text(json.dumps(_inventory(arguments, mode)))
        variables = private / "env" / "extravars"
        variables.parent.mkdir()
        ssh = shlex.join(client(self._world.ssh_config))
        key = self._world.secrets.names or ""
        asked = str(sockets / RESIDENTS)
        given = {"step_file": str(step), "mode": mode, "ssh": ssh, "residents": asked, "names_key": key}
        variables.write_text(json.dumps(given))
        config = RunnerConfig(
            private_data_dir=str(private),
            playbook=str(self._playbooks / "step.yml"),
            inventory=str(hosts),
            ident="step",
            quiet=True,
        )
        config.prepare()
        # ansible-runner copies our whole environment, and writes what it has into its artifacts.
        runners = {name: value for name, value in config.env.items() if name in _FROM_RUNNER}
        forkserver = self._forkserver(runners)
        forkserver.listen(sockets / "playbook")
        config.env = {**forkserver.environment, **runners, "ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets)}
        config.cwd = str(private)
        config.command = _shim(config.command, private / "shim.pid", sockets / "playbook", timeout)
        return config

    def _forkserver(self, runners: Mapping[str, str]) -> Forkserver:
        with self._one_at_a_time:
            if self._server is None:
                folder = lasting_folder(self._home)
                wanted = [reference(text) for text in (self._world.secrets.names,) if text]
                secret = variables(wanted, os.environ)
                self._server = Forkserver(folder, {**self._environment(folder), **runners}, secret)
            return self._server

    def _environment(self, private: Path) -> dict[str, str]:
        plugins = self._playbooks / "plugins"
        # Steps go their own way (on_host); this is for whatever else a role has Ansible do.
        shared = {"ControlMaster": "auto", "ControlPersist": "30s"}
        ssh = ["-F", str(trusted(self._world.ssh_config)), *options(shared)]
        return {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(private),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "ANSIBLE_HOME": str(private / "ansible"),
            "ANSIBLE_ROLES_PATH": str(self._playbooks / "roles"),
            "ANSIBLE_ACTION_PLUGINS": str(plugins / "action"),
            "ANSIBLE_COLLECTIONS_PATH": str(private / "collections"),
            "ANSIBLE_INVENTORY_ENABLED": "yaml",
            "ANSIBLE_PYTHON_INTERPRETER": PYTHON_ON_HOSTS,
            "ANSIBLE_CACHE_PLUGIN": "memory",
            "ANSIBLE_GATHERING": "explicit",
            "ANSIBLE_FORKS": "16",
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_HOST_KEY_CHECKING": "True",
            "ANSIBLE_SSH_ARGS": shlex.join(ssh),
            "ANSIBLE_DEPRECATION_WARNINGS": "False",
            "ANSIBLE_LOCALHOST_WARNING": "False",
        }


def _without_secrets(world: World) -> dict[str, str]:
    """Return our environment without what looks secrets up: a session lives long and needs none of it."""
    wanted = [reference(text) for text in (world.secrets.names, *world.secrets.devices.values()) if text]
    secret = variables(wanted, os.environ)
    return {name: value for name, value in os.environ.items() if name not in secret}


class _Listener:
    """Puts a step's answer together from the events of its playbook."""

    def __init__(self, arguments: Mapping[str, Any], progress: Progress, shim_file: Path) -> None:
        self._system = str(arguments["system"])
        self._verb = str(arguments["verb"])
        self._progress = progress
        self._shim_file = shim_file
        self._states: set[State] = set()
        self._facts: dict[str, Any] = {}
        self._failure: PlaybookError | None = None
        self._stopped: Exception | None = None

    def hear(self, event: Mapping[str, Any]) -> bool:
        """Take in one event; nothing of it is kept on disk."""
        kind, data = event["event"], event.get("event_data", {})
        result = data.get("res") or {}
        if kind == "playbook_on_task_start":
            self._tell(str(data.get("task", "")))
        elif kind == "runner_on_ok" and isinstance(result.get("answer"), dict):
            self._take(str(data["host"]), result["answer"])
        elif kind == "runner_on_unreachable":
            self._fail(_unreachable(self._system, self._verb, str(data["host"]), str(result.get("msg", ""))))
        elif kind == "runner_on_failed" and not data.get("ignore_errors"):
            self._fail(self._failed(data, result))
        return False

    def judge(self, code: int, timeout: float, output: Path) -> None:
        """Raise what went wrong, the first thing first."""
        if self._stopped is not None:
            raise self._stopped
        if code == shim.TIMED_OUT:
            reason = _("not finished within {seconds} s").format(seconds=f"{timeout:g}")
            mend = _("see what the host is busy with, then run the step again")
            raise PlaybookTimeout(self._system, self._verb, "", reason, mend)
        if self._failure is not None:
            raise self._failure
        said = output.read_text(errors="replace").strip() if code and output.exists() else ""
        if reason := _killed(code, said):
            raise PlaybookKilled(self._system, self._verb, "", _with_last_words(reason, said))
        if code != 0:
            raise PlaybookFailed(self._system, self._verb, "", plain(said[-2000:]) or f"ansible-playbook: {code}")

    def answer(self, seconds: float) -> Answer:
        """Return the answer: done where every host's answer says so."""
        states: set[State] = self._states or {"unknown"}
        state: State = "unknown" if "unknown" in states else "not-done" if "not-done" in states else "done"
        return Answer(state=state, facts=self._facts, seconds=round(seconds, 3))

    def _tell(self, task: str) -> None:
        try:
            self._progress(f"{self._system}: {self._verb}: {task}")
        except Exception as exc:  # noqa: BLE001 - raised again when the playbook has ended
            self._stopped = exc
            os.kill(int(self._shim_file.read_text()), signal.SIGTERM)

    def _take(self, host: str, said: Mapping[str, Any]) -> None:
        try:
            answer = taken(said, StepAnswer)
        except Unheard as wrong:
            mend = _("see who answers on this host, and why so")
            self._fail(PlaybookFailed(self._system, self._verb, host, wrong.reason, mend))
            return
        self._states.add(answer.state)
        facts = answer.facts
        if host == COORDINATOR:
            self._facts |= facts
        else:
            self._facts[host] = {**self._facts.get(host, {}), **facts}

    def _fail(self, failure: PlaybookError) -> None:
        self._failure = self._failure or failure

    def _failed(self, data: Mapping[str, Any], result: Mapping[str, Any]) -> PlaybookError:
        host = str(result.get("host") or data.get("host", ""))
        reason = plain(str(result.get("msg") or result.get("module_stderr") or "").strip(), 4000)
        if result.get("exception") and not reason:
            reason = plain(str(result["exception"]).strip().splitlines()[-1], 4000)
        kinds: dict[object, type[PlaybookError]] = {
            "host-key": HostKeyMismatch,
            "unreachable": HostUnreachable,
            "turned": HalfMoved,
        }
        error = kinds.get(result.get("kind"), PlaybookFailed)
        return error(self._system, self._verb, host, reason, str(result.get("mend", "")))


def _inventory(arguments: Mapping[str, Any], mode: Mode) -> dict[str, Any]:
    """Put hosts only into the groups whose plays the verb needs: a play whose tasks are all skipped costs as much."""
    taking_part = {host for one in arguments["components"] for host in (*one["sources"], *one["targets"])}
    taking_part |= {one["host"] for one in arguments["entries"]}
    verb, nobody = arguments["verb"], set[str]()
    cutover, front = verb in {"switch", "return"}, verb == "front"
    groups = {
        "participants": nobody if cutover or (front and mode == "undo") else taking_part,
        "names": {arguments["names"]["server"]} if front and arguments["names"] else nobody,
        "leavers": taking_part if front and mode == "undo" else nobody,
        "coordinators": {COORDINATOR} if cutover else nobody,
    }
    return {
        "all": {"children": {name: {"hosts": {host: {} for host in sorted(hosts)}} for name, hosts in groups.items()}}
    }


def _run(config: RunnerConfig, hear: Callable[[Mapping[str, Any]], bool], output: Path) -> int:
    """Run a playbook to its end and return its status, or the negative number of the signal that ended its shim."""
    runner = Runner(config=config, event_handler=hear)
    runner.runner_mode = "subprocess"
    with output.open("w", encoding="utf-8") as file, Path(os.devnull).open("rb") as nothing:
        events = OutputEventFilter(file, runner.event_callback, suppress_ansible_output=True)
        with heard(events.write) as stream:
            config.input_fd, config.output_fd, config.error_fd = nothing.fileno(), stream, stream
            code = int(runner.run()[1])
        events.close()
    return code


def _killed(code: int, said: str) -> str:
    """Say which signal ended a playbook, as far as it is known; nothing where none did."""
    if code < 0 or code in _SIGNALS:
        return _("ended by signal {number}").format(number=abs(code) - (_SIGNALS.start if code > 0 else 0))
    if code == shim.LOST or _WORKER_KILLED in said:
        return _("one of its processes was ended from outside")
    return ""


def _with_last_words(reason: str, said: str) -> str:
    last = said.splitlines()[-1].strip()[:500] if said else ""
    return _("{reason}; its last words: {said}").format(reason=reason, said=last) if last else reason


def _shim(command: list[str], file: Path, place: Path, timeout: float) -> list[str]:
    words = [str(os.getpid()), str(file), str(place), str(timeout), *command]
    return [sys.executable, "-IS", str(shim.__file__), *words]


def _unreachable(system: str, verb: str, host: str, said: str) -> HostUnreachable:
    if "Host key verification failed" in said or "HOST IDENTIFICATION HAS CHANGED" in said:
        reason = _("its host key is not the known one")
        mend = _("find out who answers there before anything else; if the host is new, write its key into known_hosts")
        return HostKeyMismatch(system, verb, host, reason, mend)
    lines = plain(said.strip().removeprefix(_FROM_ANSIBLE)).splitlines()
    last = lines[-1] if lines else _("no answer")
    return HostUnreachable(
        system, verb, host, last, _("see that the host runs and lets SSH in, then run the step again")
    )
