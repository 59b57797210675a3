"""The first copy: taken and made whole on the source by its own version's program, fetched by the target over SSH.

mariabackup copies files and keeps all there is, the history of system-versioned tables too. The copy has to be prepared
by the version that took it: a newer one refuses it. A key of the target's, from its address, gives this one folder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible.module_utils import zhenghe_readers as readers
from ansible.module_utils.zhenghe_my_place import Place, rows, text, value

from playbooks.agents.kit import Refused, run, write

MARK = "xtrabackup_binlog_info"
"""Where mariabackup writes the position that its copy has."""
_GENTLE = ("nice", "-n", "10", "ionice", "-c", "2", "-n", "7")
LONGEST = 24 * 3600.0


def take(place: Place) -> None:
    """Have the copy made on the source, unless it lies there, or was handed over already."""
    memory = place.remembered()
    folder = place.folder / "seed"
    if memory.get("seed") in ("taken", "handed over"):
        return
    connection = place.connect()
    _see_program()
    _see_room(place, connection)
    shutil.rmtree(folder, ignore_errors=True)
    words = [*_GENTLE, "mariabackup", "--user=root", f"--target-dir={folder}"]
    try:
        run(*words, "--backup", "--safe-slave-backup=0", "--ftwrl-wait-timeout=15", limit=LONGEST)
        run(*words, "--prepare", limit=LONGEST)
    except Refused as refused:
        shutil.rmtree(folder, ignore_errors=True)
        mend = "see that nobody changes tables meanwhile, then repeat"
        raise Refused(f"the copy was not made: {refused.reason}", mend) from None
    place.remember(seed="taken")


def _see_program() -> None:
    if shutil.which("mariabackup") is None:
        raise Refused("mariabackup is not on the source", "install mariadb-backup there, of the server's own version")


def _see_room(place: Place, connection: Any) -> None:
    data = Path(text(value(connection, "SELECT @@GLOBAL.datadir")))
    size = sum(file.stat().st_size for file in data.rglob("*") if file.is_file() and not file.is_symlink())
    disk = os.statvfs(str(place.folder))
    free = disk.f_bavail * disk.f_frsize
    if size * 1.1 > free:
        raise Refused(f"{place.folder} has room for {free} bytes; {size} are to be copied", "give it a larger disk")


def let_target_fetch(place: Place, peer: str, public_key: str) -> None:
    """Let the target's key, from its address, have this one folder as a stream, and nothing else."""
    folder = place.folder / "seed"
    # A file system of its own has a folder of root's, of which the server makes a database, and so does the copy.
    command = f"exec tar --create --file=- --sparse --directory={folder} --exclude=./lost+found ."
    readers.admit(place.base, peer, place.peer_address, public_key, command)


def hand_over(place: Place) -> None:
    """Forget the copy once the target has it."""
    if place.remembered().get("seed") == "taken":
        place.remember(seed="handed over")
    forget(place)


def forget(place: Place) -> None:
    """Remove the copy on the source, and let nobody fetch it any more."""
    readers.dismiss(place.base)
    shutil.rmtree(place.folder / "seed", ignore_errors=True)


def public_key(place: Place) -> str:
    """Return the key by which the target fetches; made here, so that the private half never leaves the host."""
    place.make_folder()
    key = place.folder / "key"
    if not key.exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"zhenghe:{place.base}", "-f", str(key))
    return " ".join(key.with_suffix(".pub").read_text().split()[:2])


def fetch(place: Place, host_keys: Sequence[str], into: Path) -> None:
    """Fetch the copy into an empty folder of the server's, unpacked by its account and by nobody with more rights."""
    for key in host_keys:
        readers.see_key(key)
    known = place.folder / "known_hosts"
    write(known, "".join(f"{place.peer_address} {key}\n" for key in host_keys), 0o600)
    client = [*readers.client(place.folder / "key", known), f"root@{place.peer_address}", "copy"]
    unpack = (
        "runuser", "-u", "mysql", "--", "tar", "--extract", "--file=-", f"--directory={into}", "--no-same-owner",
        "--no-same-permissions", "--sparse",
    )  # fmt: skip
    with subprocess.Popen(client, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as sender:
        taken = subprocess.run(unpack, stdin=sender.stdout, capture_output=True, check=False, timeout=LONGEST)
        complaint = sender.stderr.read(65536).decode(errors="replace").strip() if sender.stderr else ""
    said = complaint or taken.stderr.decode(errors="replace").strip()
    if sender.returncode or taken.returncode:
        mend = "see that SSH to the source is let through, then repeat"
        raise Refused(f"the copy was not fetched: {said[-500:]}", mend)


def position(folder: Path) -> str:
    """Return the position that a copy has; empty: nothing was ever logged before it."""
    words = (folder / MARK).read_text(errors="replace").split()
    return words[2] if len(words) > 2 else ""


def upgrade() -> str:
    """Bring the tables of an older server to this one's version."""
    said = run("mariadb-upgrade", "--user=root", limit=LONGEST)
    return re.sub(r"\s+", " ", said[-200:])


def plugins(connection: Any) -> list[str]:
    """Return the plugins that a server has from libraries of their own."""
    question = "SELECT plugin_name FROM information_schema.plugins WHERE plugin_library IS NOT NULL ORDER BY 1"
    return [text(name) for (name,) in rows(connection, question)]
