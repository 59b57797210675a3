"""The Debian images that the twin's hosts start from: plain folders, each the lower layer of many overlays."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from infra.parts import cache

RECIPES = Path(__file__).with_name("recipes")
NAMES = ("bookworm", "bullseye")
# Part of every image's key: raise it when the way recipes are carried out changes.
_METHOD = 1


class Recipe(BaseModel):
    """What an image is made of, as its files in `infra/parts/recipes` say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    suite: str = ""
    packages: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()
    files: dict[str, str] = {}

    def merged(self, special: Recipe) -> Recipe:
        """Return this recipe with the suite, and what else it says, of a more special one."""
        lists = {name: getattr(self, name) + getattr(special, name) for name in _LISTS}
        return Recipe(suite=special.suite, files=self.files | special.files, **lists)

    @property
    def key(self) -> str:
        """The content hash that names the image of this recipe."""
        return cache.content_key(_METHOD, self.model_dump(mode="json"))


_FIELD = re.compile(r"^(Package|Version): (.+)$", re.MULTILINE)
_LISTS = ("packages", "left_out", "enabled", "disabled", "masked", "removed", "emptied")


def load_recipe(name: str) -> Recipe:
    """Read `common.yaml` and the recipe of one image on top of it."""
    return _read("common").merged(_read(name))


def image_path(name: str) -> Path:
    """Return where the image of that name is, or will be once it is built: its recipe decides the folder."""
    return cache.cache_root() / _part(name)


def build(name: str) -> Path:
    """Return the folder of an image; where it is missing, build it with mmdebstrap (about a minute, needs root)."""
    recipe = load_recipe(name)

    def make(folder: Path, lock: int) -> None:
        tool = cache.require_tool("mmdebstrap", "mmdebstrap")
        log = cache.cache_root() / "logs" / f"image-{name}.log"
        cache.run_stage(f"image {name}", [tool, *arguments(recipe, folder)], lock=lock, log=log,
                        env=os.environ | {"LC_ALL": "C.UTF-8"})  # fmt: skip

    return cache.ensure(_part(name), make)


def arguments(recipe: Recipe, folder: Path) -> list[str]:
    """Return the arguments of mmdebstrap that carry out a recipe; ZHENGHE_MIRROR may name a mirror."""
    mirror = os.environ.get("ZHENGHE_MIRROR")
    return [
        "--mode=root",
        "--variant=apt",
        f"--include={','.join(recipe.packages)}",
        '--aptopt=Apt::Install-Recommends "false"',
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in recipe.left_out),
        *(f"--essential-hook={_in_image(command)}" for command in _before_packages(recipe)),
        *(f"--customize-hook={_in_image(command)}" for command in _after_packages(recipe)),
        recipe.suite,
        str(folder),
        *([mirror] if mirror else []),
    ]


def installed_packages() -> Iterator[tuple[str, str]]:
    """Yield each image that is there with its packages, one a line with its version, in order."""
    for name in NAMES:
        status = image_path(name) / "var" / "lib" / "dpkg" / "status"
        if status.is_file():
            blocks = (dict(_FIELD.findall(block)) for block in status.read_text(errors="replace").split("\n\n"))
            lines = {
                f"{each['Package']} {each['Version']}\n" for each in blocks if {"Package", "Version"} <= each.keys()
            }
            yield name, "".join(sorted(lines))


def main(argv: Sequence[str]) -> int:
    """Build all images, or those named, and print their folders."""
    if argv[:1] != ["build"] or not set(argv[1:]) <= set(NAMES):
        print(f"usage: python -m infra.parts.images build [{'|'.join(NAMES)}]...", file=sys.stderr)
        return 2
    try:
        for name in argv[1:] or NAMES:
            print(build(name))
    except cache.SetupError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _before_packages(recipe: Recipe) -> list[str]:
    # Packages' scripts look at these files while they are installed: PostgreSQL takes its locale from one.
    return [f"mkdir -p {_quoted_parent(path)} && printf %s {shlex.quote(text)} > {shlex.quote(path)}"
            for path, text in recipe.files.items()]  # fmt: skip


def _after_packages(recipe: Recipe) -> list[str]:
    verbs = (("disable", recipe.disabled), ("mask", recipe.masked), ("enable", recipe.enabled))
    return [
        *(f"systemctl --quiet {verb} {shlex.join(units)}" for verb, units in verbs if units),
        *(f"rm -rf {pattern}" for pattern in recipe.removed),
        *(f": > {shlex.quote(path)}" for path in recipe.emptied),
    ]


def _in_image(command: str) -> str:
    return f'chroot "$1" sh -c {shlex.quote(command)}'


def _quoted_parent(path: str) -> str:
    return shlex.quote(str(Path(path).parent))


def _part(name: str) -> str:
    return f"images/{name}-{load_recipe(name).key}"


def _read(name: str) -> Recipe:
    document = yaml.safe_load((RECIPES / f"{name}.yaml").read_text())
    return Recipe.model_validate(document)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
