"""Drives Pulumi's engine: looks at a site, provides it, withdraws it.

A stack for each site, with a file for its state under one folder. The engine and its plugins live in a pid namespace
that ends with this process, and a lock is held until the last of them is gone: whoever gets the lock knows that
nobody else works on the site, and that what an earlier run left unfinished is left for good.

    ProvisionError              a site could not be looked at or changed
    ├── EngineMissing           there is no Pulumi on this machine
    ├── EngineFailed            the engine could not do it; names the resource and the reason
    └── AmbiguousResource       several resources carry one unique name, so none may be taken: somebody has to choose
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pulumi.automation as auto
from pulumi.automation import events
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from infra.backends import Backend, BackendError, backend_of
from infra.declaration import SiteDeclaration
from infra.engine.mending import mended
from infra.engine.state import Change, Resource, SiteState
from infra.engine.tether import run_tethered
from infra.parts import toolchain
from infra.parts.cache import MissingTool
from infra.program import declare
from infra.provider.kinds import PACKAGE
from infra.worlds import World
from inventory.words import _

PROJECT = "zhenghe"
_QUIET = frozenset({"same", "refresh", "read", "discard", "create-replacement", "delete-replaced", "discard-replaced"})
_KEPT_VARIABLES = ("HOME", "LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "TMPDIR", "ZHENGHE_CACHE")

Progress = Callable[[str], None]


class ProvisionError(Exception):
    """A site could not be looked at or changed."""

    def __init__(self, site: str, resource: str, reason: str, mend: str) -> None:
        """Keep apart what, why and what to do next; the resource is empty where none is to blame."""
        where = _("site {site}, {resource}") if resource else _("site {site}")
        where = where.format(site=site, resource=resource)
        super().__init__(f"{where}: {reason}\n  " + _("mend: {mend}").format(mend=mend))
        self.site, self.resource, self.reason, self.mend = site, resource, reason, mend


class EngineMissing(ProvisionError):
    """There is no Pulumi engine on this machine."""


class EngineFailed(ProvisionError):
    """The engine could not do what it was asked."""


class AmbiguousResource(ProvisionError):
    """Several resources carry one name that must be unique."""


class SiteEngine:
    """Looks at and changes the sites of one world; may be used from several threads, one site at a time each."""

    def __init__(self, world: World, home: Path, command: Path | None = None) -> None:
        """Keep the states under `home`; `command` is the path of pulumi, found on this machine where it is left out."""
        self._backend: Backend = backend_of(world.cloud)
        self._home = home.absolute()
        self._command = command
        self._engine: _Tethered | None = None

    def observe(self, site: SiteDeclaration) -> SiteState:
        """Compare the site as it is in the cloud with its declaration; changes nothing there."""
        with self._working(site) as work:
            try:
                seen = work.run(lambda stack, note: stack.preview(refresh=True, color="never", on_event=note))
            except EngineFailed as error:
                return SiteState(site=site.site, state="unknown", why=error.reason)
        return seen.state("not-done" if seen.changes else "done")

    def provide(self, site: SiteDeclaration, progress: Progress | None = None) -> SiteState:
        """Make the site as declared, after mending what a killed run left; may be repeated after any kill."""
        with self._working(site, progress) as work, work.unfinished():
            made = work.run(
                lambda stack, note: stack.up(refresh=True, continue_on_error=True, color="never", on_event=note)
            )
        return made.state("done")

    def withdraw(self, site: SiteDeclaration, progress: Progress | None = None) -> SiteState:
        """Delete everything that was provided for the site; may be repeated after any kill."""
        with self._working(site, progress) as work, work.unfinished():
            gone = work.run(
                lambda stack, note: stack.destroy(refresh=True, continue_on_error=True, color="never", on_event=note)
            )
        return gone.state("done").model_copy(update={"resources": ()})

    @contextlib.contextmanager
    def _working(self, site: SiteDeclaration, progress: Progress | None = None) -> Iterator[_Work]:
        self._home.mkdir(parents=True, exist_ok=True)
        said = progress or _silent
        with _held(self._home / f"{site.site}.lock", said) as lock:
            engine = self._tethered(site.site)
            yield _Work(site, self._backend, self._home, engine.holding(lock), said)

    def _tethered(self, site: str) -> _Tethered:
        if self._engine is None:
            try:
                command = self._command or toolchain.pulumi_path()
                self._engine = _Tethered(command, _search_path(command))
            except MissingTool as error:
                raise EngineMissing(site, "", error.why, error.mend) from error
        return self._engine


class _Work:
    """One site's stack while its lock is held."""

    def __init__(
        self, site: SiteDeclaration, backend: Backend, home: Path, engine: _Tethered, progress: Progress
    ) -> None:
        self._site = site
        self._backend = backend
        self._mark = home / f"{site.site}.unfinished"
        self._progress = progress
        folder = home / "work" / site.site
        folder.mkdir(parents=True, exist_ok=True)
        (home / "state").mkdir(exist_ok=True)
        workspace = auto.LocalWorkspace(
            work_dir=str(folder),
            pulumi_home=str(home / "pulumi"),
            pulumi_command=engine,
            program=lambda: declare(site, backend),
            project_settings=auto.ProjectSettings(name=PROJECT, runtime="python"),
            env_vars={
                # Files of attributes beside the states are not written in one piece: a kill leaves them empty, and
                # then the state cannot be read. The states themselves are.
                "PULUMI_BACKEND_URL": f"file://{home / 'state'}?metadata=skip",
                "PULUMI_CONFIG_PASSPHRASE_FILE": str(_passphrase(home)),
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                **backend.environment(),
            },
        )
        self._stack = _Stack(site.site, workspace)

    @contextlib.contextmanager
    def unfinished(self) -> Iterator[None]:
        """Mark the time in which a kill leaves something to mend, and mend what an earlier one has left."""
        if self._mark.exists():
            self._mend()
        self._mark.touch()
        yield
        self._mark.unlink()

    def run(self, action: Callable[[_Stack, auto.OnEvent], object]) -> _Journal:
        """Run one action of the engine on the stack, which is made where it does not exist yet."""
        journal = _Journal(self._site.site, self._progress)
        try:
            try:
                action(self._stack, journal.note)
            except auto.StackNotFoundError:
                self._stack.workspace.create_stack(self._site.site)
                action(self._stack, journal.note)
        except auto.CommandError as error:
            raise self._translated(error, journal) from error
        return journal

    def _mend(self) -> None:
        self._progress(_("site {site}: mending what an interrupted run left").format(site=self._site.site))
        try:
            with contextlib.suppress(auto.CommandError):
                self._stack.cancel()
            state = self._stack.export_stack()
            deployment, doubled = mended(state.deployment or {}, self._identities)
            if doubled:
                raise _ambiguous(self._site.site, doubled[0].urn, doubled[0].identities)
            if (state.deployment or {}).get("pending_operations"):
                self._stack.import_stack(auto.Deployment(version=state.version, deployment=deployment))
        except auto.StackNotFoundError:
            return
        except auto.CommandError as error:
            raise self._translated(error, _Journal(self._site.site, self._progress)) from error

    def _translated(self, error: auto.CommandError, journal: _Journal) -> ProvisionError:
        again = _("mend what it names, and start again")
        for urn, reason in journal.failures:
            inputs = journal.inputs.get(urn, {})
            found = self._identities(_type_of(urn), inputs) if "name" in inputs else ()
            if len(found) > 1:
                return _ambiguous(self._site.site, urn, found)
            return EngineFailed(self._site.site, _name_of(urn), reason, again)
        return EngineFailed(self._site.site, "", _last_line(str(error)), again)

    def _identities(self, resource_type: str, inputs: Mapping[str, Any]) -> tuple[str, ...]:
        try:
            return self._backend.identities(resource_type, inputs)
        except BackendError as error:
            name = str(inputs.get("name", ""))
            raise EngineFailed(self._site.site, name, str(error), _("mend the cloud, and start again")) from error


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


