"""A web application on a host: nginx's site, the service behind it, and what each of them needs."""

from __future__ import annotations

import contextlib
import http.client
import pwd
import re
import shutil
import time
from pathlib import Path
from typing import Any, Callable

from playbooks.agents.kit import Refused, run, serving, write

AVAILABLE = Path("/etc/nginx/sites-available")
ENABLED = Path("/etc/nginx/sites-enabled")
FORWARDS = Path("/etc/zhenghe/nginx")


class Site:
    """The site and the service of one component."""

    def __init__(self, component: dict[str, Any], entry: dict[str, Any]) -> None:
        settings = component["settings"]
        self.service: str = settings.get("service", "")
        self.name: str = settings.get("site") or self.service or Path(settings["root"]).name
        self.file = AVAILABLE / self.name
        self.link = ENABLED / self.name
        self.host_header: str = entry.get("name", "")

    def needs(self) -> list[str]:
        """Return the files outside the folder that go along: the site, the unit and what it reads."""
        if not self.file.is_file():
            raise Refused(f"there is no nginx site {self.file}", "correct the component's settings.site")
        found = [str(self.file)]
        if self.service:
            shown = self._shown("FragmentPath", "DropInPaths", "EnvironmentFiles")
            fragment = shown["FragmentPath"]
            if not fragment:
                raise Refused(f"there is no service {self.service}", "correct the component's settings.service")
            if not fragment.startswith(("/lib/", "/usr/")):
                found.append(fragment)
            found += shown["DropInPaths"].split()
            found += [word for word in shown["EnvironmentFiles"].split() if word.startswith("/")]
        odd = [path for path in found if not re.fullmatch(r"/[\w./@-]+", path)]
        if odd:
            raise Refused(f"{odd[0]!r} has a name that cannot be copied safely", "give it a plain name")
        return found

    def users(self) -> set[int]:
        """Return the number of the user that the service runs as."""
        name = self._shown("User")["User"] if self.service else ""
        with contextlib.suppress(KeyError):
            return {pwd.getpwnam(name).pw_uid} if name else set()
        raise Refused(f"service {self.service} runs as {name}, which is no account here")

    def start(self) -> None:
        """Serve the site, after a restart too."""
        default = ENABLED / "default"
        default.unlink(missing_ok=True)
        self._point(self.file)
        run("systemctl", "daemon-reload")
        units = [f"{self.service}.service"] if self.service else []
        run("systemctl", "enable", "--quiet", "--now", *units, "nginx.service")
        self.reload()

    def running(self) -> bool:
        """Say whether service and nginx run."""
        units = ([f"{self.service}.service"] if self.service else []) + ["nginx.service"]
        return all(serving(unit) for unit in units)

    def start_service(self) -> None:
        """Start the service, after a restart too."""
        if self.service:
            run("systemctl", "enable", "--quiet", "--now", f"{self.service}.service")

    def stop_service(self) -> None:
        """End the service at once; quick, so it may be done in a pause."""
        if self.service:
            with contextlib.suppress(Refused):
                self.signal("KILL")
            # 5: a preparation that stopped before it has put no unit there.
            run("systemctl", "stop", f"{self.service}.service", good=(0, 5))

    def disable_service(self) -> None:
        """Do not start the service at boot; nothing is to be done where there is none."""
        unit = f"{self.service}.service"
        if self.service and run("systemctl", "show", "--property=LoadState", "--value", unit).strip() != "not-found":
            run("systemctl", "disable", "--quiet", unit)

    def service_active(self) -> bool:
        """Say whether the service runs."""
        unit = f"{self.service}.service"
        return bool(self.service) and serving(unit)

    def signal(self, name: str) -> None:
        """Send a signal to every process of the service: STOP holds it, CONT lets it go on."""
        if self.service:
            run("systemctl", "kill", f"--signal={name}", f"{self.service}.service")

    def forward(self, address: str) -> None:
        """Send who still comes to this host on to another one; a site that does is no longer served from here."""
        kept = re.findall(r"^\s*((?:listen|server_name|ssl_\w+)\s[^;]*;)", self.file.read_text(), re.MULTILINE)
        target = FORWARDS / f"{self.name}.conf"
        write(target, _FORWARD.format(kept="\n    ".join(kept), address=address))
        self._point(target)
        self.reload()

    def forwards(self) -> bool:
        """Say whether who comes here is sent on."""
        return self.link.is_symlink() and self.link.resolve().parent == FORWARDS

    def serve(self) -> None:
        """Serve the site from here again; returns when no request takes the old way any more."""
        if self.forwards():
            self._point(self.file)
            self.reload(tested=True)

    def see_it_can_be_served(self) -> None:
        """Have nginx test the site as it will be, beside its configuration; Refused with what it says against it."""
        if not self.forwards():
            return
        folder = ENABLED.with_name(f".zhenghe-{self.name}")
        beside = ENABLED.parent / f".zhenghe-{self.name}.conf"
        folder.mkdir(exist_ok=True)
        try:
            for one in ENABLED.iterdir():
                target = self.file if one.name == self.name else one.resolve()
                (folder / one.name).unlink(missing_ok=True)
                (folder / one.name).symlink_to(target)
            whole = (ENABLED.parent / "nginx.conf").read_text()
            beside.write_text(whole.replace(f"{ENABLED}/", f"{folder}/"))
            run("nginx", "-t", "-q", "-c", str(beside))
        finally:
            beside.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)

    def take_away(self) -> None:
        """No longer serve the site; nginx stops where this was the last one."""
        self.link.unlink(missing_ok=True)
        if any(ENABLED.iterdir()):
            self.reload()
        else:
            run("systemctl", "disable", "--quiet", "--now", "nginx.service")

    def reload(self, *, tested: bool = False) -> None:
        """Have nginx read its configuration; returns when no old worker takes connections."""
        if not serving("nginx.service"):
            return
        if not tested:
            run("nginx", "-t", "-q")
        old = _workers()
        run("systemctl", "reload", "nginx.service")
        end = time.monotonic() + 5
        while old & _workers():
            if time.monotonic() > end:
                raise Refused("nginx has not read its configuration within 5 s")
            time.sleep(0.005)

    def answers(self, address: str, limit: float = 10.0) -> int:
        """Return the status of a request to one host directly, whoever has the name; 0 where none comes."""
        status = 0

        def asked() -> bool:
            nonlocal status
            with contextlib.suppress(OSError, http.client.HTTPException):
                line = http.client.HTTPConnection(address, 80, timeout=5)
                line.request("GET", "/", headers={"Host": self.host_header} if self.host_header else {})
                status = line.getresponse().status
                line.close()
            return 0 < status < 500

        _patiently(asked, limit)
        return status

    def _point(self, to: Path) -> None:
        scratch = self.link.with_name(f".{self.name}.new")
        scratch.unlink(missing_ok=True)
        scratch.symlink_to(to)
        scratch.replace(self.link)

    def _shown(self, *names: str) -> dict[str, str]:
        lines = run("systemctl", "show", f"{self.service}.service", "--property", ",".join(names)).splitlines()
        shown = dict.fromkeys(names, "")
        for name, _, value in (line.partition("=") for line in lines):
            shown[name] = f"{shown.get(name, '')} {value}".strip()
        return shown


def _patiently(holds: Callable[[], bool], limit: float) -> None:
    end = time.monotonic() + limit
    while not holds() and time.monotonic() < end:
        time.sleep(0.2)


def _workers() -> set[str]:
    """Return the processes of nginx that take connections."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        # It may end while it is looked at.
        with contextlib.suppress(OSError):
            line = (process / "cmdline").read_bytes()
            if line.startswith(b"nginx: worker process") and b"shutting down" not in line:
                found.add(process.name)
    return found


_FORWARD = """# The site has moved; who still comes to this address is sent on.
server {{
    {kept}
    location / {{
        proxy_pass http://{address}:80;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
}}
"""
