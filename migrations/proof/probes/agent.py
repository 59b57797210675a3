"""Runs on a user's machine under Python 3.9 or later: starts, runs, reads and stops probes there.

The controller sends one JSON object: `agent` (this text), `verb` and its arguments; the answer is one JSON object. Each
probe is a transient systemd unit of its own, so that it looks on when the controller and its connection die. A probe
writes one JSON line for each thing that it saw, with the wall clock (`t`) and the monotonic clock (`m`) of its machine.
"""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

FOLDER = Path("/var/lib/zhenghe-probes")
TIMEOUT = 10.0
"""Seconds: who waits is served late and not refused, so a request is given up late."""
SERIES = 3600.0
"""Seconds after which references begin otherwise: a service lists all that begin alike, and probes run for weeks."""
CALM = 10.0
"""Seconds between two looks while nothing moves: nobody's system is written to ten times a second for weeks."""
WAKES = 0.5
"""Seconds after which a probe that looks seldom is brisk again when something is about to move."""
GRACE = 2.0
"""Seconds after which an echo that has not come back is lost."""
ECHO_REQUEST, ECHO_REPLY = 8, 0
BEGINS = 20.0
"""Seconds that a probe may take until it looks; one that takes longer is judged by what it has not seen."""
ASKERS = 8
"""How many questions are asked at a time of a service that cannot list what it has."""
PATIENCE = 5.0
"""Seconds for the answer to one question after a write."""
GIVES_UP = 24
"""So many questions in a row without an answer, and the service is asked no more."""
ASKS_FOR = 120.0
"""Seconds for all questions after writes; what was not asked by then is not known."""


class Log:
    """Appends lines to a probe's file; each is out of the process when `say` returns."""

    def __init__(self, path: str) -> None:
        self.file = Path(path).open("a", buffering=1)  # noqa: SIM115 - open as long as the probe lives

    def say(self, kind: str, **fields: Any) -> None:
        """Write one line."""
        times = {"t": round(time.time(), 4), "m": round(time.monotonic(), 4)}
        self.file.write(json.dumps({"k": kind, **times, **fields}) + "\n")


class Pace:
    """How often a probe looks: as ordered near the moves that its users may feel, seldom otherwise, calmly for weeks.

    Files say so: `calm`, and for each unit that moves one `near-UNIT` that counts until the time that it bears.
    """

    def __init__(self, order: dict[str, Any]) -> None:
        self.every = float(order["every"])
        self.waits = self.every
        """Seconds from the look that was told last to the next one."""
        folder = Path(order["log"]).parent
        self._seldom = max(self.every, float(order.get("seldom", 0.0)))
        self._calm = folder / "calm"
        self._near = [folder / f"near-{unit}" for unit in order.get("moved_by", ())]

    def now(self) -> float:
        """Return the seconds between two looks."""
        if self._calm.exists():
            return max(self.every, CALM)
        if self._seldom <= self.every or any(modified(near) > time.time() for near in self._near):
            return self.every
        return self._seldom

    def told(self, waited: float) -> dict[str, float]:
        """Settle when the next look is, and return what a line says of the waits before and after it, if longer."""
        self.waits = self.now()
        told = {"p": waited, "w": self.waits}
        return {name: seconds for name, seconds in told.items() if seconds > self.every}


def ticks(pace: Pace) -> Iterator[tuple[int, float]]:
    """Yield numbers at a steady pace, each with the pace that it was waited for in.

    Beats that were missed while somebody waited are left out, not made up for.
    """
    number, due, waited = 0, time.monotonic(), pace.every
    while True:
        while (left := due - time.monotonic()) > 0:
            time.sleep(min(left, WAKES))
            due = min(due, time.monotonic()) if pace.now() < waited else due
        yield number, waited
        number, waited = number + 1, pace.waits
        due = max(due + waited, time.monotonic())


