"""`zhenghe preview`: counts and sizes of what would be made, everything that is against it, and nothing in a twin."""

from pathlib import Path

import pytest

from infra.declaration import declare_site
from infra.engine import EngineFailed, SitesAlone
from infra.engine.state import Change, SiteState
from infra.worlds import CloudSettings, World, save_world
from inventory.kinds import load_kinds, playbooks_folder
from inventory.model import Programme
from migrations.cli.help import WrongUse
from migrations.cli.preview import show_preview
from tests.conftest import YUNHE

KINDS = load_kinds(playbooks_folder() / "roles")


def world(folder: Path, kind: str = "real") -> Path:
    settings = CloudSettings(backend="openstack", endpoint="government")
    (folder / "ssh_config").touch()
    made = World.model_validate({"name": "w", "kind": kind, "ssh_config": folder / "ssh_config", "cloud": settings})
    save_world(made, folder / "world.json")
    return folder / "world.json"


def seen(monkeypatch: pytest.MonkeyPatch, **states: SiteState) -> None:
    def preview(_engine: SitesAlone, site: object) -> SiteState:
        name = getattr(site, "site", "")
        if name not in states:
            raise EngineFailed(name, "", "the cloud does not answer", "mend it")
        return states[name]

    monkeypatch.setattr(SitesAlone, "preview", preview)


def test_a_preview_counts_what_would_be_made_and_tells_what_is_against_it(
    programme: Programme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = next(each for each in programme.sites if each.name == "cloud-a")
    first, second = declare_site(programme, site, KINDS).servers[:2]
    kind = "openstack:compute/instance:Instance"
    changes = (
        *(Change(op="create", type=kind, name=each.name, why="it is not there yet") for each in (first, second)),
        Change(op="update", type="openstack:networking/secGroup:SecGroup", name="cloud-a-entry", why="opened by hand"),
    )
    findings = ("quota of servers: 2 more are needed, 9 of 10 are used",)
    state = SiteState(site="cloud-a", state="not-done", changes=changes, findings=findings)
    seen(monkeypatch, **{"cloud-a": state})
    assert show_preview(["cloud-a"], YUNHE, world(tmp_path), as_json=False) == 1
    told = capsys.readouterr().out
    assert "create 2, change 1" in told
    assert f"new servers: 2 with {first.cpus + second.cpus} processors" in told
    assert f"{first.memory + second.memory} MiB" in told
    assert findings[0] in told
    assert "cloud-a-entry: opened by hand" in told


def test_a_site_that_was_not_seen_is_not_known_and_one_as_declared_is_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen(monkeypatch, **{"cloud-a": SiteState(site="cloud-a", state="done")})
    assert show_preview(["cloud-a"], YUNHE, world(tmp_path), as_json=False) == 0
    assert show_preview([], YUNHE, world(tmp_path), as_json=False) == 1
    told = capsys.readouterr().out
    assert "cloud-a: as declared" in told
    assert "dr-b: not known: the cloud does not answer" in told


def test_a_twin_and_a_site_that_nobody_knows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="not a site"):
        show_preview(["atlantis"], YUNHE, world(tmp_path), as_json=False)
    with pytest.raises(WrongUse, match="twin"):
        show_preview([], YUNHE, world(tmp_path, "twin"), as_json=False)
