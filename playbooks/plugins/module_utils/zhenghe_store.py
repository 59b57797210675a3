"""A folder that moves from one host to another: sealed where it must not be written, pulled where it is a copy.

Every host that takes part keeps /etc/zhenghe/NAME.json (`Store`). Three views of the folder exist there:

    ROOT                        what everybody sees
    /var/lib/zhenghe/raw/NAME   the folder itself, for the copy alone
    /var/lib/zhenghe/ro/NAME    the same, read-only

A sealed folder has the read-only view mounted over ROOT, so that not even root writes to it by mistake; mounting it is
one act and reaches services with mount namespaces of their own. All views hold what is mounted below the folder, too.
A copy is pulled into the raw view, and only while the folder is sealed: what clients write can never be overwritten by
a copy. What somebody writes into a copy all the same is kept in /var/lib/zhenghe/kept/NAME before a pass removes it.

Also a command on the hosts, /usr/local/lib/zhenghe/store.py: `seal NAME` (at boot), `pull NAME` (a service), and
`give NAME` (the forced command for the puller's key).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterable, Iterator, Sequence

CONFIGURATION = Path("/etc/zhenghe")
VIEWS = Path("/var/lib/zhenghe")
RUNNING = Path("/run/zhenghe")
PROGRAM = Path("/usr/local/lib/zhenghe/store.py")
ADMITTED = Path("/root/.ssh/authorized_keys")
UNITS = Path("/etc/systemd/system")
KEPT = VIEWS / "kept"
PASSED = VIEWS / "passed"
"""Files whose times say when the last pass of a copy ended."""
VANISHED = 24
"""rsync's status where files went away while it looked: normal for all passes but the last."""
POWERLESS = ("--no-devices", "--chmod=Fu-s", "--filter=-x security.*")
"""Nothing comes over that gives more rights than its owner has, whatever the other host has put there meanwhile."""
_GIVEN = (
    r"-[A-Za-z]+(e[.\w]*)?|--numeric-ids|--timeout=\d+|--specials|--from0|--files-from=-|--delete-missing-args|--force"
)
EVERY = 3.0
"""Seconds between two passes."""