def request(url: str, method: str, body: bytes | None, patience: float = TIMEOUT) -> tuple[int, bytes]:
    """Send one request over a connection of its own and return the status."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=patience)
    try:
        path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
        headers = {"Content-Type": "application/json", "Connection": "close"} if body else {"Connection": "close"}
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def attempt(log: Log, pace: Pace, waited: float, fields: dict[str, Any], deed: Callable[[], tuple[int, bytes]]) -> None:
    """Do one request and write down how it went; anything that goes wrong is an observation here."""
    begun = time.monotonic()
    try:
        status, _body = deed()
    except Exception as error:  # noqa: BLE001
        ms = round((time.monotonic() - begun) * 1000, 1)
        log.say("error", ms=ms, why=f"{type(error).__name__}: {error}"[:200], **fields, **pace.told(waited))
        return
    ms = round((time.monotonic() - begun) * 1000, 1)
    if 200 <= status < 300:
        log.say("ok", ms=ms, s=status, **fields, **pace.told(waited))
    else:
        log.say("error", ms=ms, why=f"HTTP {status}", **fields, **pace.told(waited))


def new_series(order: dict[str, Any]) -> str:
    """Return what references begin with from now on: a probe that is started anew never sends one twice."""
    return f"{order['name']}-{int(time.time() * 1000):x}{os.getpid():x}"


def run_write(order: dict[str, Any], log: Log) -> None:
    """Write again and again, each time something that can be told from everything else."""
    series, until = new_series(order), time.monotonic() + SERIES
    log.say("begun", series=series)
    pace = Pace(order)
    for number, waited in ticks(pace):
        if time.monotonic() > until:
            series, until = new_series(order), time.monotonic() + SERIES
            log.say("series", series=series)
        reference = f"{series}-{number}"
        body = json.dumps({"reference": reference}).encode()
        write = partial(request, order["target"], "POST", body)
        attempt(log, pace, waited, {"n": number, "r": reference}, write)


def run_read(order: dict[str, Any], log: Log) -> None:
    """Read again and again."""
    log.say("begun")
    pace = Pace(order)
    for number, waited in ticks(pace):
        attempt(log, pace, waited, {"n": number}, partial(request, order["target"], "GET", None))


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


class Pinger:
    """Sends echoes at a steady pace and counts those that do not come back."""

    def __init__(self, order: dict[str, Any], log: Log) -> None:
        self.pace = Pace(order)
        self.log = log
        self.address = (socket.gethostbyname(order["target"]), 0)
        self.token = os.urandom(8)
        self.identifier = os.getpid() & 0xFFFF
        self.waiting: dict[int, tuple[float, float]] = {}
        self.sent = self.received = self.lost = 0
        self.worst = 0.0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.socket.settimeout(0)

    def send(self) -> None:
        """Send one echo."""
        body = self.token + struct.pack("!Q", self.sent)
        # A flow of its own, as a new user's: whoever translates addresses keeps to the way that a flow has begun with.
        # Low identifiers are those of ping itself, which takes its process number: no flow of theirs is hit by ours.
        identifier = 0x8000 | ((self.identifier + self.sent) & 0x7FFF)
        head = struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, identifier, self.sent & 0xFFFF)
        head = struct.pack("!BBHHH", ECHO_REQUEST, 0, checksum(head + body), identifier, self.sent & 0xFFFF)
        self.waiting[self.sent] = (time.monotonic(), time.time())
        self.sent += 1
        # Without a route at the moment nothing will come back, and that is what is counted.
        with suppress(OSError):
            self.socket.sendto(head + body, self.address)

    def receive(self) -> None:
        """Take all echoes that have come back."""
        while True:
            try:
                packet = self.socket.recv(2048)
            except BlockingIOError:
                return
            echo = packet[(packet[0] & 15) * 4 :]
            if len(echo) >= 24 and echo[0] == ECHO_REPLY and echo[8:16] == self.token:
                begun = self.waiting.pop(struct.unpack("!Q", echo[16:24])[0], None)
                if begun is not None:
                    self.received += 1
                    self.worst = max(self.worst, time.monotonic() - begun[0])

    def give_up(self, now: float) -> None:
        """Write down the echoes that are lost."""
        for number, (begun, wall) in list(self.waiting.items()):
            if begun > now - GRACE:
                return
            del self.waiting[number]
            self.lost += 1
            self.log.say("lost", n=number, at=round(wall, 4), atm=round(begun, 4))

    def run(self) -> None:
        """Ping, until the unit is stopped."""
        self.log.say("begun")
        due, told, every = time.monotonic(), 0.0, self.pace.every
        while True:
            now, before, every = time.monotonic(), every, self.pace.now()
            if now >= due or every < before:
                self.send()
                due = max(due + every, now) if every >= before else now + every
            readable, _, _ = select.select([self.socket], [], [], min(WAKES, max(0.0, due - time.monotonic())))
            if readable:
                self.receive()
            if now - told >= max(1.0, every):
                told = now
                self.give_up(now)
                worst, self.worst = round(self.worst * 1000, 1), 0.0
                self.log.say("count", sent=self.sent, received=self.received, lost=self.lost, ms=worst)


def run(path: str) -> None:
    """Be one probe, until the unit is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    order = json.loads(Path(path).read_text())
    log = Log(order["log"])
    if order["kind"] == "ping":
        Pinger(order, log).run()
    else:
        {"write-http": run_write, "read-http": run_read}[order["kind"]](order, log)


