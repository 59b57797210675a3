"""Twins for the command line and for tests: up, down, list, shell, and faults on purpose."""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from infra.laboratory import parts
from infra.laboratory.laboratory import NotHere, able
from infra.parts import images, toolchain
from infra.parts.cache import SetupError
from infra.ssh import client as ssh_client
from infra.twin import control
from infra.twin.cgroups import SUPERVISOR, Groups, hierarchies
from infra.twin.commands import run
from infra.twin.errors import CannotBuild, NotRunning, TwinError
from infra.twin.fleet import make_key
from infra.twin.outside import furniture
from infra.twin.paths import NAME, RUN, TwinPaths, state_root
from infra.twin.spec import TwinSpec, specify
from infra.worlds import CloudKind, World, load_world
from inventory.base import Model
from inventory.configured.folder import Kept
from inventory.model import Programme
from inventory.words import _

Progress = Callable[[str], None]
TOOLS = ("ip", "nft", "nsenter", "setsid", "socat", "ssh-keygen", "systemd-nspawn", "unshare")
INOTIFY_INSTANCES = 16384
"""Each host takes about six; the kernel's default of 128 is enough for twenty hosts."""
START_SECONDS = 20.0
_APART = ("unshare", "-n", "-m", "-p", "-f", "--kill-child", "--mount-proc", "--propagation", "private")


class TwinState(Model):
    """A twin as it is listed."""

    name: str
    state: str
    """building, ready, failed, or dead: leftovers of one that was killed."""
    hosts: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    """What can be cut."""
    down: tuple[str, ...] = ()
    """Hosts and devices that do not run."""


def up(
    programme: Programme,
    name: str,
    seeds: Path | None,
    progress: Progress,
    fetched: Mapping[str, Kept] = MappingProxyType({}),
    small_disks: tuple[str, ...] = (),
    cloud: CloudKind = "twin",
) -> World:
    """Return the world of a running twin: a living one that is what the programme wants, or one built in its place.

    Devices boot with their real configurations where these were fetched; only hosts with small disks can be filled. The
    cloud is the twin's own small one, or a real OpenStack.
    CannotBuild where the machine lacks something or a part does not start; nothing is left behind then.
    """
    paths = TwinPaths.of(name)
    require_machine()
    if cloud == "openstack":
        _require_laboratory(programme)
    with _locked(paths):
        spec = specify(programme, name, None if seeds is None else seeds.resolve(), fetched, small_disks, cloud)
        if real := sorted(device for device, boot in spec.boots.items() if boot.real):
            progress(_("as they are really configured: {devices}").format(devices=", ".join(real)))
        if _state_of(paths, spec) == "ready":
            progress(_("twin {name} runs already").format(name=name))
            return load_world(paths.world)
        _remove(paths)
        _prepare(paths, spec)
        try:
            _launch(paths)
            _follow(paths, progress)
        except BaseException:
            _end(paths)
            raise
    return load_world(paths.world)


def down(name: str) -> None:
    """End a twin and remove all of it, whatever was killed before; one that is not there is no error."""
    paths = TwinPaths.of(name)
    with _locked(paths):
        _remove(paths)
    paths.lock.unlink(missing_ok=True)


def list_twins() -> tuple[TwinState, ...]:
    """Return every twin of this machine, leftovers of dead ones included."""
    kept = (entry.name for entry in (state_root() / "twins").glob("*/") if NAME.fullmatch(entry.name))
    names = {*kept, *(socket.parent.name for socket in RUN.glob("*/control.sock"))}
    return tuple(_state(TwinPaths.of(name)) for name in sorted(names))


def shell(name: str, host: str, command: tuple[str, ...] = ()) -> int:
    """Open a shell on a host, or a device's command line, in this terminal; return its exit code."""
    paths = TwinPaths.of(name)
    if not paths.ssh_config.exists():
        raise NotRunning(name)
    terminal = ("-t",) if not command and sys.stdin.isatty() else ()
    return subprocess.run((*ssh_client(paths.ssh_config), *terminal, host, *command), check=False).returncode


def cut(name: str, segment: str) -> None:
    """Let a line, circuit or network swallow all frames while its ends see a carrier; see `list` for the names."""
    control.ask(TwinPaths.of(name).control, "segment.down", segment=segment)


def restore(name: str, segment: str) -> None:
    """Let a segment that was cut carry frames again."""
    control.ask(TwinPaths.of(name).control, "segment.up", segment=segment)


def stop(name: str, part: str, *, at_once: bool = False) -> None:
    """Stop a host or device, in order or by cutting its power at once; its disk stays."""
    control.ask(TwinPaths.of(name).control, "part.kill" if at_once else "part.stop", part=part)


def start(name: str, part: str) -> None:
    """Start a host or device that was stopped; return once it can be reached."""
    control.ask(TwinPaths.of(name).control, "part.start", part=part)


def silence(name: str, host: str) -> None:
    """Stop every process of a host where it is: nothing there answers, though its kernel does."""
    control.ask(TwinPaths.of(name).control, "host.silence", host=host)


