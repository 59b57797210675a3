"""The cache of the set-up outside the checkout: each part is named by what it was made from.

Several runs may work here at once, and each may be killed at any instant: a part is built under a name of its own
and renamed when it is whole, and the lock of a part is held until the last process that builds it is gone.

    SetupError          a part of the set-up cannot be made
    ├── BuildFailed     the command that makes a part failed
    └── MissingTool     a command of the operating system is missing
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from infra.parent_death import killed_with_parent
from inventory.errors import ZhengheError

DEFAULT_ROOT = Path("/var/cache/zhenghe")
_HEARTBEAT_SECONDS = 10.0
# What apt, uv and Go say where there is no way to a registry; scripts/setup.sh has the same list.
_UNREACHED = re.compile(
    "name resolution|[Cc]ould not resolve|unreachable|Connection (refused|timed out)|dns error|no such host"
)


class SetupError(ZhengheError):
    """Says what part of the set-up is missing, why, and how to mend it."""

    def __init__(self, what: str, why: str, mend: str) -> None:
        """Keep the three parts of the message apart."""
        super().__init__(f"{what}: {why}\n  mend: {mend}")
        self.what, self.why, self.mend = what, why, mend


class BuildFailed(SetupError):
    """The command that makes a part ended with an error."""


class MissingTool(SetupError):
    """A command of the operating system that makes a part is not there."""


def cache_root() -> Path:
    """Return the folder of all parts: ZHENGHE_CACHE, or /var/cache/zhenghe."""
    return Path(os.environ.get("ZHENGHE_CACHE") or DEFAULT_ROOT).absolute()


def own_root() -> Path:
    """Return the folder of parts that one user makes for himself, where the common one is not his to write into."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "zhenghe"


def content_key(*values: object) -> str:
    """Return the first 12 hexadecimal digits of a hash over the JSON form of the values."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def ensure(part: str, build: Callable[[Path, int], None], *, root: Path | None = None) -> Path:
    """Return the folder of a part such as `images/bookworm-0a1b2c`; where it is missing, have it built first.

    `build` gets the folder to make (which does not exist yet) and the descriptor of the lock, for its children.
    """
    done = (root or cache_root()) / part
    if done.is_dir():
        return done
    done.parent.mkdir(parents=True, exist_ok=True)
    with _locked(done) as lock:
        if not done.is_dir():
            unfinished = done.with_name(f".unfinished-{done.name}")
            _discard(unfinished)
            build(unfinished, lock)
            # Whoever set this machine up, with whatever umask: every user of it works with the same parts.
            for folder in (unfinished, done.parent):
                with suppress(PermissionError):
                    folder.chmod(folder.stat().st_mode | 0o555)
            # A machine that crashes now must not find the name without what it stands for.
            os.sync()
            unfinished.rename(done)
    return done


def run_stage(
    stage: str,
    command: Sequence[str | Path],
    *,
    lock: int,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run a long command with its output in `log`, tell how long it has taken, and end it when this process ends."""
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            killed_with_parent([*_own_pids(), *command]), stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, env=None if env is None else dict(env), cwd=cwd, pass_fds=(lock,),
        )  # fmt: skip
        try:
            code = _wait(process, stage, started)
        finally:
            process.kill()
            process.wait()
    if code != 0:
        raise _failed(stage, code, log)
    tell(f"{stage}: done ({time.monotonic() - started:.0f} s)")


def require_tool(name: str, package: str) -> str:
    """Return the path of a command, or raise MissingTool with the Debian package that has it."""
    found = shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    if found is None:
        raise MissingTool(name, "the command is not on this machine", f"apt-get install {package}, or run make setup")
    return found


def tell(line: str) -> None:
    """Print one line of progress at once, to standard error."""
    print(f"[setup] {line}", file=sys.stderr, flush=True)


def _own_pids() -> tuple[str, ...]:
    # A pid namespace takes all descendants along when its first process ends; only root can make one.
    return ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc") if os.geteuid() == 0 else ()


def _wait(process: subprocess.Popen[bytes], stage: str, started: float) -> int:
    while True:
        tell(f"{stage}: {time.monotonic() - started:.0f} s")
        try:
            return process.wait(timeout=_HEARTBEAT_SECONDS)
        except subprocess.TimeoutExpired:
            continue


@contextmanager
def _locked(part: Path) -> Iterator[int]:
    descriptor = os.open(part.with_name(f".{part.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(f"{part.name}: another run is building it; waiting")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _discard(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _failed(stage: str, code: int, log: Path) -> BuildFailed:
    if _UNREACHED.search(log.read_text(errors="replace")):
        mend = f"connect this machine, or set the proxies and mirrors of apt, pip and Go; then start again (log: {log})"
        return BuildFailed(stage, "a package registry was not reached", mend)
    return BuildFailed(stage, f"exit {code}: {_last_line(log)}", f"see {log}, mend what it names and start again")


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it printed nothing"
