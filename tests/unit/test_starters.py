"""What starts by itself and has to do with an application: found in all places where cron and at look for jobs."""

# ruff: noqa: I001 - what runs on hosts is importable once `hostside` is

from pathlib import Path

import pytest

from tests.unit import hostside  # noqa: F401
from ansible.module_utils import zhenghe_starters
from ansible.module_utils.zhenghe_starters import Starters

ROOT = "/srv/permits"
FILES = {
    "cron.d/nightly": "5 1 * * * permits true",
    "cron.d/other": "5 1 * * * nobody /srv/permits2/run",
    "cron.d/said": "# permits /srv/permits",
    "cron.weekly/tidy": "#!/bin/sh\nfind /srv/permits/tmp -mtime +7 -delete",
    "cron.weekly/strange": "#!/bin/sh\nfind /srv/other",
    "spool/permits": "1 1 * * * true",
    "spool/root": "1 1 * * * systemctl restart permits.service",
    "spool/clerk": "1 1 * * * true",
    "at/a0000101c0": "cd /srv/permits && ./once",
    "anacrontab": "7 5 permits.weekly sh /srv/permits/weekly.sh",
    "rc.local": "/srv/permits/start &",
}
FOUND = {"cron.d/nightly", "cron.weekly/tidy", "spool/permits", "spool/root", "at/a0000101c0", "anacrontab", "rc.local"}


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "spool" / "gone").symlink_to(tmp_path / "nowhere")
    for name, value in {
        "CRON": tmp_path / "cron.d", "CRONTABS": str(tmp_path / "spool"), "AT": (tmp_path / "at",),
        "SCRIPTS": (tmp_path / "cron.weekly", tmp_path / "none"), "ROTATION": tmp_path / "rotation",
        "SINGLE": (tmp_path / "anacrontab", tmp_path / "rc.local", tmp_path / "crontab"),
    }.items():  # fmt: skip
        monkeypatch.setattr(zhenghe_starters, name, value)
    return tmp_path


def test_jobs_are_found_wherever_they_lie(etc: Path) -> None:
    found = Starters(ROOT, ("permits.service",), ("permits", "root", "")).files()
    assert {str(Path(one).relative_to(etc)) for one in found} == FOUND


def test_who_turns_the_logs_over_is_named(etc: Path) -> None:
    (etc / "rotation").mkdir()
    (etc / "rotation" / "apps").write_text("/var/log/permits/*.log {\n weekly\n}\n")
    (etc / "rotation" / "others").write_text("/var/log/other/*.log {\n weekly\n}\n")
    starters = Starters("/srv/x", ("y.service",), ())
    assert starters.rotations(["/var/log/permits"]) == [str(etc / "rotation" / "apps")]
