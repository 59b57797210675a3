"""Addresses in configuration: what stands for another host is replaced, place by place, and nothing else is touched.

A substitution is {"found", "becomes", "of", "kind"}. `kind` is address (an IPv4 address, wherever it stands as a word),
host (a name, where a text uses it as a host), local (any word for the own host, with a port) or word (as a person wrote
it). Files are bytes, for they may be GBK; what is told of a place is its line's number, never the line.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import zipfile
from typing import Any, Iterable, Iterator

from playbooks.agents.kit import Refused

LARGEST = 4 << 20
"""Bytes of a configuration file."""
LOOKED_AT = 1 << 20
"""Bytes of a file that is looked through though nobody declared it."""
ARCHIVES = (".jar", ".war", ".ear", ".zip")
MOST = 200
"""Files that hold an address undeclared are told up to so many."""
_ENDS = rb"(?![\w-])(?!\.\w)"
_KEYS = rb"(?i:host(?:s|names?)?|servers?|addr(?:ess)?|ip|data[ _]?source|endpoint|node)"
# host=, "host": ", 'DB_HOST', ', <host>, Data Source=: a key that ends so, and a value that is not far.
_BEFORE_A_HOST = (
    rb"(?:(?<=//)|(?<=@)|" + _KEYS + rb"[\"'\])]{0,2}[ \t]*(?:=>|[:=,>])[ \t]*[\"'(\[]?)"
)


def substituted(text: bytes, table: Iterable[dict[str, Any]]) -> tuple[bytes, list[dict[str, Any]]]:
    """Return a text with all that a table names replaced, and the places: line, found, becomes, of."""
    rows = list(table)
    if not rows:
        return text, []
    patterns = [(row, _pattern(row)) for row in rows]
    places: list[dict[str, Any]] = []
    lines = []
    for number, line in enumerate(text.split(b"\n"), start=1):
        new, found = _in_line(line, patterns)
        lines.append(new)
        places += [{"line": number, **{key: row[key] for key in ("found", "becomes", "of")}} for row in found]
    return b"\n".join(lines), places


def turned_round(table: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the table of the way back: each new word leads to the first old one that led to it, addresses first."""
    rows = sorted(table, key=lambda row: row["kind"] != "address")
    first: dict[str, dict[str, Any]] = {}
    for row in rows:
        first.setdefault(row["becomes"], {**row, "found": row["becomes"], "becomes": row["found"], "kind": "word"})
    return list(first.values())


def left(text: bytes, table: Iterable[dict[str, Any]]) -> list[tuple[int, str]]:
    """Return where a substituted text still says something that may mean an old host: line and what stands there."""
    rows = list(table)
    words = {row["found"] for row in rows if row["kind"] in {"address", "host"} and ":" not in row["found"]}
    near = [row["found"].partition(":") for row in rows if row["kind"] == "local"]
    # A port on a line of its own says that its neighbour is meant.
    apart = {word for word, _, port in near if re.search(rb"(?<![\w.:])%s(?![\w.])" % port.encode(), text)}
    every = [re.compile(rb"(?i)(?<![\w.-])%s(?![\w-])" % re.escape(word.encode())) for word in sorted(words | apart)]
    rest = substituted(text, [{**row, "becomes": "\0"} for row in rows])[0]
    lines = enumerate(rest.split(b"\n"), start=1)
    return [(number, found[0].decode()) for number, line in lines for one in every if (found := one.search(line))]


def told(path: str, places: Iterable[dict[str, Any]]) -> list[str]:
    """Say for people which places of a file change; the lines themselves may hold secrets."""
    return [f"{path}:{one['line']}: {one['found']} -> {one['becomes']} ({one['of']})" for one in places]


def _pattern(row: dict[str, Any]) -> re.Pattern[bytes]:
    word = re.escape(row["found"].encode())
    if row["kind"] == "host":
        named = rb"(?P<word>(?i:" + word + rb"))"
        with_port = rb"(?<![\w.-])(?P<alone>(?i:" + word + rb"))(?=\\?:\d)"
        return re.compile(_BEFORE_A_HOST + named + _ENDS + rb"|" + with_port)
    if row["kind"] == "word":
        return re.compile(rb"(?<![\w.-])(?P<word>" + word + rb")(?![\w-])")
    # Properties of Java may have a backslash before a colon.
    return re.compile(rb"(?<![\w.-])(?P<word>" + word.replace(b":", rb"\\?:") + rb")" + _ENDS)


def _in_line(
    line: bytes, patterns: list[tuple[dict[str, Any], re.Pattern[bytes]]]
) -> tuple[bytes, list[dict[str, Any]]]:
    # All at once: what one substitution writes is not found by the next.
    hits = []
    for row, pattern in patterns:
        hits += [(*match.span(match.lastgroup or 0), row) for match in pattern.finditer(line)]
    new, found, at = b"", [], 0
    for start, end, row in sorted(hits, key=lambda hit: (hit[0], -hit[1])):
        if start >= at:
            new += line[at:start] + row["becomes"].encode()
            found.append(row)
            at = end
    return new + line[at:], found


