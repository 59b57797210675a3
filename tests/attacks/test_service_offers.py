"""A source host that was broken into offers a service: units, jobs of cron and files by which root would obey it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.real
APP: dict[str, Any] = {
    "name": "app",
    "settings": {
        "root": "/srv/app", "service": "app", "helpers": ["app-php"], "jobs": ["app-report"], "cron": ["app"],
        "crontabs": ["www-data"], "files": ["/etc/app.conf", "/etc/shadow", "/etc/profile.d/app.sh", "/etc/ld.so.conf"],
    },
}  # fmt: skip


@pytest.fixture
def bounds(on_host: Callable[[str], Any]) -> Any:
    return on_host("zhenghe_bounds")


@pytest.mark.parametrize(
    "path",
    ["/etc/systemd/system/app.service", "/etc/systemd/system/app-php.service", "/etc/systemd/system/app-report.timer",
     "/etc/systemd/system/app-report.service", "/etc/cron.d/app", "/var/spool/cron/crontabs/www-data", "/etc/app.conf"],
)  # fmt: skip
def test_what_is_declared_may_come(bounds: Any, path: str) -> None:
    bounds.see_offer(APP, {"gives": [path], "accounts": {"users": [], "groups": []}})


@pytest.mark.parametrize(
    "path",
    ["/etc/shadow", "/etc/profile.d/app.sh", "/etc/ld.so.conf", "/etc/cron.d/other", "/etc/crontab",
     "/var/spool/cron/crontabs/root", "/etc/systemd/system/app.socket", "/etc/systemd/system/ssh.service.d/app.conf"],
)  # fmt: skip
def test_what_is_not_declared_or_is_the_systems_own_may_not(bounds: Any, path: str) -> None:
    with pytest.raises(bounds.Refused, match="does not declare"):
        bounds.see_offer(APP, {"gives": [path], "accounts": {"users": [], "groups": []}})


@pytest.mark.parametrize(
    "lines",
    [
        "[Service]\nUser=www-data\nExecStartPre=+/srv/app/prepare",
        "[Service]\nUser=www-data\nExecStartPre=!/srv/app/prepare",
        "[Service]\nUser=www-data\nPermissionsStartOnly=true\nExecStartPre=/srv/app/prepare",
        "[Service]\nExecStart=/srv/app/run",
        "[Service]\nUser=www-data\nUser=\n",
        "[Unit]\nFailureAction=reboot-force\n[Service]\nUser=www-data",
        "[Unit]\nConflicts=ssh.service\n[Service]\nUser=www-data",
        "[Unit]\nWants=debug-shell.service\n[Service]\nUser=www-data",
        "[Unit]\nRequires=poweroff.target\n[Service]\nUser=www-data",
        "[Service]\nUser=www-data\n[Install]\nAlso=debug-shell.service",
        "[Service]\nUser=www-data\n[Install]\nRequiredBy=ssh.service",
        "[Unit]\nJobTimeoutSec=1\nJobTimeoutAction=poweroff\n[Service]\nUser=www-data",
    ],
)
def test_a_unit_by_which_root_would_obey_the_source_is_refused(bounds: Any, lines: str) -> None:
    with pytest.raises(bounds.Refused, match="is not taken over"):
        bounds.see_unit(APP, "/etc/systemd/system/app.service", lines)


def test_a_timer_starts_its_own_service_and_nothing_else(bounds: Any) -> None:
    path = "/etc/systemd/system/app-report.timer"
    timer = "[Timer]\nOnCalendar=daily\n{}\n[Install]\nWantedBy=timers.target\n"
    for own in ("", "Unit=app-report.service"):
        bounds.see_unit(APP, path, timer.format(own))
    for other in ("Unit=poweroff.target", "Unit=debug-shell.service"):
        with pytest.raises(bounds.Refused, match="does not declare"):
            bounds.see_unit(APP, path, timer.format(other))


def test_units_that_need_each_other_and_the_network_are_taken(bounds: Any) -> None:
    text = (
        "[Unit]\nAfter=mariadb.service\nWants=network-online.target\nRequires=app-php.service\n"
        "[Service]\nUser=www-data\n[Install]\nWantedBy=multi-user.target\n"
    )
    bounds.see_unit(APP, "/etc/systemd/system/app.service", text)


@pytest.mark.parametrize(
    "text, why",
    [
        ("0 1 * * * root /srv/app/nightly", "runs as root"),
        ("@reboot root /srv/app/nightly", "runs as root"),
        ("0 1 * * * 0 /srv/app/nightly", "runs as 0"),
        ("0 1 * * * nobody-knows-him /srv/app/nightly", "runs as nobody-knows-him"),
        ("MAILTO=root -oQ/tmp\n0 1 * * * www-data true", "MAILTO is no address"),
        ("0 1 * * * www-data true\n0 1 * *\n", "line 2: it is no job"),
    ],
)
def test_a_job_of_cron_that_runs_as_root_is_refused(
    bounds: Any, tmp_path: Path, text: str, why: str
) -> None:
    staged, place = tmp_path / "staged", tmp_path / "place"
    staged.write_text(text + "\n")
    with pytest.raises(bounds.Refused, match=why):
        bounds.put(APP, staged, "/etc/cron.d/app", place)
    assert not place.exists()


def test_a_job_of_an_ordinary_account_is_put_where_it_waits(bounds: Any, tmp_path: Path) -> None:
    staged, place = tmp_path / "staged", tmp_path / ".zhenghe-app"
    staged.write_text("# nightly\nMAILTO=it@example.org\nPATH=/usr/bin\n30 1 * * 1-5 www-data /srv/app/nightly\n")
    bounds.put(APP, staged, "/etc/cron.d/app", place)
    assert place.read_text() == staged.read_text()


def test_a_link_in_the_place_of_a_file_is_not_followed(bounds: Any, tmp_path: Path) -> None:
    staged = tmp_path / "staged"
    staged.symlink_to("/etc/shadow")
    with pytest.raises(bounds.Refused, match="no plain file"):
        bounds.put(APP, staged, "/etc/app.conf", tmp_path / "place")


TEMPLATE = """[Service]
User=app
EnvironmentFile=-/etc/default/{}
EnvironmentFile=/etc/%p/%i.env
ExecStart=/srv/app/run %i 100%%
"""


def test_units_of_a_template_come_with_what_their_instances_read(bounds: Any) -> None:
    one = {**APP, "settings": {**APP["settings"], "service": "app@1", "helpers": ["app@2"]}}
    path = "/etc/systemd/system/app@.service"
    for each in (path, f"{path}.d/more.conf", "/etc/systemd/system/app@1.service.d/x.conf", "/etc/app/2.env"):
        assert bounds.declared(one, each)
    assert not bounds.declared(one, "/etc/systemd/system/app.service")
    bounds.see_unit(one, path, TEMPLATE.format("%N"))
    for strange in ("other-%i", "%I", "%%N"):
        with pytest.raises(bounds.Refused, match="does not declare"):
            bounds.see_unit(one, path, TEMPLATE.format(strange))
