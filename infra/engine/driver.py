"""Drives Pulumi's engine: looks at a site, provides it, withdraws it.

A stack for each site, with a file for its state under one folder. The engine and its plugins live in a pid namespace
that ends with this process, and a lock is held until the last of them is gone: whoever gets the lock knows that
nobody else works on the site, and that what an earlier run left unfinished is left for good.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pulumi
import pulumi.automation as auto

from infra import host_keys
from infra.backends import Backend, BackendError, backend_of
from infra.credentials.errors import SecretError
from infra.declaration import SiteDeclaration
from infra.engine import backups, locks
from infra.engine.command import EngineKilled, TetheredPulumi, last_line
from infra.engine.errors import AmbiguousResource, EngineFailed, EngineMissing, NotReady, ProvisionError, Unproven
from infra.engine.journal import Journal, Progress, name_of, type_of
from infra.engine.mending import mended, with_doubts
from infra.engine.places import handed_over, states_environment
from infra.engine.state import Change, SiteState
from infra.parts import toolchain
from infra.parts.cache import SetupError
from infra.program import declare
from infra.worlds import StateSettings, World
from inventory.words import _

PROJECT = "zhenghe"


class SiteEngine:
    """Looks at and changes the sites of one world; may be used from several threads, one site at a time each."""

    def __init__(self, world: World, home: Path, command: Path | None = None) -> None:
        """Keep the states under `home`; `command` is the path of pulumi, found on this machine where it is left out."""
        self._world = world
        self._home = home.absolute()
        self._command = command
        self._engine: TetheredPulumi | None = None

    def observe(self, site: SiteDeclaration) -> SiteState:
        """Compare the site as it is in the cloud with its declaration; changes nothing there."""
        try:
            with self._working(site) as work:
                seen = work.run(lambda stack, note: stack.preview(refresh=True, color="never", on_event=note))
                strays = work.strays()
        except EngineFailed as error:
            return SiteState(site=site.site, state="unknown", why=error.reason)
        state = seen.state("not-done" if seen.changes or strays else "done")
        return state.model_copy(update={"changes": (*state.changes, *strays)})

    def preview(self, site: SiteDeclaration) -> SiteState:
        """Observe the site, and tell what stands against making what it lacks; changes nothing there."""
        seen = self.observe(site)
        if seen.state == "done":
            return seen
        # What kept it from being seen may be what the cloud lacks.
        with contextlib.suppress(EngineFailed), self._working(site) as work:
            return seen.model_copy(update={"findings": work.lacking()})
        return seen

    def provide(self, site: SiteDeclaration, progress: Progress | None = None) -> SiteState:
        """Make the site as declared, after mending what a killed run left; may be repeated after any kill."""
        with self._working(site, progress) as work, work.unfinished():
            work.look_ahead()
            cleared = work.clear()
            made = work.run(
                lambda stack, note: stack.up(refresh=True, continue_on_error=True, color="never", on_event=note)
            )
            # Somebody may have opened one of our groups while we worked.
            cleared += work.clear()
            state = made.state("done")
            work.admit(state, self._world.ssh_config)
        return state.model_copy(update={"changes": (*state.changes, *cleared)})

    def withdraw(self, site: SiteDeclaration, progress: Progress | None = None) -> SiteState:
        """Delete everything that was provided for the site; may be repeated after any kill."""
        with self._working(site, progress) as work, work.unfinished():
            gone = work.run(
                lambda stack, note: stack.destroy(refresh=True, continue_on_error=True, color="never", on_event=note)
            )
        return gone.state("done").model_copy(update={"resources": ()})

    @contextlib.contextmanager
    def bare(self, site: str) -> Iterator[auto.Stack]:
        """Yield a site's stack without its program, to read or write its state while nobody works on the site."""
        self._home.mkdir(parents=True, exist_ok=True)
        with _held(self._home / f"{site}.lock", _silent) as lock:
            engine = self._tethered(site, lock, tuple)
            yield _Stack(site, _workspace(site, self._home, self._world.state, engine))

    @contextlib.contextmanager
    def _working(self, site: SiteDeclaration, progress: Progress | None = None) -> Iterator[_Work]:
        self._home.mkdir(parents=True, exist_ok=True)
        said = progress or _silent
        with _held(self._home / f"{site.site}.lock", said) as lock:
            if handed_over(self._home, site.site).exists():
                raise _elsewhere(site.site)
            backend = backend_of(self._world.cloud_of(site.site))
            engine = self._tethered(site.site, lock, backend.plugins)
            yield _Work(site, backend, self._home, self._world.state, engine, said)

    def _tethered(self, site: str, lock: int, plugins: Callable[[], tuple[Path, ...]]) -> TetheredPulumi:
        try:
            if self._engine is None:
                self._engine = TetheredPulumi(self._command or toolchain.pulumi_path())
            return self._engine.holding(lock, plugins())
        except SetupError as error:
            raise EngineMissing(site, "", error.why, error.mend) from error


