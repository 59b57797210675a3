"""Accounts that own files keep their numbers on the host that the files go to."""

from __future__ import annotations

import contextlib
import grp
import pwd
from typing import Any, Iterable

from ansible.module_utils.zhenghe_store import CONFIGURATION, Store

from playbooks.agents.kit import Refused, run


def named(users: Iterable[int], groups: Iterable[int]) -> dict[str, list[dict[str, Any]]]:
    """Describe the accounts behind numbers, and the groups these users are in; numbers without a name are left out."""
    people: list[dict[str, Any]] = []
    for number in sorted(set(users) - {0}):
        with contextlib.suppress(KeyError):
            person = pwd.getpwuid(number)
            people.append({"name": person.pw_name, "number": number, "group": person.pw_gid,
                           "home": person.pw_dir, "shell": person.pw_shell})  # fmt: skip
    members: set[str] = {person["name"] for person in people}
    wanted = set(groups) | {person["group"] for person in people}
    found = []
    for group in grp.getgrall():
        inside = sorted(members & set(group.gr_mem))
        if group.gr_gid and (group.gr_gid in wanted or inside):
            found.append({"name": group.gr_name, "number": group.gr_gid, "members": inside})
    return {"users": people, "groups": found}


def missing(wanted: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Name the accounts that are not here yet; Refused where a name or a number stands for another one here."""
    groups = [one["name"] for one in wanted["groups"] if not _here(one, grp.getgrnam, grp.getgrgid, "gr")]
    users = [one["name"] for one in wanted["users"] if not _here(one, pwd.getpwnam, pwd.getpwuid, "pw")]
    return groups + users


def make(wanted: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Make the accounts that are missing and return their names."""
    new = missing(wanted)
    for group in wanted["groups"]:
        if not _here(group, grp.getgrnam, grp.getgrgid, "gr"):
            run("groupadd", "--gid", str(group["number"]), group["name"])
    for user in wanted["users"]:
        if not _here(user, pwd.getpwnam, pwd.getpwuid, "pw"):
            run("useradd", "--uid", str(user["number"]), "--gid", str(user["group"]), "--home-dir", user["home"],
                "--no-create-home", "--shell", user["shell"], user["name"])  # fmt: skip
    for group in wanted["groups"]:
        for member in set(group["members"]) - set(grp.getgrnam(group["name"]).gr_mem):
            run("usermod", "--append", "--groups", group["name"], member)
    return new


def names(wanted: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Return the names of accounts and groups, each once."""
    return list(dict.fromkeys(one["name"] for key in ("users", "groups") for one in wanted[key]))


def take_away(made: Iterable[str]) -> None:
    """Remove accounts and groups that we made; those that another component's files need are that one's from now on."""
    stores = [file.stem for file in sorted(CONFIGURATION.glob("*.json")) if not file.name.endswith(".service.json")]
    others = [Store(name) for name in stores]
    for name in made:
        heirs = [store for store in others if name in store.accounts]
        if heirs:
            heirs[0].accounts[name] = True
            heirs[0].save()
            continue
        # Who is in use, or no account but a group, stays or is told so by these programs' status alone.
        run("userdel", name, good=(0, 6, 8, 12))
        run("groupdel", name, good=(0, 6, 8))


def _here(wanted: dict[str, Any], by_name: Any, by_number: Any, prefix: str) -> bool:
    here = _found(by_name, wanted["name"])
    other = _found(by_number, wanted["number"])
    if here is None and other is None:
        return False
    number = here and getattr(here, f"{prefix}_{'uid' if prefix == 'pw' else 'gid'}")
    if number != wanted["number"]:
        raise Refused(
            f"account {wanted['name']} ({wanted['number']}) of the source cannot keep its number: "
            f"{wanted['name']} is {number}, {wanted['number']} is {other and other[0]} here",
            "give the account on the target another name or number; files are copied by number",
        )
    return True


def _found(look: Any, what: Any) -> Any:
    try:
        return look(what)
    except KeyError:
        return None