class _Journal:
    """Folds the engine's events into what was seen and what was changed."""

    def __init__(self, site: str, progress: Progress) -> None:
        self._site = site
        self._progress = progress
        self._before: set[str] = set()
        self._resources: dict[str, Resource] = {}
        self.changes: dict[str, Change] = {}
        self.failures: list[tuple[str, str]] = []
        self.inputs: dict[str, Mapping[str, Any]] = {}

    def note(self, event: events.EngineEvent) -> None:
        """Take in one event of the engine."""
        if event.resource_pre_event is not None:
            self._starts(event.resource_pre_event.metadata)
        elif event.res_outputs_event is not None:
            self._ends(event.res_outputs_event.metadata)
        elif event.diagnostic_event is not None and event.diagnostic_event.severity == "error":
            diagnostic = event.diagnostic_event
            self.failures.append((diagnostic.urn or "", diagnostic.message.strip()))

    def state(self, outcome: str) -> SiteState:
        """Return what the events tell."""
        return SiteState.model_validate(
            {
                "site": self._site,
                "state": outcome,
                "resources": tuple(self._resources[urn] for urn in sorted(self._resources)),
                "changes": tuple(self.changes[urn] for urn in sorted(self.changes)),
            }
        )

    def _starts(self, step: events.StepEventMetadata) -> None:
        if step.type.startswith("pulumi:"):
            return
        if step.op.value == "refresh":
            self._before.add(step.urn)
        if step.new is not None:
            self.inputs[step.urn] = step.new.inputs or {}
        if step.op.value not in _QUIET:
            change = Change.model_validate(
                {"op": step.op.value, "type": step.type, "name": _name_of(step.urn), "why": self._why(step)}
            )
            self.changes[step.urn] = change
            self._progress(
                _("site {site}: {op} {name} ({why})").format(
                    site=self._site, op=_done_to(change), name=change.name, why=change.why
                )
            )

    def _ends(self, step: events.StepEventMetadata) -> None:
        if step.type.startswith("pulumi:"):
            return
        if step.new is not None and step.new.id:
            self._resources[step.urn] = Resource(urn=step.urn, name=_name_of(step.urn), type=step.type, id=step.new.id)
        else:
            self._resources.pop(step.urn, None)

    def _why(self, step: events.StepEventMetadata) -> str:
        differing = ", ".join(step.diffs or step.keys or ())
        if step.op.value == "create":
            return _("it has gone") if step.urn in self._before else _("it is not there yet")
        if step.op.value == "delete":
            return _("it is not declared")
        return _("{fields}: not as declared").format(fields=differing)


