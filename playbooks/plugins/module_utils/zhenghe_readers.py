"""Who may read a folder from another host: one key from one address, for one command, which gives files and no more."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

from ansible.module_utils.zhenghe_store import PROGRAM, Store

from playbooks.agents.kit import RUNNING, Refused, run, write

ADMITTED = Path("/root/.ssh/authorized_keys")
# No letter by which rsync follows links.
_GIVEN = r"-[lHogDtprcAXRSv]+(e[.\w]*)?|--numeric-ids|--timeout=\d+|--specials|--from0|--files-from=-|--force"
CELL = RUNNING / "cell"
# Where the sender runs: a root of its own with rsync and what is given, in a mount namespace that ends with it. A link
# in the folder, or a path that the other host names, leads nowhere else.
_CELL = """: zhenghe cell
mount -t tmpfs -o mode=0755,size=64k,nosuid,nodev zhenghe "$1"
cd "$1"
mkdir given usr
for part in /usr/bin /usr/lib /usr/lib32 /usr/lib64 /usr/libx32 /bin /lib /lib32 /lib64 /libx32; do
    if [ -L "$part" ]; then cp -P "$part" ".$part"
    elif [ -d "$part" ]; then mkdir -p ".$part"; mount --bind "$part" ".$part"; fi
done
if [ -d "$2" ]; then mount --rbind "$2" given; else : > "given/$3"; mount --bind "$2" "given/$3"; fi
shift 3
exec chroot . "$@"
"""


def admit(name: str, peer: str, address: str, public_key: str, command: str = "") -> None:
    """Let one peer's key, from one address, read one store's folder, or what a command gives, and nothing else."""
    see_key(public_key)
    if re.fullmatch(r"[\w.-]+@[\w.-]+ [0-9a-fA-F.:]+", f"{name}@{peer} {address}") is None:
        raise Refused(f"{peer!r} at {address!r} cannot be let in: these are no names", "correct the inventory")
    gives = command or f"/usr/bin/python3 -I {PROGRAM} give {name}"
    options = f'restrict,from="{address}",command="{gives}"'
    _admissions(f" zhenghe:{name}@{peer}", f"{options} {public_key} zhenghe:{name}@{peer}\n")


_KEY = re.compile(r"(ssh-(ed25519|rsa)|ecdsa-sha2-nistp\d+|sk-[\w.-]+@openssh\.com) [A-Za-z0-9+/]+={0,3}")


def see_key(key: str) -> None:
    """See that a text is one key of OpenSSH's and nothing beside it: its line is obeyed by sshd and ssh."""
    if _KEY.fullmatch(key) is None:
        raise Refused("the other host's key is no key of OpenSSH's on one line", "see who answers on that host")


def client(key: Path, known_hosts: Path) -> list[str]:
    """Return the client by which one of our hosts reads from another: this key, these host keys, nobody's settings."""
    chosen = ("IdentitiesOnly=yes", "BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={known_hosts}")
    patient = ("ConnectTimeout=10", "ServerAliveInterval=5")
    words = [word for option in (*chosen, *patient) for word in ("-o", option)]
    return ["ssh", "-F", "/dev/null", "-i", str(key), *words]


def dismiss(name: str) -> None:
    """Let nobody read the store's folder any more."""
    _admissions(f" zhenghe:{name}@", "")


def any_admitted(name: str) -> bool:
    """Say whether anybody may still read the store's folder."""
    return ADMITTED.exists() and f" zhenghe:{name}@" in ADMITTED.read_text()


def admitted(name: str, peer: str, public_key: str) -> bool:
    """Say whether a peer's key may read the store's folder."""
    return ADMITTED.exists() and f"{public_key} zhenghe:{name}@{peer}\n" in ADMITTED.read_text()


def host_keys() -> list[str]:
    """Return the keys by which this host is known."""
    # From the private keys: their public halves are not always kept beside them.
    files = sorted(Path("/etc/ssh").glob("ssh_host_*_key"))
    return [" ".join(run("ssh-keygen", "-y", "-f", str(file)).split()[:2]) for file in files]


def give(name: str, asked: str) -> None:
    """Become the sending end of rsync for one of the store's paths, which sees nothing else of this host."""
    words = shlex.split(asked)
    store = Store(name)
    flags = words[3:-2]
    fits = words[:3] == ["rsync", "--server", "--sender"] and words[-2:-1] == ["."]
    if not fits or not all(re.fullmatch(_GIVEN, flag) for flag in flags):
        sys.exit(f"zhenghe: {name} may only be read")
    if words[-1] not in {"root/", *store.gives}:
        sys.exit(f"zhenghe: {name} does not give {words[-1]}")
    seen, name_in_it, path = _given(store, words[-1])
    CELL.mkdir(mode=0o700, parents=True, exist_ok=True)
    sender = ["rsync", *words[1:3], *flags, ".", path]
    os.execvp("unshare", ["unshare", "--mount", *into_cell(seen, name_in_it, sender)])


def into_cell(seen: str, name_in_it: str, command: list[str]) -> list[str]:
    """Return the command that builds the cell in its own mount namespace, and becomes another one in there."""
    return ["sh", "-ec", _CELL, "sh", str(CELL), seen, name_in_it, *command]


def _given(store: Store, asked: str) -> tuple[str, str, str]:
    """Return what a sender is shown, by which name if it is a file, and how the path is called there."""
    if asked == "root/":
        return store.root, "", "/given/"
    below = f"{store.root.rstrip('/')}/"
    if asked.startswith(below):
        return store.root, "", f"/given/{asked[len(below):]}"
    # Not in the folder, so of root's: a link there would show another file.
    if os.path.realpath(asked) != asked or not Path(asked).is_file():
        sys.exit(f"zhenghe: {asked} is no plain file")
    return asked, os.path.basename(asked), f"/given/{os.path.basename(asked)}"


def _admissions(mark: str, line: str) -> None:
    ADMITTED.parent.mkdir(mode=0o700, exist_ok=True)
    old = ADMITTED.read_text() if ADMITTED.exists() else ""
    if old and not old.endswith("\n"):
        old += "\n"
    kept = "".join(one for one in old.splitlines(keepends=True) if mark not in one)
    write(ADMITTED, kept + line, ADMITTED.stat().st_mode & 0o777 if ADMITTED.exists() else 0o600)
