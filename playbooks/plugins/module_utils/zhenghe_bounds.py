"""What may come over from another host: a department's host that was broken into must not become root of its new one.

An offer is another host's word. Paths, accounts and groups in it are held against what the component's own settings say
and against what is ordinary on a host; files that root's programs obey (units, sites) are read before they are put in
their place. What is refused is named, with what a person may do.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import re
import stat
from functools import partial
from pathlib import Path
from typing import Any, Iterable, Iterator

from ansible.module_utils import zhenghe_agreed, zhenghe_cron
from ansible.module_utils import zhenghe_obeyed as obeyed
from ansible.module_utils.zhenghe_tree import entries

from playbooks.agents.kit import Refused, write

FIRST, LAST = 100, 59999
"""Numbers of accounts and groups that are made anew: below are those that every host has by itself."""
ORDINARY = 1000
"""From this number on, groups are people's or applications' own."""
NOBODY = 65534
POWERFUL = frozenset(
    {
        "root", "adm", "sudo", "wheel", "admin", "docker", "lxd", "lxc", "libvirt", "kvm", "disk", "shadow", "kmem",
        "tty", "staff", "operator", "backup", "crontab", "ssh", "sshd", "systemd-journal", "systemd-network", "utmp",
        "netdev", "plugdev", "dialout", "sgx", "input", "render", "postgres", "haproxy", "bind", "_ssh",
    }
)  # fmt: skip
"""Groups that read or do what only root should, whatever their number."""
SHARED = frozenset({"www-data", "users", "nogroup"})
"""Groups of every host that an application's account may well be in."""
LARGEST = 1 << 20
"""Bytes of a file that comes along beside the folder."""
UNITS = re.compile(r"/(etc|run|usr/local/lib)/systemd/system/")
CRONTABS = "/var/spool/cron/crontabs"
SYSTEMS_OWN = re.compile(
    r"/etc/((ssh|ssl|pam\.d|security|sudoers\.d|cron[\w.]*|systemd|init\.d|rc\w*|profile\.d|ld\.so\.conf\.d|apt|dpkg"
    r"|modules-load\.d|modprobe\.d|sysctl\.d|tmpfiles\.d|sysusers\.d|udev|polkit-1|dbus-1|network|netplan|zhenghe|haproxy"
    r"|pgbouncer|logrotate\.d|alternatives|skel|kernel|initramfs-tools|default|update-motd\.d|xdg|X11|bind)/"
    r"|[^/]+$(?<!\.env)(?<!\.conf)(?<!\.ini)(?<!\.xml)(?<!\.properties)(?<!\.yml)(?<!\.yaml)"
    r"|(ld\.so|nsswitch|resolv|host|sysctl|pam|login|adduser|deluser|gai|ucf|libaudit|e2scrub|mke2fs|logrotate|fuse"
    r"|sudo|ca-certificates|rsyslog|nftables)\.conf$)"
)
"""Files that the system itself obeys: no component brings them, whatever it declares."""
_YES = frozenset({"1", "yes", "true", "on"})
_GROUPS = frozenset({"Group", "SupplementaryGroups"})
_STREAMS = frozenset({"StandardInput", "StandardOutput", "StandardError"})
_BY_ROOT = frozenset(
    {
        "LoadCredential", "LoadCredentialEncrypted", "ImportCredential", "OpenFile", "RootImage", "MountImages",
        "ExtensionImages", "ExtensionDirectories", "BindPaths", "BindReadOnlyPaths", "Alias", "OnFailure", "OnSuccess",
        "PAMName", "TTYPath", "Sockets", "NetworkNamespacePath", "IPCNamespacePath", "SecureBits",
        "FailureAction", "SuccessAction", "StartLimitAction", "JobTimeoutAction", "RebootArgument", "Conflicts",
        "USBFunctionDescriptors", "USBFunctionStrings", "RootDirectory", "AppArmorProfile", "SELinuxContext",
        "SmackProcessLabel",
        "PropagatesStopTo", "StopPropagatedFrom", "PropagatesReloadTo", "JoinsNamespaceOf", "Service",
    }
)  # fmt: skip
"""Keys of a unit by which systemd, as root, opens, mounts, starts, stops or restarts something else."""
_PULLING = frozenset({"Requires", "Requisite", "Wants", "BindsTo", "Upholds", "Also", "Unit", "RequiredBy"})
"""Keys by which systemd starts or enables other units, or ties them to this one."""
_HARMLESS_UNITS = re.compile(
    r"(network|network-online|network-pre|nss-lookup|nss-user-lookup|remote-fs|local-fs|time-sync|time-set|basic"
    r"|sysinit|multi-user|graphical|default|syslog|timers|paths|sockets)[.]target|-[.]mount|[\w-]+[.]mount"
)
SITE_PATHS = frozenset({"access_log", "error_log"})
SITE_REFUSED = re.compile(
    r"^(load_module|perl\w*|lua\w*|\w+_by_lua\w*|js_\w+|xslt_stylesheet|xml_entities|ssl_engine|user|env|pid|lock_file"
    r"|\w+_temp_path|\w+_cache_path|working_directory|include|ssl_password_file|dav_\w+|create_full_put_path)$"
)
"""Directives by which nginx, as root, loads code, makes folders and gives them away, or reads further files."""