class Inside:
    """Files below a folder that belongs to somebody else, reached without following a link anywhere on the way."""

    def __init__(self, root: str) -> None:
        self.root = root

    def read(self, path: str) -> bytes:
        """Return a file's content; Refused where it is no plain file of this folder."""
        with self._folder(path) as (folder, name):
            return self._content(path, folder, name)

    def write(self, path: str, content: bytes) -> bool:
        """Replace a file's content and keep its owner, rights and attributes; says whether it was another one."""
        with self._folder(path) as (folder, name):
            scratch = f".{name}.zhenghe"
            # One that was killed may have left it, and it is no file of the department's.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(scratch, dir_fd=folder)
            if self._content(path, folder, name) == content:
                return False
            state = os.stat(name, dir_fd=folder, follow_symlinks=False)
            file = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
            with open(file, "wb") as new:
                new.write(content)
                new.flush()
                os.fchown(file, state.st_uid, state.st_gid)
                os.fchmod(file, stat.S_IMODE(state.st_mode) & 0o777)
                os.fsync(file)
            os.rename(scratch, name, src_dir_fd=folder, dst_dir_fd=folder)
        return True

    @contextlib.contextmanager
    def _folder(self, path: str) -> Iterator[tuple[int, str]]:
        words = path.split("/")
        if not path or path.startswith("/") or set(words) & {"", ".", ".."}:
            mend = "correct settings.configuration"
            raise Refused(f"the configuration file {path} does not lie in {self.root}", mend)
        here = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for word in words[:-1]:
                below = os.open(word, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
                os.close(here)
                here = below
            yield here, words[-1]
        except NotADirectoryError:
            raise self._odd(path, "a link or a file stands on the way to it") from None
        except FileNotFoundError:
            raise self._odd(path, "it is not there") from None
        finally:
            os.close(here)

    def _content(self, path: str, folder: int, name: str) -> bytes:
        try:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        except OSError as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise self._odd(path, "it is a link") from None
        state = os.fstat(file)
        why = ""
        if not stat.S_ISREG(state.st_mode) or state.st_size > LARGEST:
            why = f"it is no plain file of {LARGEST >> 20} MiB at the most"
        elif state.st_nlink > 1:
            why = "it has another name somewhere else"
        if why:
            os.close(file)
            raise self._odd(path, why)
        with open(file, "rb") as content:
            return content.read(LARGEST)

    def _odd(self, path: str, why: str) -> Refused:
        return Refused(
            f"the configuration file {path} below {self.root} is not substituted: {why}",
            "name the file itself in settings.configuration, or take it out",
        )


def undeclared(root: str, table: list[dict[str, Any]], declared: Iterable[str]) -> list[str]:
    """Name the files of a folder that hold an old address and are not declared, archives' files among them."""
    rows = [row for row in table if row["kind"] != "word"]
    known, found = set(declared), []
    for path, state in _files(root):
        name = os.path.relpath(path, root)
        if name in known or not rows:
            continue
        if name.lower().endswith(ARCHIVES):
            found += [f"{name}!{inner}" for inner in _in_archive(path, rows)]
        elif state.st_size <= LOOKED_AT and _holds(_read(path), rows):
            found.append(name)
        if len(found) >= MOST:
            break
    return sorted(found)[:MOST]


def _files(root: str) -> Iterator[tuple[str, os.stat_result]]:
    for folder, _folders, names in os.walk(root):
        for name in sorted(names):
            path = os.path.join(folder, name)
            with contextlib.suppress(OSError):
                state = os.lstat(path)
                if stat.S_ISREG(state.st_mode):
                    yield path, state


def _read(path: str) -> bytes:
    with contextlib.suppress(OSError), open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return file.read(LOOKED_AT)
    return b""


def _holds(text: bytes, rows: list[dict[str, Any]]) -> bool:
    # A log says where it went; only what a program may read as text is looked at line by line.
    return any(row["found"].encode() in text for row in rows) and bool(substituted(text, rows)[1])


def _in_archive(path: str, rows: list[dict[str, Any]]) -> Iterator[str]:
    broken = (OSError, zipfile.BadZipFile, ValueError, RuntimeError, NotImplementedError)
    with contextlib.suppress(*broken), open(path, "rb") as file, zipfile.ZipFile(file) as archive:
        for member in archive.infolist()[:20_000]:
            if member.file_size <= LOOKED_AT and not member.filename.endswith(".class"):
                with archive.open(member) as content:
                    if _holds(content.read(LOOKED_AT), rows):
                        yield member.filename