def unit_of(series: str, key: str) -> str:
    """Return the name of a probe's unit."""
    return f"zhenghe-probe-{series}-{key}.service"


def active(unit: str) -> bool:
    """Return whether a unit runs."""
    return subprocess.run(["systemctl", "is-active", "--quiet", unit], check=False).returncode == 0


def start(message: dict[str, Any]) -> dict[str, Any]:
    """Start the probes that do not run yet, and return when they look."""
    folder = FOLDER / message["series"]
    folder.mkdir(parents=True, exist_ok=True)
    agent = folder / "agent.py"
    if not agent.exists() or agent.read_text() != message["agent"]:
        agent.write_text(message["agent"])
    calm(message)
    started: dict[str, int] = {}
    for order in message["probes"]:
        unit, path = unit_of(message["series"], order["key"]), folder / (order["key"] + ".json")
        if active(unit):
            continue
        log = path.with_suffix(".jsonl")
        path.write_text(json.dumps({**order, "log": str(log)}))
        written = size(log)
        subprocess.run(["systemctl", "reset-failed", unit], check=False, stderr=subprocess.DEVNULL)
        command = ["systemd-run", "--quiet", "--collect", "--unit", unit, "--property=Restart=on-failure"]
        command += ["--property=RestartSec=200ms", "--property=StartLimitIntervalSec=0", "--property=Nice=-5"]
        subprocess.run([*command, sys.executable, str(agent), "run", str(path)], check=True, capture_output=True)
        started[str(log)] = written
    due = time.monotonic() + BEGINS
    while any(size(Path(log)) == written for log, written in started.items()) and time.monotonic() < due:
        time.sleep(0.02)
    return {"started": len(started)}


def calm(message: dict[str, Any]) -> dict[str, Any]:
    """Have the probes of a series look seldom, or as often as they were ordered to."""
    file = FOLDER / message["series"] / "calm"
    with suppress(FileNotFoundError):
        if message["calm"]:
            file.touch()
        else:
            file.unlink()
    return {}


def near(message: dict[str, Any]) -> dict[str, Any]:
    """Have probes look as often as ordered for some seconds from now on, because a unit moves that they may feel."""
    file = FOLDER / message["series"] / f"near-{message['moved']}"
    # Without its folder nobody looks, and nothing of ours is left.
    with suppress(FileNotFoundError):
        file.touch()
        until = time.time() + message["seconds"]
        os.utime(file, (until, until))
    return {}


