"""Gives a name to an address by dynamic update (RFC 2136), on the name server's own host."""

from __future__ import annotations

import subprocess
import time
from typing import Any

from playbooks.agents.kit import Refused, answer, seconds

SESSION_KEY = "/run/named/session.key"
"""Made by BIND at each start; it admits updates of zones with `update-policy local`."""


def looked_up(name: str) -> tuple[list[str], int]:
    """Return the addresses of a name and the seconds that others may keep them."""
    command = ["dig", "+noall", "+answer", "+norecurse", "@127.0.0.1", name, "A"]
    rows = [
        line.split() for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    ]
    found = [row for row in rows if len(row) >= 5 and row[3] == "A"]
    return sorted(row[4] for row in found), max((int(row[1]) for row in found), default=0)


def update(zone: str, name: str, address: str, ttl: int, key: str = "") -> str:
    """Replace the addresses of a name in one update; returns what went wrong.

    `key` is a TSIG key as `[algorithm:]name:secret`; it goes to nsupdate's input, where nobody else reads it.
    """
    who, _, secret = key.rpartition(":")
    lines = [
        *([f"key {who} {secret}"] if key else []),
        "server 127.0.0.1",
        f"zone {zone}",
        f"update delete {name} A",
        f"update add {name} {ttl} A {address}",
        "send",
    ]
    words = ["nsupdate"] if key else ["nsupdate", "-k", SESSION_KEY]
    done = subprocess.run(words, input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    said = (done.stderr or done.stdout).strip()
    return "" if done.returncode == 0 else said.replace(secret, "***") if key else said


def carry_out(given: dict[str, Any]) -> dict[str, Any]:
    """Have the name stand for the address, or for the one before; done when it stands for it and for nothing else."""
    addresses, old = looked_up(given["name"])
    if given["mode"] != "probe":
        wanted = given["before"] if given["mode"] == "undo" else given["after"]
        ttl = max(1, round(seconds(given["ttl"])))
        if addresses != [wanted]:
            wrong = update(given["zone"], given["name"], wanted, ttl, given.get("key", ""))
            if wrong:
                raise Refused(
                    f"the name server does not take the update: {wrong}",
                    "allow updates of the zone with the world's key, or the server's own (update-policy local)",
                )
        # Also after a repeated call: whoever was killed before may not have waited.
        time.sleep(max(old, ttl))
        addresses, _ = looked_up(given["name"])
    done = addresses == [given["after"]]
    return answer(done, changed=given["mode"] != "probe", **{given["name"]: addresses})