class StoreError(Exception):
    """Something about the folder cannot be done; says why and what to do next."""

    def __init__(self, reason: str, mend: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.mend = mend


def run(*command: str, limit: float = 60.0, good: Sequence[int] = (0,), given: bytes = b"") -> str:
    """Run a command and return its output; StoreError where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, input=given, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        raise StoreError(f"{command[0]}: not finished within {limit:.1f} s") from None
    if done.returncode not in good:
        said = (done.stderr or done.stdout).decode(errors="backslashreplace").strip().splitlines()
        raise StoreError(f"{command[0]}: {'; '.join(said[-3:]) or done.returncode}")
    return done.stdout.decode(errors="surrogateescape")


def write(path: Path, text: str, mode: int = 0o644) -> bool:
    """Write a file so that a reader sees all of it or the old one; says whether anything changed."""
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    with open(os.open(str(scratch), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    return True


class Store:
    """One component's folder on this host."""

    def __init__(self, name: str, root: str = "", gives: Sequence[str] = ()) -> None:
        self.name = name
        self.file = CONFIGURATION / f"{name}.json"
        self.raw = VIEWS / "raw" / name
        self.ro = VIEWS / "ro" / name
        kept = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.known = bool(kept)
        self.root = root or kept.get("root", "")
        self.gives: list[str] = list(gives) or kept.get("gives", [])
        self.sealed_for_good: bool = kept.get("sealed", False)
        self.pulls: dict[str, Any] = kept.get("pulls", {})
        self.nested: list[str] = kept.get("nested", [])
        """Paths of the folder at which another file system was mounted when it was prepared."""
        self.flags: dict[str, int] = kept.get("flags", {})
        """The flags of chattr that were taken off a copy here, by path."""
        self.role: str = kept.get("role", "")
        """copy: it follows another host; live: clients use it; nothing: neither was decided here."""

    def save(self) -> None:
        """Keep what must outlive a restart."""
        kept = {
            "root": self.root,
            "gives": self.gives,
            "sealed": self.sealed_for_good,
            "role": self.role,
            "pulls": self.pulls,
            "nested": self.nested,
            "flags": self.flags,
        }
        write(self.file, json.dumps(kept, indent=2) + "\n", 0o600)
        self.known = True

    def prepare(self) -> None:
        """Make the folder, its views and the unit that makes them at boot."""
        Path(self.root).mkdir(parents=True, exist_ok=True)
        if not self.sealed():
            self.nested = sorted(self._mounted_now())
        self.save()
        text = _UNIT_SEAL.format(name=self.name, root=self.root, program=PROGRAM, after=" ".join(self._mount_units()))
        if write(UNITS / f"zhenghe-seal-{self.name}.service", text):
            run("systemctl", "daemon-reload")
        run("systemctl", "enable", "--quiet", f"zhenghe-seal-{self.name}.service")
        self.make_views()

    def _mount_units(self) -> list[str]:
        points = [os.path.join(self.root, path) for path in self.nested]
        return run("systemd-escape", "--path", "--suffix=mount", *points).split() if points else []

    def make_views(self) -> None:
        """Mount the raw and the read-only view where they are missing, or lack what was mounted below the folder."""
        for folder in (self.raw, self.ro):
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.parent.chmod(0o700)
            folder.mkdir(exist_ok=True)
        if not self.sealed():
            self._take_away_old_views()
        # Private: what is laid over the folder must not come to lie over its views as well.
        if not _mounts(str(self.raw)):
            if self.sealed():
                raise StoreError(f"{self.root} is sealed and its views are gone", "restart the host: they come back")
            run("mount", "--rbind", "--make-rprivate", self.root, str(self.raw))
        if not _mounts(str(self.ro)):
            run("mount", "--rbind", "--make-rprivate", str(self.raw), str(self.ro))
        for point in (str(self.ro), *_below(str(self.ro))):
            if "ro" not in _mounts(point)[-1]:
                run("mount", "-o", "remount,bind,ro", point)

    def _take_away_old_views(self) -> None:
        wanted = self._mounted_now()
        for view in (str(self.ro), str(self.raw)):
            if _mounts(view) and {os.path.relpath(point, view) for point in _below(view)} != wanted:
                run("umount", "--lazy", view)

    def is_whole(self) -> bool:
        """Say whether the sealed folder shows all that was mounted below it when it was prepared."""
        return self._mounted_now() >= set(self.nested)

    def is_as_prepared(self) -> bool:
        """Say whether the same is mounted below the folder as when it was prepared."""
        return self._mounted_now() == set(self.nested)

    def _mounted_now(self) -> set[str]:
        return {os.path.relpath(point, self.root) for point in _below(self.root)}

    def sealed(self) -> bool:
        """Say whether the read-only view lies over the folder."""
        mounted = _mounts(self.root)
        return bool(mounted) and "ro" in mounted[-1]

    def seal(self, *, for_good: bool) -> None:
        """Lay the read-only view over the folder; for good: after a restart as well."""
        if for_good and not self.sealed_for_good:
            self.sealed_for_good = True
            self.save()
        if not self.sealed():
            self.make_views()
            run("mount", "--rbind", str(self.ro), self.root)

    def unseal(self) -> None:
        """Take the read-only view away."""
        while self.sealed():
            # Who stands in the view from before goes on in one that can be written.
            run("mount", "-o", "remount,bind,rw", self.root)
            for point in _below(self.root):
                with contextlib.suppress(StoreError):
                    run("mount", "-o", "remount,bind,rw", point)
            run("umount", "--lazy", self.root)
            if "ro" not in _mounts(str(self.ro))[-1]:
                raise StoreError(f"{self.ro} has become writable")
        if self.sealed_for_good:
            self.sealed_for_good = False
            self.save()

    def forget(self) -> None:
        """Remove what `prepare` made, but never the folder nor its seal's effect while it lasts."""
        with contextlib.suppress(StoreError):
            run("systemctl", "disable", "--quiet", f"zhenghe-seal-{self.name}.service")
        (UNITS / f"zhenghe-seal-{self.name}.service").unlink(missing_ok=True)
        for folder in (self.ro, self.raw):
            if _mounts(str(folder)):
                run("umount", "--lazy", str(folder))
        self.file.unlink(missing_ok=True)


class Puller:
    """The copy of a folder on this host, pulled from another one over SSH."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.key = CONFIGURATION / "keys" / store.name
        self.known_hosts = CONFIGURATION / "keys" / f"{store.name}.known"
        self.unit = f"zhenghe-pull-{store.name}.service"
        self.report = RUNNING / f"{store.name}.json"
        self._control = RUNNING / f"{store.name}.ssh"

    def public_key(self, *, make: bool) -> str:
        """Return the public key for this copy; made here, so that the private one never leaves the host."""
        if not self.key.exists():
            if not make:
                return ""
            self.key.parent.mkdir(parents=True, exist_ok=True)
            self.key.parent.chmod(0o700)
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"zhenghe:{self.store.name}", "-f", str(self.key))
        return " ".join(self.key.with_suffix(".pub").read_text().split()[:2])

    def knows(self, address: str, host_keys: Sequence[str]) -> None:
        """Note whom the copy comes from, and the keys by which that host is known."""
        for key in host_keys:
            see_key(key)
        write(self.known_hosts, "".join(f"{address} {key}\n" for key in host_keys), 0o600)
        self.store.pulls = {**self.store.pulls, "address": address}
        self.store.save()

    def once(self, limit: float, *, last: bool = False, path: str = "", into: str = "") -> float:
        """Make one pass and return its seconds; the last pass must find nothing changing under it."""
        began = time.monotonic()
        with self.alone(limit):
            if path:
                self._rsync(limit, path, into)
                return time.monotonic() - began
            self._only_into_a_copy()
            self.keep_what_others_wrote()
            self._pass_begins()
            # The folder has a name of its own here: rsync would take spaces and wildcards in a path for its own.
            self._rsync(limit, "root/", f"{self.store.raw}/", "--delete", good=(0,) if last else (0, VANISHED))
            self.note_pass()
        return time.monotonic() - began

    def these(self, paths: Iterable[bytes], limit: float) -> None:
        """Bring some paths of the folder to what they are at the source; those that are gone there go here."""
        with self.alone(limit):
            self._only_into_a_copy()
            options = ("--from0", "--files-from=-", "--delete-missing-args", "--force")
            given = b"\0".join(sorted(paths))
            self._pass_begins()
            self._rsync(limit, "root/", f"{self.store.raw}/", *options, given=given)
            self.note_pass()

    def _only_into_a_copy(self) -> None:
        if not self.store.sealed():
            raise StoreError(f"{self.store.root} is written here, so nothing is copied into it")

    def _rsync(
        self, limit: float, path: str, into: str, *options: str, given: bytes = b"", good: Sequence[int] = (0,)
    ) -> None:
        command = ["rsync", "-aHAXS", "--numeric-ids", "--timeout=60", *POWERLESS, "-e", shlex.join(self._ssh())]
        run(*command, *options, f"root@{self.store.pulls['address']}:{path}", into, limit=limit, good=good, given=given)

    def _pass_begins(self) -> None:
        # What a pass that is killed leaves behind must not be taken for somebody else's.
        (PASSED / self.store.name).unlink(missing_ok=True)

    def note_pass(self) -> None:
        """Note that all that is in the copy now came by us."""
        PASSED.mkdir(parents=True, exist_ok=True)
        (PASSED / self.store.name).touch()

    def keep_what_others_wrote(self) -> None:
        """Put aside what somebody wrote into the copy since the last pass, which the next one would remove."""
        try:
            ended = (PASSED / self.store.name).stat().st_mtime_ns
        except OSError:
            return
        found = _changed_since(os.fsencode(str(self.store.raw)), ended)
        if not found:
            return
        place = KEPT / self.store.name / time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        place.mkdir(parents=True, exist_ok=True)
        KEPT.chmod(0o700)
        command = ["rsync", "-aHAXS", "--numeric-ids", "--from0", "--files-from=-", f"{self.store.raw}/", f"{place}/"]
        run(*command, given=b"\0".join(found), limit=600)

    def kept(self) -> dict[str, Any]:
        """Say where lies what others wrote into the copy, and name it; nothing: nobody did."""
        place = KEPT / self.store.name
        found = [path for path in place.rglob("*") if path.is_symlink() or not path.is_dir()]
        names = sorted(str(path.relative_to(place)).encode(errors="surrogateescape") for path in found)
        shown = [name.decode(errors="backslashreplace") for name in names[:20]]
        return {"where": str(place), "files": len(names), "names": shown} if names else {}

    @contextlib.contextmanager
    def alone(self, limit: float) -> Iterator[None]:
        """Hold the lock of this copy; StoreError when another pass keeps it beyond the limit."""
        RUNNING.mkdir(exist_ok=True)
        with open(RUNNING / f"{self.store.name}.lock", "w") as lock:
            end = time.monotonic() + limit
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > end:
                        raise StoreError("another pass of the copy takes too long") from None
                    time.sleep(0.01)
            yield

    def connect(self) -> subprocess.Popen[bytes]:
        """Open the connection over which later passes go, so that they need not greet anew; end it by its process."""
        RUNNING.mkdir(exist_ok=True)
        self._control.unlink(missing_ok=True)
        master = subprocess.Popen(
            [*self._ssh(), "-o", "ControlMaster=yes", "-N", f"root@{self.store.pulls['address']}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        end = time.monotonic() + 10
        while not self._control.exists():
            if master.poll() is not None or time.monotonic() > end:
                master.kill()
                said = master.stderr.read().decode(errors="replace").strip() if master.stderr else ""
                raise StoreError(f"no connection to {self.store.pulls['address']}: {said or 'no answer'}")
            time.sleep(0.01)
        return master

    def start(self) -> None:
        """Have passes made all the time, after a restart as well."""
        text = _UNIT_PULL.format(name=self.store.name, program=PROGRAM)
        if write(UNITS / self.unit, text):
            run("systemctl", "daemon-reload")
        self.report.unlink(missing_ok=True)
        run("systemctl", "enable", "--quiet", "--now", self.unit)

    def stop(self) -> None:
        """End the passes, for now."""
        if (UNITS / self.unit).exists():
            run("systemctl", "stop", self.unit)

    def disable(self) -> None:
        """Do not start the passes at boot; quick, so it may be done in a pause."""
        (UNITS / "multi-user.target.wants" / self.unit).unlink(missing_ok=True)

    def running(self) -> bool:
        """Say whether passes are made."""
        return run("systemctl", "is-active", self.unit, good=(0, 3, 4)).strip() == "active"

    def last(self) -> dict[str, Any]:
        """Return what the last pass of the service reported: when it ended, its seconds, its error."""
        try:
            report: dict[str, Any] = json.loads(self.report.read_text())
        except (OSError, ValueError):
            return {}
        return report

    def serve(self) -> None:
        """Make passes for ever and report on each."""
        while True:
            began = time.time()
            report: dict[str, Any] = {"error": ""}
            try:
                self.once(86400.0)
            except StoreError as error:
                report["error"] = error.reason
            write(self.report, json.dumps({**report, "began": began, "ended": time.time()}))
            time.sleep(EVERY)

    def forget(self) -> None:
        """End the passes and throw the key away."""
        if (UNITS / self.unit).exists():
            run("systemctl", "disable", "--quiet", "--now", self.unit)
            (UNITS / self.unit).unlink()
        for file in (self.key, self.key.with_suffix(".pub"), self.known_hosts, PASSED / self.store.name):
            file.unlink(missing_ok=True)

    def _ssh(self) -> list[str]:
        return [
            "ssh", "-F", "/dev/null", "-i", str(self.key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
            "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={self.known_hosts}",
            "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5", "-o", f"ControlPath={self._control}",
        ]  # fmt: skip


def admit(name: str, peer: str, address: str, public_key: str) -> None:
    """Let one peer's key, from one address, read one store's folder, and nothing else."""
    see_key(public_key)
    if re.fullmatch(r"[\w.-]+@[\w.-]+ [0-9a-fA-F.:]+", f"{name}@{peer} {address}") is None:
        raise StoreError(f"{peer!r} at {address!r} cannot be let in: these are no names", "correct the inventory")
    options = f'restrict,from="{address}",command="/usr/bin/python3 -I {PROGRAM} give {name}"'
    _admissions(f" zhenghe:{name}@{peer}", f"{options} {public_key} zhenghe:{name}@{peer}\n")


_KEY = re.compile(r"(ssh-(ed25519|rsa)|ecdsa-sha2-nistp\d+|sk-[\w.-]+@openssh\.com) [A-Za-z0-9+/]+={0,3}")


def see_key(key: str) -> None:
    """See that a text is one key of OpenSSH's and nothing beside it: its line is obeyed by sshd and ssh."""
    if _KEY.fullmatch(key) is None:
        raise StoreError("the other host's key is no key of OpenSSH's on one line", "see who answers on that host")


def dismiss(name: str) -> None:
    """Let nobody read the store's folder any more."""
    _admissions(f" zhenghe:{name}@", "")


def admitted(name: str, peer: str, public_key: str) -> bool:
    """Say whether a peer's key may read the store's folder."""
    return ADMITTED.exists() and f"{public_key} zhenghe:{name}@{peer}\n" in ADMITTED.read_text()


def host_keys() -> list[str]:
    """Return the keys by which this host is known."""
    # From the private keys: their public halves are not always kept beside them.
    files = sorted(Path("/etc/ssh").glob("ssh_host_*_key"))
    return [" ".join(run("ssh-keygen", "-y", "-f", str(file)).split()[:2]) for file in files]


def install(text: str) -> None:
    """Put this file on the host as a command."""
    write(PROGRAM, text, 0o755)


def give(name: str, asked: str) -> None:
    """Become the sending end of rsync for one of the store's paths, whatever else was asked for."""
    words = shlex.split(asked)
    store = Store(name)
    flags = words[3:-2]
    fits = words[:3] == ["rsync", "--server", "--sender"] and words[-2:-1] == ["."]
    if not fits or not all(re.fullmatch(_GIVEN, flag) for flag in flags):
        sys.exit(f"zhenghe: {name} may only be read")
    if words[-1] not in {"root/", *store.gives}:
        sys.exit(f"zhenghe: {name} does not give {words[-1]}")
    path = f"{store.root}/" if words[-1] == "root/" else words[-1]
    os.execvp("rsync", [*words[:3], *flags, ".", path])


def _admissions(mark: str, line: str) -> None:
    ADMITTED.parent.mkdir(mode=0o700, exist_ok=True)
    old = ADMITTED.read_text() if ADMITTED.exists() else ""
    if old and not old.endswith("\n"):
        old += "\n"
    kept = "".join(one for one in old.splitlines(keepends=True) if mark not in one)
    write(ADMITTED, kept + line, 0o600)


def _mounts(path: str) -> list[list[str]]:
    """Return the options of each mount on a path, the uppermost last."""
    found = []
    for point, options in _mounted():
        if point == path:
            found.append(options)
    return found


def _below(folder: str) -> list[str]:
    """Return the points below a folder at which something is mounted, outer ones first."""
    start = folder.rstrip("/") + "/"
    return sorted({point for point, _ in _mounted() if point.startswith(start)})


def _mounted() -> Iterator[tuple[str, list[str]]]:
    for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines():
        words = line.split(" ")
        yield re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), words[4]), words[5].split(",")