class _Work:
    """One site's stack while its lock is held."""

    def __init__(
        self,
        site: SiteDeclaration,
        backend: Backend,
        home: Path,
        state: StateSettings | None,
        engine: TetheredPulumi,
        progress: Progress,
    ) -> None:
        self._site = site
        self._backend = backend
        self._mark = home / f"{site.site}.unfinished"
        self._doubts = home / f"{site.site}.doubtful.json"
        self._backups = home / "backups" / site.site
        self._killed: float | None = None
        self._deployment: Mapping[str, Any] | None = None
        self._progress = progress
        workspace = _workspace(site.site, home, state, engine, _environment(site.site, backend))
        self._refused: BackendError | None = None
        workspace.program = self._declare
        self._stack = _Stack(site.site, workspace)

    @contextlib.contextmanager
    def unfinished(self) -> Iterator[None]:
        """Mark the time in which a kill leaves something to mend, and mend what an earlier one has left."""
        if self._mark.exists():
            self._killed = self._mark.stat().st_mtime
            self._mend()
        self._mark.touch()
        if exported := self._exported():
            backups.keep(self._backups, exported)
        yield
        self._mark.unlink()

    def look_ahead(self) -> None:
        """Raise NotReady with everything that stands against making what is not made yet."""
        if findings := self.lacking():
            raise NotReady(self._site.site, findings)

    def lacking(self) -> tuple[str, ...]:
        """Return what stands against making what is not made yet."""
        with _asking(self._site.site):
            return self._backend.lacking(self._site, self._held())

    def strays(self) -> tuple[Change, ...]:
        """Return what the engine cannot see of what differs from the declaration."""
        with _asking(self._site.site):
            return tuple(_stray(name) for name in self._backend.strays(self._site))

    def clear(self) -> tuple[Change, ...]:
        """Take away what the engine cannot see, and what an earlier run has made that is of no use."""
        with _asking(self._site.site):
            return tuple(_stray(name) for name in self._backend.clear(self._site))

    def admit(self, state: SiteState, ssh_config: Path) -> None:
        """Make new hosts known by the keys that the cloud proves; raise Unproven where it proves none."""
        servers = state.ids("Instance", "Server")
        with _asking(self._site.site):
            new = self._backend.host_keys(host_keys.unknown(ssh_config, servers)) if ssh_config.exists() else ()
        host_keys.admit(ssh_config, new)
        unproven = tuple(host for host in new if not host.keys)
        if unproven:
            ways = "; ".join(host_keys.way_to_prove(ssh_config, host.name) for host in unproven)
            names = ", ".join(host.name for host in unproven)
            raise Unproven(self._site.site, names, _("host keys not proven: {why}").format(why=unproven[0].why), ways)

    def _declare(self) -> None:
        """Declare the site; the engine would tell an error of the program's with its traceback."""
        try:
            declare(self._site, self._backend)
        except BackendError as error:
            self._refused = error
            raise pulumi.RunError(str(error)) from error

    def _held(self) -> frozenset[tuple[str, str]]:
        return frozenset(
            (str(resource["type"]).rsplit(":", maxsplit=1)[-1], name_of(resource["urn"]))
            for resource in self._exported().get("resources") or ()
            if resource.get("id")
        )

    def _exported(self) -> Mapping[str, Any]:
        """Return the state as it was before this run changed anything; empty where there is none."""
        if self._deployment is None:
            try:
                self._deployment = self._stack.export_stack().deployment or {}
            except auto.StackNotFoundError:
                self._deployment = {}
            except auto.CommandError as error:
                raise self._translated(error, Journal(self._site.site, self._progress)) from error
        return self._deployment

    def run(self, action: Callable[[_Stack, auto.OnEvent], object]) -> Journal:
        """Run one action of the engine on the stack, which is made where it does not exist yet."""
        journal = Journal(self._site.site, self._progress)
        try:
            try:
                self._past_locks(lambda: action(self._stack, journal.note))
            except auto.StackNotFoundError:
                self._stack.workspace.create_stack(self._site.site)
                action(self._stack, journal.note)
        except auto.CommandError as error:
            if journal.doubtful:
                backups.write(self._doubts, json.dumps(journal.doubtful))
            raise self._translated(error, journal) from error
        return journal

    def _mend(self) -> None:
        self._progress(_("site {site}: mending what an interrupted run left").format(site=self._site.site))
        try:
            state = self._stack.export_stack()
            left = with_doubts(state.deployment or {}, self._doubts)
            deployment, doubled = mended(left, self._identities)
            if doubled:
                raise _ambiguous(self._site.site, doubled[0].urn, doubled[0].identities)
            if left.get("pending_operations"):
                mended_state = auto.Deployment(version=state.version, deployment=deployment)
                self._past_locks(lambda: self._stack.import_stack(mended_state))
            self._doubts.unlink(missing_ok=True)
        except auto.StackNotFoundError:
            return
        except auto.CommandError as error:
            raise self._translated(error, Journal(self._site.site, self._progress)) from error

    def _past_locks(self, act: Callable[[], object]) -> None:
        """Do something for which the engine locks the state; a lock goes whose holder is proven dead, and no other."""
        try:
            act()
        except auto.CommandError as error:
            found = locks.holders(str(error))
            alive = [holder for holder in found if not holder.dead(self._killed)]
            if alive:
                raise _locked(self._site.site, alive[0]) from error
            if not found:
                raise
            self._stack.cancel()
            act()

    def _translated(self, error: auto.CommandError, journal: Journal) -> ProvisionError:
        if isinstance(error, EngineKilled):
            return EngineFailed(self._site.site, "", error.reason, _("start again: what was begun is mended first"))
        if self._refused is not None:
            return EngineFailed(self._site.site, "", str(self._refused), _("mend the cloud, and start again"))
        again = _("mend what it names, and start again")
        for urn, reason in journal.failures:
            inputs = journal.inputs.get(urn, {})
            found = self._identities(type_of(urn), inputs) if "name" in inputs else ()
            if len(found) > 1:
                return _ambiguous(self._site.site, urn, found)
            told = self._backend.explained(type_of(urn), inputs, reason)
            return EngineFailed(self._site.site, name_of(urn), told, again)
        return EngineFailed(self._site.site, "", last_line(str(error)), again)

    def _identities(self, resource_type: str, inputs: Mapping[str, Any]) -> tuple[str, ...]:
        with _asking(self._site.site, str(inputs.get("name", ""))):
            return self._backend.identities(resource_type, inputs)


