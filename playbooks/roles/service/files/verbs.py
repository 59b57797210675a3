"""The verbs of an application service."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pwd
import shutil
import time
from pathlib import Path
from typing import Any, Iterable

from ansible.module_utils import zhenghe_agreed, zhenghe_bounds
from ansible.module_utils import zhenghe_substitution as substitution
from ansible.module_utils.zhenghe_copy import Copy, dispatched
from ansible.module_utils.zhenghe_look import looked_at
from ansible.module_utils.zhenghe_puller import Puller
from ansible.module_utils.zhenghe_service import Service, parked, properties
from ansible.module_utils.zhenghe_service_notes import Configuration, Notes, digest, digest_of
from ansible.module_utils.zhenghe_shown import shown
from ansible.module_utils.zhenghe_store import Store
from ansible.module_utils.zhenghe_trial import Trial

from playbooks.agents.kit import Refused, answer, run, seconds, wait

BROUGHT = Path("/var/lib/zhenghe/brought")
"""Where a file that comes along lies until it has been read."""
MOST_SAID = 200
"""Sentences of each kind that an offer may have."""


class Verbs(Copy):
    """An application service is its folder, its units and jobs, and what its configuration says of others."""

    def __init__(self, given: dict[str, Any]) -> None:
        component = given["component"]
        self.service = Service(f"{given['system']}-{component['name']}", component)
        # Whoever withdraws needs nothing of what has gone since.
        asked = given["side"] == "source" and given["verb"] in {"offer", "admit_peers"} and given["mode"] != "undo"
        super().__init__(given, self.service.needs() if asked else ())
        self.notes = Notes(self.name)
        self.configuration = Configuration(component, self.notes)
        self.settings: dict[str, Any] = component["settings"]

    def offer(self, users: Iterable[int] = ()) -> dict[str, Any]:
        """Tell the peers what they need to know, and name what would be lost."""
        source = self.side == "source" and self.mode != "undo"
        found = super().offer(self.service.users() if source else users)
        if source:
            refused, reported = looked_at(self.service, self.component)
            inside = found["offer"]["found"]
            inside["refused"] = _some([*inside["refused"], *refused])
            inside["reported"] = _some([*inside["reported"], *reported])
            if refused and self.mode == "apply" and not self.store.sealed():
                raise Refused("; ".join(refused), "mend what is said of each; nothing has changed")
        return found

    def left_behind(self) -> list[str]:
        """Say nothing here: jobs are declared, or refused by name."""
        return []

    def admit_peers(self) -> dict[str, Any]:
        """Make accounts, keys and views on both hosts."""
        if self.side == "target" and self.mode == "apply":
            self._see_packages()
        done = self.admit()
        if self.side != "source":
            return {"changed": True}
        files = [] if self.mode == "undo" else [shown(path, _content(path)) for path in self.store.gives]
        return answer(done, changed=self.mode != "probe", **self.found(), shown=files)

    def prepare(self) -> dict[str, Any]:
        """Bring units, jobs and files to the target, where they wait: nothing of it starts before the switch."""
        if self.mode == "apply" and self.store.role != "live":
            self._bring()
        there = all(_place(path).exists() for path in self.notes.brought)
        done = self.store.known and there and set(self.store.gives) == set(self.notes.brought)
        facts = {"substitutions": self.component.get("substitutions", []), "brought": self.notes.brought}
        return answer(done and self._gated(), changed=self.mode == "apply", **facts)

    def remove(self) -> dict[str, Any]:
        """Undo of `prepare` on the target: whatever was not here before is taken away."""
        if self.mode != "undo" or self.store.role == "live":
            return {"changed": False}
        Trial(self.service, self.component, "").clean_up()
        if self.service.gated():
            # Only then are units and jobs of these names ours.
            self.service.jobs_off()
            self.service.end_at_once()
            self.service.enable(on=False)
            self.service.ungate()
        for path in self.notes.brought:
            _place(path).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                Path(path).parent.rmdir()
        run("systemctl", "daemon-reload")
        return {"changed": True}

    def cleared(self) -> dict[str, Any]:
        """Undo of `prepare` on the target, the last part: the copy goes, where the folder was not here before."""
        if self.mode != "undo" or self.store.known:
            return {"changed": False}
        for folder in self.notes.made:
            if not os.path.ismount(folder):
                shutil.rmtree(folder, ignore_errors=True)
        self.notes.forget()
        return {"changed": True}

    def replicate(self) -> dict[str, Any]:
        """Have the copy follow, then have the service make its test start if all that it needs is here."""
        found = super().replicate()
        if self.side != "target" or self.mode == "undo" or found["answer"]["state"] != "done":
            return found
        missing = self._not_here()
        if missing:
            found["answer"]["facts"]["trial"] = {"waits_for": missing}
            return found
        return self._with_trial(found)

    def lag(self) -> dict[str, Any]:
        """The gate: the copy is close, the service works at the source, its test start has come through."""
        found = super().lag()
        if found["answer"]["state"] != "done":
            return found
        if self.side != "target":
            return self._source_is_well(found)
        missing = self._not_here()
        if missing:
            return answer(done=False, reason=f"not copied yet: {', '.join(missing)}")
        return self._with_trial(found)

    def verify(self) -> dict[str, Any]:
        """See that it runs and answers here once clients use it here, and that jobs run on one side."""
        if self.side == "source":
            on = [name for name, is_on in self.service.jobs().items() if is_on]
            return answer(not self.store.sealed() or not on, jobs=on)
        if self.store.role != "live":
            return answer(done=True, runs=False)
        status = self._asked()
        off = [name for name, is_on in self.service.jobs().items() if not is_on]
        works = self.service.active() and self.service.listens() and (status < 500 or not self.given.get("entry"))
        return answer(works and not off, status=status, jobs_off=off)

    def retire(self) -> dict[str, Any]:
        """Give the way back up; a service that goes nowhere is kept as one file and ended."""
        if self.component["targets"]:
            done = self.give_up_way_back()
            if self.side == "target" and self.mode == "apply":
                self.service.ungate()
                self.notes.before = {}
                self.notes.save()
            return done
        kept: dict[str, Any] = {"kept": True}
        if self.mode == "undo":
            self.service.enable(on=True)
            self.service.jobs_on()
            self.service.start()
        else:
            kept = self.archive()
        if self.mode == "apply":
            self.service.jobs_off()
            self.service.stop(60.0)
            self.service.enable(on=False)
        ended = not self.service.active() and not any(self.service.jobs().values())
        return answer(ended and kept["kept"], changed=self.mode != "probe", **kept)

    def _bring(self) -> None:
        for path in self.store.gives:
            self._bring_along(path)
        self.service.gate()
        self.service.be_here(here=False)
        run("systemctl", "daemon-reload")
        lacking = self.service.lacking()
        if lacking:
            raise Refused(
                f"the target has no {', '.join(lacking)}: at the source its file is a package's, or lies elsewhere",
                "install its package there, or give it a file of its own in /etc/systemd/system at the source",
            )
        for folder in self.settings.get("logs", ()):
            self._make_empty(Path(folder))
        self.notes.save()

    def _bring_along(self, path: str) -> None:
        # Read before root's programs obey it: it was written by another host.
        place = _place(path)
        if place.exists() and path not in self.notes.brought:
            raise Refused(f"{path} is here already, and not by us", "see whose it is; nothing of it was changed")
        BROUGHT.mkdir(mode=0o700, parents=True, exist_ok=True)
        staged = BROUGHT / self.name
        staged.unlink(missing_ok=True)
        self.puller.once(60.0, path=path, into=str(staged))
        zhenghe_bounds.see_file(staged, path)
        content = staged.read_bytes()
        zhenghe_agreed.see_content(self.component, path, content)
        with staged.open("wb") as file:
            file.write(substitution.substituted(content, self.configuration.table)[0])
        zhenghe_bounds.put(self.component, staged, path, place)
        self.notes.brought[path] = digest(staged.read_bytes())
        self.notes.save()
        staged.unlink()

    def _make_empty(self, folder: Path) -> None:
        if folder.exists():
            return
        folder.mkdir(parents=True, mode=0o750)
        user = properties(self.service.main, "User")["User"] or "root"
        person = pwd.getpwnam(user)
        os.chown(folder, person.pw_uid, person.pw_gid)
        self.notes.made.append(str(folder))

    def _leave(self) -> None:
        if self.side == "source":
            self.service.ungate()
        super()._leave()
        if self.side == "source":
            self.notes.forget()

    def _see_packages(self) -> None:
        wanted = self.settings.get("packages", ())
        missing = [one for one in wanted if "ok installed" not in _dpkg(one)]
        if missing:
            raise Refused(
                f"the target lacks the packages {', '.join(missing)}",
                f"install them there: apt-get install --no-install-recommends {' '.join(missing)}",
            )

    def _gated(self) -> bool:
        return self.store.role == "live" or self.service.gated()

    def _not_here(self) -> list[str]:
        beside = self.component.get("beside", ())
        return [one["root"] for one in beside if Store(one["name"]).role not in {"copy", "live"}]

    def _with_trial(self, found: dict[str, Any]) -> dict[str, Any]:
        if self.store.role == "live":
            return found
        facts = found["answer"]["facts"]
        files, places = self.configuration.computed(str(self.store.raw))
        asked = json.dumps([self.settings, self.configuration.table], sort_keys=True).encode()
        of = digest_of((str(_place(path)) for path in self.notes.brought), (*files.values(), asked))
        if self.notes.trial.get("of") != of and self.mode == "apply":
            zhenghe_bounds.see_folder(str(self.store.raw))
            went = self._tried(files)
            self._see_it_fits(went)
            self.notes.trial = {"of": of, "at": time.time(), **went}
            self.notes.save()
        if self.notes.trial.get("of") != of:
            return answer(done=False, reason="no test start with this configuration yet")
        went = {key: value for key, value in self.notes.trial.items() if key != "of"}
        return answer(done=True, changed=found["changed"], **facts, trial=went, substituted=places)

    def _tried(self, files: dict[str, bytes]) -> dict[str, Any]:
        """Make the test start while no pass changes what lies under it."""
        stores = [self.store, *(Store(one["name"]) for one in self.component.get("beside", ()))]
        passing = [each for each in map(Puller, stores) if each.running()]
        for each in passing:
            each.stop()
        try:
            name = (self.given.get("entry") or {}).get("name", "")
            return Trial(self.service, self.component, name).carry_out(files)
        finally:
            began = time.time()
            for each in passing:
                run("systemctl", "start", each.unit)
            # Who asks next how far the copies are must not take the time of the test start for a delay.
            wait(lambda: all(each.last().get("began", 0) > began for each in passing), 60.0, 0.1)

    def _see_it_fits(self, went: dict[str, Any]) -> None:
        limit = seconds(self.given["limits"]["downtime"])
        if went["listens"] and went["seconds"] > limit:
            raise Refused(
                f"its start took {went['seconds']:g} s, beyond limits.downtime of {limit:g} s",
                "raise limits.downtime: clients wait for the start in the pause",
            )

    def _source_is_well(self, found: dict[str, Any]) -> dict[str, Any]:
        if self.store.sealed() or self.service.active():
            return found
        return answer(done=False, reason=f"{self.service.main} does not run at the source")

    def _asked(self) -> int:
        """Return the status of a request to this host directly; 0 where none comes or it speaks no HTTP."""
        address = self.component["target_addresses"][self.component["targets"].index(self.host)]
        status = 0

        def answered() -> bool:
            nonlocal status
            with contextlib.suppress(OSError, http.client.HTTPException):
                line = http.client.HTTPConnection(address, self.service.port, timeout=5)
                name = (self.given.get("entry") or {}).get("name", "")
                line.request("GET", self.settings.get("path", "/"), headers={"Host": name} if name else {})
                status = line.getresponse().status
                line.close()
            return 0 < status < 500

        wait(answered, 20.0 if self.given.get("entry") else 0.5, 0.2)
        return status


def _some(sentences: list[str]) -> list[str]:
    """Return as many sentences as an offer may have, and how many there are more."""
    more = len(sentences) - MOST_SAID
    return sentences if more <= 0 else [*sentences[: MOST_SAID - 1], f"and {more + 1} more"]


def _place(path: str) -> Path:
    """Return where a file that was brought lies: jobs of cron wait until the switch."""
    found = Path(path)
    is_cron = path.startswith(("/etc/cron.d/", zhenghe_bounds.CRONTABS))
    return parked(found) if is_cron and not found.exists() else found


def _content(path: str) -> bytes:
    file = Path(path) if Path(path).exists() else parked(Path(path))
    return file.read_bytes()


def _dpkg(package: str) -> str:
    return run("dpkg-query", "--show", "--showformat=${Status}", package, good=(0, 1))


def carry_out(given: dict[str, Any]) -> dict[str, Any]:
    """Do one verb on one host."""
    verbs = ("offer", "admit_peers", "prepare", "remove", "cleared", "replicate", "lag", "verify", "retire")
    return dispatched(Verbs, verbs, given)