def see_offer(component: dict[str, Any], offer: dict[str, Any]) -> None:
    """See that an offer stays within what its component declares; Refused names the first thing that does not."""
    for path in offer["gives"]:
        if not declared(component, path):
            raise Refused(
                f"the source offers {path}, which the component {component['name']} does not declare",
                "correct settings.site or settings.service, or keep the file inside the folder",
            )
    zhenghe_agreed.see_offer(component, offer)
    see_accounts(offer["accounts"])


def declared(component: dict[str, Any], path: str) -> bool:
    """Say whether a file outside the folder belongs to a component: its site, its unit, and what the unit reads."""
    settings = component["settings"]
    service = settings.get("service", "")
    site = settings.get("site") or service or Path(settings["root"]).name
    allowed = [re.escape(f"/etc/nginx/sites-available/{site}")]
    templates = {one.partition("@")[0] for one in own_units(component) if re.fullmatch(r"[^@]+@[^@]+", one)}
    for each in (*own_units(component), *(f"{name}@" for name in templates)):
        own = re.escape(each)
        allowed += [rf"/etc/systemd/system/{own}\.(service|timer)",
                    rf"/etc/systemd/system/{own}\.(service|timer)\.d/[\w.-]+\.conf"]  # fmt: skip
    for each in (*own_units(component), *templates):
        own = re.escape(each)
        allowed += [rf"/etc/default/{own}", rf"/etc/sysconfig/{own}", rf"/etc/{own}\.env", rf"/etc/{own}/[\w./-]+"]
    allowed += [re.escape(f"/etc/cron.d/{name}") for name in settings.get("cron", ())]
    allowed += [re.escape(f"{CRONTABS}/{name}") for name in settings.get("crontabs", ())]
    allowed += [re.escape(one) for one in settings.get("files", ()) if not SYSTEMS_OWN.match(one)]
    plain = os.path.normpath(path) == path
    return plain and (path.startswith(_below(component)) or any(re.fullmatch(one, path) for one in allowed))


def own_units(component: dict[str, Any]) -> list[str]:
    """Return the names of a component's units, without what they are: its service, its helpers, its jobs."""
    settings = component["settings"]
    service = [settings["service"]] if settings.get("service") else []
    return [*settings.get("helpers", ()), *service, *settings.get("jobs", ())]


def _specified(component: dict[str, Any], path: str, value: str) -> list[str]:
    """Return a value of a unit with the specifiers of names replaced, once for each unit that comes from the file."""
    name = Path(path).parent.name.removesuffix(".d") if path.endswith(".conf") else Path(path).name
    stem, _, suffix = name.rpartition(".")
    units = [one for one in own_units(component) if one == stem or (stem.endswith("@") and one.startswith(stem))]
    found = []
    for unit in units or [stem]:
        prefix, _, instance = unit.partition("@")
        words = {"%n": f"{unit}.{suffix}", "%N": unit, "%p": prefix, "%i": instance}
        found.append("%".join(re.sub("%[nNpi]", partial(_word, words), part) for part in value.split("%%")))
    return found