def _workspace(
    site: str,
    home: Path,
    state: StateSettings | None,
    engine: TetheredPulumi,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> auto.LocalWorkspace:
    folder = home / "work" / site
    folder.mkdir(parents=True, exist_ok=True)
    (home / "state").mkdir(exist_ok=True)
    return auto.LocalWorkspace(
        work_dir=str(folder),
        pulumi_home=str(home / "pulumi"),
        pulumi_command=engine,
        project_settings=auto.ProjectSettings(name=PROJECT, runtime="python"),
        env_vars={**_where(site, home, state), "PULUMI_SKIP_UPDATE_CHECK": "true", **environment},
    )


@contextlib.contextmanager
def _asking(site: str, resource: str = "") -> Iterator[None]:
    """Raise what a backend cannot answer as a failure of the site."""
    try:
        yield
    except BackendError as error:
        raise EngineFailed(site, resource, str(error), _("mend the cloud, and start again")) from error


def _environment(site: str, backend: Backend) -> Mapping[str, str]:
    with _asking(site):
        return backend.environment()


def _where(site: str, home: Path, state: StateSettings | None) -> Mapping[str, str]:
    try:
        return states_environment(home, state)
    except SecretError as error:
        raise EngineFailed(site, "", str(error), _("mend the reference in the world's state")) from error


def _stray(name: str) -> Change:
    return Change(op="update", type="", name=name, why=_("it has what nobody declared, is in error, or never came up"))


class _Stack(auto.Stack):
    """A stack that is addressed by its name alone and is told by its events what it did.

    The SDK would start the engine four times more, two seconds altogether, to ask for the same.
    """

    def __init__(self, name: str, workspace: auto.Workspace) -> None:
        self.name = name
        self.workspace = workspace

    def outputs(self) -> auto.OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> auto.UpdateSummary:  # noqa: ARG002, FBT001, FBT002 -- the SDK's
        now = datetime.now(tz=UTC)
        return auto.UpdateSummary("update", now, "", {}, {}, "", now)


@contextlib.contextmanager
def _held(file: Path, progress: Progress) -> Iterator[int]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(_("{name}: another run works on it; waiting").format(name=file.stem))
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _elsewhere(site: str) -> ProvisionError:
    reason = _("it was handed over to another machine, which knows better what it is made of")
    return ProvisionError(site, "", reason, _("change it there, or take it back: zhenghe site import"))


def _locked(site: str, holder: locks.Holder) -> EngineFailed:
    reason = _("its state is locked by {user} on {host} since {since:%Y-%m-%d %H:%M}; nothing proves him dead")
    mend = _("wait until that run has ended; where it was killed, call the same command there: it goes on")
    return EngineFailed(site, "", reason.format(user=holder.user, host=holder.host, since=holder.since), mend)


def _ambiguous(site: str, urn: str, identities: tuple[str, ...]) -> AmbiguousResource:
    reason = _("{count} resources carry this name: {ids}").format(count=len(identities), ids=", ".join(identities))
    return AmbiguousResource(site, name_of(urn), reason, _("delete those that are too many, and start again"))


def _silent(_line: str) -> None:
    """Swallow the progress nobody asked for."""