class _Tethered(auto.PulumiCommand):
    """Pulumi's command, tied to this process, with an environment of its own."""

    def __init__(self, command: Path, path: str, lock: int | None = None, version: VersionInfo | None = None) -> None:
        self.command = str(command)
        self._path = path
        self._lock = lock
        self.version = version or self._ask_version()

    def holding(self, lock: int) -> _Tethered:
        """Return the same command with a lock that stays held until the last of its processes is gone."""
        return _Tethered(Path(self.command), self._path, lock, self.version)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: auto.OnOutput | None = None,
        on_error: auto.OnOutput | None = None,
    ) -> auto.CommandResult:
        """Run one command of the engine to its end."""
        ended = run_tethered(
            [self.command, "--non-interactive", *args],
            folder=Path(cwd),
            environment=self._environment(additional_env),
            lock=self._lock,
            on_output=on_output,
            on_error=on_error,
        )
        result = auto.CommandResult(ended.output, ended.errors, ended.code)
        if ended.code != 0:
            raise create_command_error(result)
        return result

    def _environment(self, additional: Mapping[str, str]) -> dict[str, str]:
        # Not ours as a whole: the engine passes it on to its plugins, and may hold secrets that are not theirs.
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        return {**kept, **additional, "PATH": self._path, "PULUMI_AUTOMATION_API": "true"}

    def _ask_version(self) -> VersionInfo:
        ended = run_tethered(
            [self.command, "version"],
            folder=Path("/"),
            environment=self._environment({"PULUMI_SKIP_UPDATE_CHECK": "true"}),
        )
        if ended.code != 0:
            why = _("{command} does not run: {why}").format(command=self.command, why=_last_line(ended.errors))
            raise MissingTool("pulumi", why, "make setup")
        return VersionInfo.parse(ended.output.strip().removeprefix("v"))


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


def _passphrase(home: Path) -> Path:
    """Return the file of the passphrase that seals secrets in the states; it is made on first use."""
    file = home / "passphrase"
    if not file.exists():
        scratch = home / f".passphrase-{secrets.token_hex(4)}"
        scratch.touch(mode=0o600)
        scratch.write_text(secrets.token_urlsafe(32))
        # Two first uses at once: the link fails for the second one, which then uses the first one's file.
        with contextlib.suppress(FileExistsError):
            file.hardlink_to(scratch)
        scratch.unlink()
    return file


def _search_path(command: Path) -> str:
    plugins = toolchain.launchers({f"pulumi-resource-{PACKAGE}": "infra.provider"})
    return os.pathsep.join((str(command.parent), str(plugins), os.environ.get("PATH", os.defpath)))


def _ambiguous(site: str, urn: str, identities: tuple[str, ...]) -> AmbiguousResource:
    reason = _("{count} resources carry this name: {ids}").format(count=len(identities), ids=", ".join(identities))
    return AmbiguousResource(site, _name_of(urn), reason, _("delete those that are too many, and start again"))


def _done_to(change: Change) -> str:
    words = {"create": _("create"), "update": _("change"), "replace": _("replace"), "delete": _("delete")}
    return words[change.op]


def _type_of(urn: str) -> str:
    return urn.split("::")[-2].rsplit("$", maxsplit=1)[-1] if "::" in urn else ""


def _name_of(urn: str) -> str:
    return urn.rsplit("::", maxsplit=1)[-1]


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("stderr: ").removeprefix("error: ") if lines else _("it said nothing")


def _silent(_line: str) -> None:
    """Swallow the progress nobody asked for."""