def _word(words: dict[str, str], match: re.Match[str]) -> str:
    return words[match[0]]


def see_accounts(wanted: dict[str, list[dict[str, Any]]]) -> None:
    """See that accounts are ordinary ones, and join no group of the system's own."""
    new = {group["number"] for group in wanted["groups"]}
    for user in wanted["users"]:
        if _known(pwd.getpwnam, user["name"], "pw_uid") != user["number"]:
            _within(user["name"], user["number"])
        if user["group"] not in new and not _is_ordinary(user["group"]):
            raise _refused(user["name"], f"its own group is {user['group']}")
    for group in wanted["groups"]:
        if _known(grp.getgrnam, group["name"], "gr_gid") != group["number"]:
            _within(group["name"], group["number"])
            if group["name"] in POWERFUL:
                raise _refused(group["name"], "it is a group of the system's own")
        joining = set(group["members"]) - set(_members(group["name"]))
        own = {user["name"] for user in wanted["users"] if user["group"] == group["number"]}
        if (joining or own - _primary(group["number"])) and not _may_be_joined(group):
            raise _refused(", ".join(sorted(joining or own)), f"it would join {group['name']}")


def odd(root: str) -> Iterator[str]:
    """Yield, for people, what in a folder gives others more rights than they have: setuid, capabilities, devices."""
    for path, state in entries(root):
        mode = state.st_mode
        name = readable_of(path)
        if stat.S_ISBLK(mode) or stat.S_ISCHR(mode):
            yield f"{name} (a device)"
        elif stat.S_ISREG(mode) and mode & stat.S_ISUID:
            yield f"{name} (setuid)"
        elif stat.S_ISREG(mode) and mode & stat.S_ISGID and not _is_ordinary(state.st_gid):
            yield f"{name} (setgid of group {state.st_gid})"
        elif stat.S_ISREG(mode) and _has_capabilities(os.path.join(os.fsencode(root), path)):
            yield f"{name} (capabilities)"


def see_folder(root: str) -> None:
    """See that a folder holds nothing that would run with more rights than whoever starts it."""
    found = list(_some(odd(root), 10))
    if found:
        raise Refused(
            f"{root} holds what gives rights away: {', '.join(found)}",
            "take the bits, capabilities or devices away (chmod ug-s, setcap -r, rm)",
        )


def see_file(staged: Path, path: str) -> os.stat_result:
    """See that what came along is one plain file of a bounded size, and return its state."""
    state = staged.lstat()
    if not stat.S_ISREG(state.st_mode) or state.st_size > LARGEST:
        raise Refused(f"{path} of the source is no plain file of {LARGEST >> 20} MiB at the most", "see what it is")
    return state


def put(component: dict[str, Any], staged: Path, path: str, into: Path | None = None) -> None:
    """Put a file that came along in its place; Refused where root's programs must not obey it.

    It is root's own, unless it is one of the component's single files and belonged to an ordinary account. `into` is
    another place for it, as long as it must not be obeyed yet.
    """
    state = see_file(staged, path)
    if path.startswith(_below(component)):
        return
    content = staged.read_bytes()
    if UNITS.match(path):
        see_unit(component, path, _text(path, content))
    elif path.startswith("/etc/cron.d/"):
        zhenghe_cron.see_jobs(path, _text(path, content))
    elif path.startswith(CRONTABS):
        zhenghe_cron.see_settings(path, _text(path, content))
    elif path.startswith("/etc/nginx/"):
        see_site(path, _text(path, content), component["settings"]["root"])
    # What only some may read at the source is not for everybody here; nginx and systemd read as root.
    place = into or Path(path)
    write(place, content, 0o644 if state.st_mode & stat.S_IROTH else 0o600)
    if path in component["settings"].get("files", ()):
        _give_to_its_readers(place, state)


