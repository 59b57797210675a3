"""One HAProxy of a host and its entries: how it is run, asked and reloaded, where entries send to, who waits.

    conf.d/20-ENTRY.cfg         where an entry sends to: backends ENTRY.source and ENTRY.target
    side.map                    entry -> source or target; kept on disk, so that a restart changes nothing
    hold.map                    entry -> 1 while whoever comes waits; a restart lets them go on

HAProxy cannot hold anybody by itself without an error to the client, so a few lines of Lua wait in front of the choice
of the backend.
"""

from __future__ import annotations

import contextlib
import fcntl
import socket
from pathlib import Path
from typing import Any, Iterator

from playbooks.agents.kit import RUNNING, Refused, alone, answer, run, serving, wait, write

REACHED_SECONDS = 20.0
"""A busy host needs a while until what it was told is in force."""


class Service:
    """A HAProxy with a folder, a socket and a unit of its own."""

    def __init__(self, name: str, home: Path, title: str) -> None:
        self.home = home
        self.control = RUNNING / f"{name}.sock"
        self.lock = RUNNING / f"{name}.lock"
        self.unit = f"zhenghe-{name}.service"
        self._text = _UNIT.format(title=title, home=home, pid=RUNNING / f"{name}.pid")

    def ask(self, command: str) -> str:
        """Say one thing to the control socket and return its answer."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
                line.settimeout(5)
                line.connect(str(self.control))
                line.sendall(command.encode() + b"\n")
                answer = b""
                while part := line.recv(65536):
                    answer += part
        except OSError as error:
            mend = f"see systemctl status {self.unit} on the entry host"
            raise Refused(f"HAProxy does not answer: {error}", mend) from None
        return answer.decode()

    def set_now(self, file: Path, key: str, value: str) -> None:
        """Change an entry of a map in the running process."""
        said = self.ask(f"set map {file} {key} {value}").strip()
        if said:
            raise Refused(f"HAProxy: {said}")

    def running(self) -> bool:
        """Say whether it runs."""
        return serving(self.unit)

    def apply(self, *, changed: bool) -> None:
        """Have what is on disk in force."""
        if write(Path("/etc/systemd/system") / self.unit, self._text):
            run("systemctl", "daemon-reload")
        run("haproxy", "-c", "-q", "-f", str(self.home / "conf.d"))
        if not self.running():
            run("systemctl", "enable", "--quiet", "--now", self.unit)
        elif changed:
            run("systemctl", "reload", self.unit)

    def stop(self) -> None:
        """No longer run, after a restart of the host either."""
        run("systemctl", "disable", "--quiet", "--now", self.unit, good=(0, 1))

    @contextlib.contextmanager
    def locked(self, how: int) -> Iterator[None]:
        """Hold the lock of its files, alone (fcntl.LOCK_EX) or with others (LOCK_SH)."""
        self.lock.parent.mkdir(exist_ok=True)
        with self.lock.open("w") as lock:
            fcntl.flock(lock, how)
            yield


class Entry:
    """One entry of a service; a kind's own class says how it is configured."""

    def __init__(self, service: Service, name: str) -> None:
        self.service = service
        self.name = name
        self.sides = service.home / "side.map"
        self.holds = service.home / "hold.map"
        self.file = service.home / "conf.d" / f"20-{name}.cfg"

    def noted(self) -> bool:
        """Have the entry in the maps, on its source where nothing is known of it; says whether anything changed."""
        for file in (self.holds, self.sides):
            file.touch()
        changed = keep(self.holds, self.name, "0")
        if self.name not in kept_in(self.sides):
            changed |= keep(self.sides, self.name, "source")
        return changed

    def give_up(self) -> None:
        """Undo the setting up of the entry; Refused while its clients are on the target."""
        if self.known() and self.side() != "source":
            raise Refused("the entry's clients are on the target", "return the system first")
        self.take_away()

    def take_away(self) -> None:
        """No longer serve the entry; HAProxy stops where it was the last one."""
        with self.service.locked(fcntl.LOCK_EX):
            self.file.unlink(missing_ok=True)
            self.forget()
            if list(self.file.parent.glob("20-*.cfg")):
                self.service.apply(changed=True)
            else:
                self.service.stop()

    def forget(self) -> None:
        """Take the entry out of the maps."""
        keep(self.holds, self.name, None)
        keep(self.sides, self.name, None)

    def known(self) -> bool:
        """Say whether the entry is served here."""
        return self.file.exists() and self.service.running()

    def side(self) -> str:
        """Return source or target: where HAProxy sends whoever comes now."""
        for line in self.service.ask(f"show map {self.sides}").splitlines():
            words = line.split()
            if words[1:2] == [self.name]:
                return words[2]
        raise Refused(f"there is no entry {self.name}", "run the step front")

    def turn(self, side: str) -> None:
        """Send whoever comes to the other side from now on, after a restart too."""
        keep(self.sides, self.name, side)
        self.service.set_now(self.sides, self.name, side)

    def hold(self, *, on: bool) -> None:
        """Let whoever comes wait, or go on."""
        self.service.set_now(self.holds, self.name, "1" if on else "0")

    @contextlib.contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Keep others from reloading HAProxy: those who wait in an old process would wait for ever."""
        with self.service.locked(fcntl.LOCK_SH):
            yield


def fronted(given: dict[str, Any], entries: Any, asked: Any) -> dict[str, Any]:
    """Set an entry up in front of its component's source, or take it away; the result of the step's task.

    `asked.reached()` says whether anything comes through it, `heard` and `facts` how that went. Refused where nothing
    does.
    """
    with alone(given):
        if given["mode"] == "undo":
            entries.give_up()
            return answer(done=False, changed=True)
        changed = given["mode"] == "apply" and entries.set_up(given["entry"], given["component"])
        reached = entries.known() and wait(asked.reached, REACHED_SECONDS, 0.2)
        if given["mode"] == "apply" and not reached:
            raise Refused(f"nothing comes through the entry {given['entry']['name']}: {asked.heard}",
                          "see that the server answers where it is, then run the step again")  # fmt: skip
        return answer(reached, changed=changed, **asked.facts)


def kept_in(file: Path) -> dict[str, str]:
    """Return a map as it is kept on disk."""
    return dict(line.split(maxsplit=1) for line in file.read_text().splitlines() if line) if file.exists() else {}


def keep(file: Path, key: str, value: str | None) -> bool:
    """Change an entry of a map on disk, or take it out; says whether anything changed."""
    kept = kept_in(file)
    kept.pop(key, None)
    if value is not None:
        kept[key] = value
    return write(file, "".join(f"{name} {one}\n" for name, one in sorted(kept.items())))


def waiting(home: Path, request: str, variable: str) -> str:
    """Return the Lua by which whoever comes to an entry waits for as long as it is on hold."""
    return _LUA.format(home=home, request=request, variable=variable)


_LUA = """-- Whoever comes to an entry waits here for as long as it is on hold.
local holds = Map.new("{home}/hold.map", Map._str)

core.register_action("hold", {{ "{request}" }}, function(txn)
    local entry = txn:get_var("{variable}")
    while holds:lookup(entry) == "1" do
        core.msleep(3)
    end
end, 0)
"""
_UNIT = """[Unit]
Description={title}
After=network-online.target

[Service]
Type=notify
LimitNOFILE=65536
RuntimeDirectory=zhenghe
RuntimeDirectoryPreserve=yes
ExecStart=/usr/sbin/haproxy -Ws -f {home}/conf.d -p {pid}
ExecReload=/bin/kill -USR2 $MAINPID
KillMode=mixed
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""
