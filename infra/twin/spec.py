"""The order to the supervisor, and the digest by which a living twin is recognised as the wanted one."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from infra.parts import images
from infra.twin.configured import Boot, boots
from infra.twin.layout import lay_out
from infra.worlds import CloudKind
from inventory.base import Model
from inventory.configured.folder import Kept
from inventory.model import Programme


class TwinSpec(Model):
    """All that a twin is built from."""

    name: str
    programme: Programme
    images: dict[str, Path]
    seeds: Path | None
    boots: dict[str, Boot]
    """What each device boots with."""
    small_disks: tuple[str, ...] = ()
    """Hosts whose disks can be filled."""
    cloud: CloudKind = "twin"
    """Its own small cloud, or a real OpenStack."""
    digest: str


def specify(
    programme: Programme,
    name: str,
    seeds: Path | None,
    fetched: Mapping[str, Kept] = MappingProxyType({}),
    small_disks: tuple[str, ...] = (),
    cloud: CloudKind = "twin",
) -> TwinSpec:
    """Return the specification of a programme's twin; its digest covers layout, configurations, images and seeds.

    Devices boot with their real configurations where these were fetched.
    """
    layout = lay_out(programme)
    booted = boots(programme, fetched)
    folders = {image: images.image_path(image) for image in images.NAMES}
    parts = {
        "layout": layout.model_dump(mode="json"),
        "devices": {name: boot.model_dump(mode="json") for name, boot in booted.items()},
        "images": sorted(map(str, folders.values())),
        "cloud": cloud,
        "seeds": [] if seeds is None else list(_contents(seeds)),
        "small disks": small_disks,
    }
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return TwinSpec(
        name=name,
        programme=programme,
        images=folders,
        seeds=seeds,
        boots=booted,
        small_disks=small_disks,
        cloud=cloud,
        digest=digest,
    )


def seeds_of(folder: Path) -> Path | None:
    """Return the folder that fills a twin's hosts with data, none where an inventory brings none."""
    seeds = folder / "twin"
    return seeds if seeds.is_dir() else None


def _contents(folder: Path) -> Iterator[tuple[str, int, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            yield str(path.relative_to(folder)), 0, str(path.readlink())
        elif path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            yield str(path.relative_to(folder)), path.stat().st_mode, digest