def wake(name: str, host: str) -> None:
    """Let a silent host's processes go on."""
    control.ask(TwinPaths.of(name).control, "host.wake", host=host)


def fill(name: str, host: str) -> None:
    """Leave no room on the disk of a host that was built with a small one."""
    control.ask(TwinPaths.of(name).control, "host.fill", host=host)


def empty(name: str, host: str) -> None:
    """Take away what fills a host's disk."""
    control.ask(TwinPaths.of(name).control, "host.empty", host=host)


def require_machine() -> None:
    """Raise CannotBuild with the mend where this machine cannot carry a twin."""
    if os.geteuid() != 0:
        raise CannotBuild(_("rights"), _("a twin needs namespaces and mounts"), _("run this command as root"))
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    missing += [f"image {name}" for name in images.NAMES if not images.image_path(name).is_dir()]
    if not hierarchies():
        missing.append("/sys/fs/cgroup")
    if missing:
        raise CannotBuild(_("set-up"), _("missing: {parts}").format(parts=", ".join(missing)), _("run make setup"))
    try:
        run((*_APART, "true"))
    except CannotBuild as error:
        mend = _("use a machine of your own, or a container with all privileges")
        raise CannotBuild(_("namespaces"), error.why, mend) from error
    limit = Path("/proc/sys/fs/inotify/max_user_instances")
    if int(limit.read_text()) < INOTIFY_INSTANCES:
        limit.write_text(str(INOTIFY_INSTANCES))


def _require_laboratory(programme: Programme) -> None:
    furniture(programme)
    try:
        able()
        # Out here: the twin reaches no registry.
        for make in (parts.image, parts.environment, parts.servers, toolchain.openstack_provider):
            make()
    except (NotHere, SetupError) as why:
        raise CannotBuild(_("OpenStack"), str(why), _("leave --cloud out: the small cloud needs less")) from why


def _state_of(paths: TwinPaths, spec: TwinSpec) -> str:
    """Return the state of the living twin, or `other` where there is none or one of something else."""
    try:
        status = control.ask(paths.control, "status", limit=10)
    except TwinError:
        return "other"
    return str(status["state"]) if status["digest"] == spec.digest else "other"


def _prepare(paths: TwinPaths, spec: TwinSpec) -> None:
    paths.state.mkdir(mode=0o700, parents=True)
    paths.run.mkdir(mode=0o700, parents=True)
    make_key(paths.operator_key)
    paths.spec.write_text(spec.model_dump_json())


def _launch(paths: TwinPaths) -> None:
    """Start the supervisor in namespaces of its own, below an init that outlives nobody."""
    into_groups = "".join(f"echo $$ > {file}; " for file in Groups(paths.name).make(SUPERVISOR))
    # The shell is the init of the pid namespace: it buries orphans and ends when the supervisor does.
    init = ("sh", "-c", '"$@" & wait $!', "init")
    supervisor = (sys.executable, "-m", "infra.twin.supervisor", paths.name)
    command = ("sh", "-c", f'{into_groups}exec "$@"', "sh", "setsid", "--fork", *_APART, *init, *supervisor)
    package = str(Path(__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": package, "PYTHONUNBUFFERED": "1"}
    with paths.log.open("wb") as log:
        subprocess.run(
            command, env=environment, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True
        )  # fmt: skip


def _follow(paths: TwinPaths, progress: Progress) -> None:
    until = time.monotonic() + START_SECONDS
    while not paths.control.exists() and time.monotonic() < until and Groups(paths.name).processes():
        time.sleep(0.02)
    status = None
    try:
        for answer in control.listen(paths.control, "follow"):
            if "progress" in answer:
                progress(answer["progress"])
            status = answer.get("result")
    except NotRunning:
        status = None
    if status is None:
        raise CannotBuild(_("supervisor"), _last_words(paths.log), _("see {log}").format(log=paths.log))
    if status["error"] is not None:
        raise CannotBuild(**status["error"])


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return "\n".join(lines[-3:]) or _("it ended without a word")


def _end(paths: TwinPaths) -> None:
    """End every process of a twin and remove what would outlive it; logs and disks stay to be looked at."""
    for groups in (Groups(paths.name), Groups(f"{paths.name}-cloud")):
        groups.kill()
        groups.remove()
    shutil.rmtree(paths.run, ignore_errors=True)


def _remove(paths: TwinPaths) -> None:
    _end(paths)
    shutil.rmtree(paths.state, ignore_errors=True)


def _state(paths: TwinPaths) -> TwinState:
    try:
        status, parts = control.ask(paths.control, "status", limit=10), control.ask(paths.control, "list", limit=10)
    except TwinError:
        return TwinState(name=paths.name, state="dead")
    every = parts["hosts"] | parts["devices"]
    return TwinState(
        name=paths.name,
        state=status["state"],
        hosts=tuple(parts["hosts"]),
        devices=tuple(parts["devices"]),
        segments=tuple(parts["segments"]),
        down=tuple(name for name, runs in every.items() if not runs),
    )


@contextmanager
def _locked(paths: TwinPaths) -> Iterator[None]:
    paths.lock.parent.mkdir(parents=True, exist_ok=True)
    with paths.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