def modified(path: Path) -> float:
    """Return when a file was modified, by its own word; the beginning of time where it is not there."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def size(path: Path) -> int:
    """Return how much a file holds; nothing where it is not there yet."""
    return path.stat().st_size if path.exists() else 0


def ends_a_line(file: BinaryIO, offset: int) -> bool:
    """Return whether a line ends right before an offset."""
    file.seek(max(0, offset - 1))
    return offset == 0 or file.read(1) == b"\n"


def collect(message: dict[str, Any]) -> dict[str, Any]:
    """Return what each probe wrote since an offset, whole lines only, and the time here."""
    answer: dict[str, Any] = {}
    for key, wanted in message["offsets"].items():
        path = FOLDER / message["series"] / (key + ".jsonl")
        text, offset = b"", wanted
        if path.exists():
            with path.open("rb") as file:
                # A file that was begun anew has no line that ends there.
                offset = wanted if ends_a_line(file, wanted) else 0
                file.seek(offset)
                text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        runs = active(unit_of(message["series"], key))
        answer[key] = {"lines": whole.decode(), "offset": offset + len(whole), "active": runs}
    return {"probes": answer, "now": time.time()}


def stop(message: dict[str, Any]) -> dict[str, Any]:
    """Stop all probes of a series; what they wrote stays until it is removed."""
    subprocess.run(["systemctl", "stop", unit_of(message["series"], "*")], check=True, capture_output=True)
    if message.get("remove"):
        folder = FOLDER / message["series"]
        for path in folder.glob("*"):
            path.unlink()
        if folder.exists():
            folder.rmdir()
    return {}


def confirm(message: dict[str, Any]) -> dict[str, Any]:
    """Return which acknowledged references a service does not have, which it has more than once, how many are unknown.

    A service that does not answer has lost nothing that anybody knows of.
    """
    wanted = message["references"]
    stored = listed(message["target"], message["prefixes"])
    if stored is not None:
        counts: dict[str, int] = {}
        for reference in stored:
            counts[reference] = counts.get(reference, 0) + 1
        twice = [reference for reference, count in counts.items() if count > 1]
        absent = [reference for reference in wanted if reference not in counts]
        return {"absent": absent, "twice": twice, "unanswered": 0, "how": "list"}
    asker = Asker(message["target"])
    with ThreadPoolExecutor(max_workers=ASKERS) as pool:
        # The latest first: of weeks of writes those of the move are asked after before time is up.
        there = list(pool.map(asker.has, reversed(wanted)))[::-1]
    absent = [reference for reference, found in zip(wanted, there) if found is False]  # noqa: B905
    return {"absent": absent, "twice": [], "unanswered": there.count(None), "how": "each"}


class Asker:
    """Asks a service after references one by one, until it has been silent too often or time is up."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.silent = 0
        self.until = time.monotonic() + ASKS_FOR

    def has(self, reference: str) -> bool | None:
        """Return whether the service has a reference; nothing where it does not say so, asked twice."""
        for _attempt in range(2):
            if self.silent >= GIVES_UP or time.monotonic() > self.until:
                return None
            status = self.asked(reference)
            if status in {200, 404}:
                self.silent = 0
                return status == 200
            self.silent += 1
        return None

    def asked(self, reference: str) -> int:
        """Return the status of an answer, zero where there was none."""
        try:
            return request(f"{self.target}/{urllib.parse.quote(reference)}", "GET", None, PATIENCE)[0]
        except (OSError, http.client.HTTPException):
            return 0


def listed(target: str, prefixes: list[str]) -> list[str] | None:
    """Return all references that a service stored under some prefixes; None where it cannot tell or does not answer."""
    stored: list[str] = []
    for prefix in prefixes:
        try:
            status, body = request(f"{target}?prefix={urllib.parse.quote(prefix)}-", "GET", None, TIMEOUT)
            if status != 200:
                return None
            stored += json.loads(body)["references"]
        except (OSError, http.client.HTTPException, TypeError, KeyError, ValueError):
            return None
    return stored


def answer(message: dict[str, Any]) -> None:
    """Do what a message asks for and print the answer."""
    verbs = {"start": start, "calm": calm, "near": near, "collect": collect, "stop": stop, "confirm": confirm}
    try:
        result: dict[str, Any] = {"result": verbs[message["verb"]](message)}
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip() if error.stderr else str(error)
        result = {"error": said}
    except Exception as error:  # noqa: BLE001
        result = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(result))


if __name__ == "__main__" and sys.argv[1:2] == ["run"]:
    run(sys.argv[2])
