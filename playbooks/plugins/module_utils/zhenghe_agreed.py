"""What comes over as a person has read it: the plan declares its files with their digests, its accounts and groups.

`settings.sha256` and `settings.accounts` are part of the plan's digest, so approving the plan approves them. Where they
are written, whatever is another by now, or was not there, is refused by name; `zhenghe preflight` tells what to write.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.module_utils import zhenghe_accounts
from ansible.module_utils.zhenghe_tree import entries

from playbooks.agents.kit import Refused

_MEND = "see why, read it anew, then correct the component's settings.{}"
Accounts = Mapping[str, Sequence[Mapping[str, Any]]]
LONGEST = 60.0
"""Seconds that a look before a move spends in one folder."""


def words_of(accounts: Accounts) -> list[str]:
    """Return accounts and groups in the words of settings.accounts: what it is, name, number, and who is in a group."""
    users = [f"user {one['name']} {one['number']}" for one in accounts["users"]]
    groups = [" ".join(("group", one["name"], str(one["number"]), *one["members"])) for one in accounts["groups"]]
    return [*users, *groups]


def other_files(component: Mapping[str, Any], files: Mapping[str, str]) -> list[str]:
    """Say which files, by path and digest, are not those that a person has read; an empty digest is not known yet."""
    agreed = component["settings"].get("sha256")
    if agreed is None:
        return []
    below = os.path.normpath(component["settings"]["root"]) + "/"
    found = []
    for path, digest in files.items():
        if path not in agreed and not path.startswith(below):
            found.append(f"{path} was not there when it was agreed what comes along")
        elif digest and agreed.get(path, digest) != digest:
            found.append(f"{path} of the source is not what was agreed: its digest is {digest}")
    return found


def other_accounts(component: Mapping[str, Any], accounts: Accounts) -> list[str]:
    """Say which accounts and groups are not among those that a person has read."""
    agreed = component["settings"].get("accounts")
    words = [] if agreed is None else sorted(set(words_of(accounts)) - set(agreed))
    return [f"'{one}' of the source was not agreed to come along" for one in words]


def see_offer(component: Mapping[str, Any], offer: Mapping[str, Any]) -> None:
    """See that an offer names nothing beyond what was agreed; Refused with all that it does."""
    files = other_files(component, dict.fromkeys(offer["gives"], ""))
    accounts = other_accounts(component, offer["accounts"])
    if files or accounts:
        names = " and ".join(name for name, found in (("sha256", files), ("accounts", accounts)) if found)
        raise Refused("; ".join([*files, *accounts]), _MEND.format(names))


def see_content(component: Mapping[str, Any], path: str, content: bytes) -> None:
    """See that a file is the one that was agreed; Refused with its digest where it is another."""
    found = other_files(component, {path: hashlib.sha256(content).hexdigest()})
    if found:
        raise Refused(found[0], _MEND.format("sha256"))


def going_along(root: str, users: Iterable[int] = (), longest: float = LONGEST) -> tuple[Accounts, bool]:
    """Return the accounts and groups that a folder brings along, and whether it was walked to its end in that time."""
    if not os.path.isdir(root):
        raise Refused(f"there is no folder {root}", "correct the component's settings.root")
    end, owners, groups = time.monotonic() + longest, set(users), set()
    for _path, state in entries(root):
        owners.add(state.st_uid)
        groups.add(state.st_gid)
        if time.monotonic() > end:
            return zhenghe_accounts.named(owners, groups), False
    return zhenghe_accounts.named(owners, groups), True


def unread(
    component: Mapping[str, Any], files: Mapping[str, str] | None, accounts: Accounts, *, whole: bool = True
) -> dict[str, Any]:
    """Return, in the words of settings, what is there now and nobody has agreed to: `sha256` and `accounts`.

    What is declared is left out; `files` is None where a kind brings none beside its folder.
    """
    settings = component["settings"]
    found: dict[str, Any] = {"whole": whole}
    if files is not None and "sha256" not in settings:
        found["sha256"] = [f"{path}: {digest}" for path, digest in sorted(files.items())]
    if "accounts" not in settings:
        found["accounts"] = words_of(accounts)
    return found