def _give_to_its_readers(place: Path, state: os.stat_result) -> None:
    owner = state.st_uid if state.st_uid >= FIRST and state.st_uid != NOBODY else 0
    group = state.st_gid if _is_ordinary(state.st_gid) else 0
    os.chown(place, owner, group, follow_symlinks=False)
    place.chmod(state.st_mode & (0o644 if group else 0o604))


def _text(path: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Refused(f"{path} of the source is no text in UTF-8", "see what it is") from None


def see_unit(component: dict[str, Any], path: str, text: str) -> None:
    """See that a unit runs as an ordinary account all the time, and has the manager, which is root, touch nothing."""
    found = obeyed.settings(obeyed.see_plain(path, text))
    values = [(one.key, value) for one in found for value in _specified(component, path, one.value)]
    wrong = next((why for key, value in values if (why := _wrong_in_unit(component, key, value))), "")
    own = {one.key: one.value for one in found if one.section == "Service"}
    user = own.get("User", "")
    wrong = wrong or next((why for one in found if (why := _wrong_folder(component, one.key, one.value, user))), "")
    if path.endswith(".service") and not user and own.get("DynamicUser", "").lower() not in _YES:
        wrong = wrong or "it names no user, so it runs as root"
    if wrong:
        raise Refused(
            f"the unit {path} of the source is not taken over: {wrong}",
            "give it a User= of its own; what only root can do belongs into the image of the new host",
        )


def _wrong_in_unit(component: dict[str, Any], key: str, value: str) -> str:
    checks = (
        (key.startswith("Exec") and re.match(r"[@:|!+-]*[+!]", value), f"{key} runs as root"),
        (key == "User" and value in {"", "root", "0"}, "it runs as root"),
        (key == "User" and not _is_plain_account(value), f"it runs as {value}"),
        (key in _GROUPS and not all(map(_harmless_group, value.split())), f"it takes the group {value}"),
        (key == "AmbientCapabilities" and not set(value.split()) <= {"CAP_NET_BIND_SERVICE"}, f"it takes {value}"),
        (key in _STREAMS and ":" in value and not _inside(component, value.partition(":")[2]),
         f"{key} is written by root: {value}"),
        (key == "EnvironmentFile" and value and not declared(component, value.lstrip("-")),
         f"it reads {value}, which the component does not declare"),
        (key in _PULLING and not all(_is_own(component, one) for one in value.split()),
         f"{key} has systemd act on {value}, which the component does not declare"),
        (key in _BY_ROOT or (key == "PermissionsStartOnly" and value.lower() in _YES), f"{key} has root do something"),
    )  # fmt: skip
    return next((why for wrong, why in checks if wrong), "")


def _is_plain_account(name: str) -> bool:
    """Say whether a name means one account that is nobody's but an application's, on whatever host it is read."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*|[1-9][0-9]*", name) is None or name in POWERFUL:
        return False
    return not (name.isdigit() and int(name) < FIRST) and _known(pwd.getpwnam, name, "pw_uid") != 0


_FOLDERS = {
    "StateDirectory": "/var/lib", "CacheDirectory": "/var/cache", "LogsDirectory": "/var/log",
    "RuntimeDirectory": "/run", "ConfigurationDirectory": "/etc",
}  # fmt: skip
"""Keys by which systemd, as root, makes folders and gives them, with all that is in them, to the unit's account."""


def _wrong_folder(component: dict[str, Any], key: str, value: str, user: str) -> str:
    above = _FOLDERS.get(key, "")
    for word in value.split() if above else ():
        top = word.partition("/")[0]
        place = Path(above, top)
        plain = re.fullmatch(r"[A-Za-z0-9_.@/-]+", word) and top not in {"", ".", ".."} and ".." not in word.split("/")
        its_own = place.exists() and place.lstat().st_uid == (_known(pwd.getpwnam, user, "pw_uid") or -1)
        if not plain or not (top in own_units(component) or its_own or not os.path.lexists(place)):
            return f"{key} gives it {place}, which is another's"
    return ""


def _is_own(component: dict[str, Any], unit: str) -> bool:
    name, _dot, suffix = unit.rpartition(".")
    return bool(_HARMLESS_UNITS.fullmatch(unit)) or (suffix in {"service", "timer"} and name in own_units(component))


def _harmless_group(name: str) -> bool:
    if re.fullmatch(r"[A-Za-z0-9_-]+", name) is None:
        return False
    if name.isdigit():
        return _is_ordinary(int(name))
    number = _known(grp.getgrnam, name, "gr_gid")
    return name in SHARED or (name not in POWERFUL and (number is None or number >= FIRST))


def _inside(component: dict[str, Any], path: str) -> bool:
    return os.path.normpath(path).startswith((_below(component), "/var/log/"))


def _below(component: dict[str, Any]) -> str:
    root = os.path.normpath(component["settings"]["root"])
    if root in {"/", "//"}:
        raise Refused("the whole file system is no component's folder", "correct settings.root")
    return f"{root}/"


def see_site(path: str, text: str, root: str) -> None:
    """See that a site makes nginx, which begins as root, write, load or give away nothing elsewhere."""
    for words in obeyed.directives(obeyed.see_plain(path, text)):
        name, arguments = words[0], words[1:]
        allowed = ("/var/log/nginx/", f"{root.rstrip('/')}/")
        target = os.path.normpath(arguments[0]) if arguments else ""
        elsewhere = name in SITE_PATHS and target not in {"off", "stderr"} and not target.startswith(allowed)
        # nginx makes a socket there as root, and removes it in the end.
        elsewhere |= name == "listen" and bool(arguments) and arguments[0].startswith("unix:")
        known = name == "include" and re.fullmatch(r"[\w./-]*(fastcgi_params|mime\.types|proxy_params|uwsgi_params|"
                                                   r"scgi_params|snippets/[\w.-]+)", " ".join(arguments))  # fmt: skip
        if elsewhere or (SITE_REFUSED.match(name) and not known) or ".." in " ".join(arguments).split("/"):
            raise Refused(
                f"the site {path} of the source is not taken over: {' '.join(words)[:200]}",
                "take the line out, or bring it in the image of the new host",
            )


def readable_of(path: bytes) -> str:
    """Return a path below a folder for people."""
    return path.decode(errors="backslashreplace")


def _has_capabilities(path: bytes) -> bool:
    with contextlib.suppress(OSError):
        return bool(os.getxattr(path, "security.capability", follow_symlinks=False))
    return False


def _some(found: Iterable[str], most: int) -> Iterator[str]:
    for number, each in enumerate(found):
        if number == most:
            yield "and more"
            return
        yield each


def _within(name: str, number: int) -> None:
    if not FIRST <= number <= LAST:
        raise _refused(name, f"its number is {number}")


def _refused(name: str, why: str) -> Refused:
    return Refused(
        f"account {name} of the source is not taken over: {why}",
        f"give it a number from {FIRST} to {LAST} and groups of its own at the source",
    )


def _known(look: Any, name: str, field: str) -> int | None:
    with contextlib.suppress(KeyError):
        number: int = getattr(look(name), field)
        return number
    return None


def _members(name: str) -> list[str]:
    with contextlib.suppress(KeyError):
        return grp.getgrnam(name).gr_mem
    return []


def _primary(number: int) -> set[str]:
    return {person.pw_name for person in pwd.getpwall() if person.pw_gid == number}


def _may_be_joined(group: dict[str, Any]) -> bool:
    here = _known(grp.getgrnam, group["name"], "gr_gid")
    if group["name"] in SHARED:
        return True
    # One that is made for it now, or one of people's own.
    return group["name"] not in POWERFUL and (here is None or here >= ORDINARY or group["number"] >= ORDINARY)


def _is_ordinary(number: int) -> bool:
    with contextlib.suppress(KeyError):
        name = grp.getgrgid(number).gr_name
        return name in SHARED or (number >= ORDINARY and name not in POWERFUL)
    return number >= FIRST
