"""The parts of the laboratory, each built once and kept by content like those of the set-up."""

import os
import shutil
import sys
from pathlib import Path

import yaml

from infra.parts import cache, images

_HERE = Path(__file__).parent
_LOCK = _HERE / "requirements.lock"
_DRIVERS = {
    "nova/virt": _HERE / "inside" / "nspawn_driver.py",
    "cinder/volume/drivers": _HERE / "inside" / "file_driver.py",
}
"""Where each belongs among the services' packages, under the name zhenghe."""
PYTHON = Path("/usr/bin/python3.11")
"""The image's own: the environment of the services is used by it, at the same path."""


def image() -> Path:
    """Return the file system of the services; where it is missing, build it (about two minutes, needs root)."""
    recipe = images.Recipe.model_validate(yaml.safe_load((_HERE / "image.yaml").read_text()))

    def make(folder: Path, lock: int) -> None:
        tool = cache.require_tool("mmdebstrap", "mmdebstrap")
        log = cache.cache_root() / "logs" / "laboratory-image.log"
        command = [tool, *images.arguments(recipe, folder)]
        cache.run_stage("laboratory image", command, lock=lock, log=log, env=os.environ | {"LC_ALL": "C.UTF-8"})

    return cache.ensure(f"laboratory/image-{recipe.key}", make)


def environment() -> Path:
    """Return the virtual environment of the services with our drivers in it; where it is missing, install it."""
    if not PYTHON.exists():
        raise cache.MissingTool(str(PYTHON), "the services of the laboratory need it", "use a Debian 12 machine")

    def make(folder: Path, lock: int) -> None:
        log = cache.cache_root() / "logs" / "laboratory-environment.log"
        uv: list[str | Path] = [sys.executable, "-m", "uv"]
        # Built under another name than it is used by.
        command = [*uv, "venv", "--quiet", "--relocatable", "--python", PYTHON, folder]
        cache.run_stage("laboratory environment", command, lock=lock, log=log)
        command = [*uv, "pip", "install", "--quiet", "--require-hashes", "--python", folder / "bin" / "python"]
        cache.run_stage("laboratory services", [*command, "--requirements", _LOCK], lock=lock, log=log)
        (packages,) = folder.glob("lib/python3.*/site-packages")
        for place, driver in _DRIVERS.items():
            shutil.copy(driver, packages / place / "zhenghe.py")

    key = cache.content_key(2, _LOCK.read_text(), *(driver.read_text() for driver in _DRIVERS.values()))
    return cache.ensure(f"laboratory/environment-{key}", make)


def servers(names: tuple[str, ...] = images.NAMES) -> dict[str, Path]:
    """Return the images that servers start from, by the name that they have in the cloud."""
    return {name: images.build(name) for name in names}
