"""Opens the archive that a workbook is, unless it would grow beyond all measure, and parses the XML inside of it.

Errors:
  Refused            what a file is makes it unfit; its code is explained by `inventory.survey.opening.workbooks`
"""

import io
import zipfile
from collections.abc import Callable, Mapping
from xml.parsers import expat

from inventory.errors import ZhengheError

LIMIT_UNPACKED = 256 * 1024 * 1024
LIMIT_MEMBERS = 4096
LIMIT_RATIO = 200
SMALL = 16 * 1024 * 1024
"""Below this a member may be packed as tightly as it likes: empty cells pack well."""

Start = Callable[[str, Mapping[str, str]], None]
End = Callable[[str], None]
Data = Callable[[str], None]


class Refused(ZhengheError):
    """A file, or a sheet of it, is not read."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(code, detail)


def opened(content: bytes) -> zipfile.ZipFile:
    """Open an archive after its directory was checked; Refused if it is broken, locked or a bomb."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError) as exc:
        raise Refused("broken") from exc
    members = archive.infolist()
    if len(members) > LIMIT_MEMBERS or sum(member.file_size for member in members) > LIMIT_UNPACKED:
        raise Refused("bomb")
    if len({member.filename for member in members}) != len(members):
        raise Refused("broken")
    for member in members:
        if member.flag_bits & 1:
            raise Refused("password")
        if member.file_size > SMALL and member.file_size > LIMIT_RATIO * max(1, member.compress_size):
            raise Refused("bomb")
    return archive


def verified(archive: zipfile.ZipFile) -> None:
    """Unpack everything once and keep nothing: sizes that the directory understates are found here."""
    for member in archive.infolist():
        with archive.open(member) as stream:
            while stream.read(1 << 20):
                pass


def local(name: str) -> str:
    """Return a tag's or attribute's name without its prefix."""
    return name.rpartition(":")[2]


def parsed(content: bytes, start: Start, end: End | None = None, data: Data | None = None) -> None:
    """Parse XML, tags and attributes by their local names; Refused where it declares a document type."""
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        # Entities are declared in a document type; no office program writes one.
        raise Refused("entities")

    def begun(name: str, attributes: dict[str, str]) -> None:
        start(local(name), {local(key): value for key, value in attributes.items()})

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = begun
    if end is not None:
        parser.EndElementHandler = lambda name: end(local(name))
    if data is not None:
        parser.CharacterDataHandler = data
    try:
        parser.Parse(content, True)  # noqa: FBT003
    except (expat.ExpatError, ValueError, LookupError) as exc:
        # LookupError: an encoding of that name is not known.
        raise Refused("broken") from exc