def _changed_since(top: bytes, moment: int) -> list[bytes]:
    """Return the paths below a folder that were made or changed after a moment (nanoseconds), without folders."""
    found, pending = [], [b""]
    while pending:
        inside = pending.pop()
        with contextlib.suppress(FileNotFoundError), os.scandir(os.path.join(top, inside)) as entries:
            for entry in entries:
                path = os.path.join(inside, entry.name)
                with contextlib.suppress(FileNotFoundError):
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(path)
                    elif entry.stat(follow_symlinks=False).st_ctime_ns > moment:
                        found.append(path)
    return found


_UNIT_SEAL = """[Unit]
Description=Seal of the folder {root}
DefaultDependencies=no
RequiresMountsFor={root} /var/lib/zhenghe
After={after}
Before=local-fs.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/python3 -I {program} seal {name}

[Install]
WantedBy=local-fs.target
"""
_UNIT_PULL = """[Unit]
Description=Copy of {name}
After=network-online.target zhenghe-seal-{name}.service

[Service]
Nice=10
ExecStart=/usr/bin/python3 -I {program} pull {name}
Restart=always
RestartSec=3
# Some releases of rsync do not end when they are asked to; what a pass leaves behind is mended by the next one.
KillSignal=SIGKILL

[Install]
WantedBy=multi-user.target
"""


def main(argv: Sequence[str]) -> None:
    """Be a command on a host."""
    verb, name = argv
    if verb == "seal":
        store = Store(name)
        store.make_views()
        if store.sealed_for_good:
            store.seal(for_good=True)
    elif verb == "pull":
        Puller(Store(name)).serve()
    elif verb == "give":
        give(name, os.environ.get("SSH_ORIGINAL_COMMAND", ""))


if __name__ == "__main__":
    main(sys.argv[1:])
