"""Who owns a folder puts links where root is about to write: nothing of root is read, changed or given away."""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.real, pytest.mark.skipif(os.geteuid() != 0, reason="root writes into others' folders")]
ATTACKER = "nobody"
COMPONENT = {
    "name": "db", "source_addresses": ["10.0.0.1"], "target_addresses": ["10.0.0.2"], "settings": {"database": "b"},
}  # fmt: skip


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody may pass through, as /var/lib is."""
    with tempfile.TemporaryDirectory(prefix="zh-owned-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def secret(place: Path) -> Iterator[Path]:
    """A file of root's, which must be the same in the end."""
    file = place / "secret"
    file.write_text("root's own\n")
    file.chmod(0o600)
    yield file
    assert file.read_text() == "root's own\n"
    assert (file.stat().st_uid, file.stat().st_mode & 0o777) == (0, 0o600)


def link(at: Path, to: Path) -> None:
    """Put a link somewhere, as the attacker."""
    subprocess.run(["setpriv", f"--reuid={ATTACKER}", "--clear-groups", "ln", "-sfn", str(to), str(at)], check=True)


@pytest.fixture
def database(on_host: Callable[[str], Any], place: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The end of a database's move, on a host where its cluster belongs to the attacker."""
    module = on_host("zhenghe_pg_place")
    monkeypatch.setattr(module, "STATE", place / "zhenghe" / "postgresql")
    monkeypatch.setattr(module.POSTGRES, "login", ATTACKER)
    end = module.Place("target", "water", COMPONENT)
    end.make_folder()
    return end


@pytest.fixture
def entry(on_host: Callable[[str], Any], place: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An entry on a host where PgBouncer runs as the attacker."""
    module = on_host("zhenghe_bouncer")
    monkeypatch.setattr(module, "FOLDER", place / "pgbouncer")
    monkeypatch.setattr(module, "UNIT", place / "unit")
    monkeypatch.setattr(module.POSTGRES, "login", ATTACKER)
    made = module.Entry("water", COMPONENT, {"address": "10.0.0.3", "port": 6432})
    made.make_folder()
    return made


@pytest.mark.parametrize("name", ["state.new", "state.json.new", "state.json"])
def test_what_a_move_remembers(database: Any, secret: Path, name: str) -> None:
    link(database.folder / name, secret)
    database.remember(roles=["x"])
    assert database.remembered() == {"roles": ["x"]}
    assert pwd.getpwuid((database.folder / "state.json").lstat().st_uid).pw_name == ATTACKER


def test_the_lock_of_a_move(database: Any, secret: Path) -> None:
    link(database.folder / "lock", secret)
    with pytest.raises(OSError, match="links"), database.alone(1):
        pass


def test_the_folder_of_a_move_is_none_of_somebody_else(database: Any, place: Path) -> None:
    kept = database.folder.rename(place / "moved")
    database.folder.symlink_to("/etc")
    with pytest.raises(OSError, match=r"Not a directory|links"):
        database.make_folder()
    assert Path("/etc").stat().st_uid == 0
    assert kept.is_dir()


def test_the_password_of_an_entry(entry: Any, secret: Path) -> None:
    link(entry.folder / f"{entry.account}.password.new", secret)
    assert len(entry.password()) > 30
    assert entry.password() == entry.password()


def test_a_link_in_the_place_of_a_password_discloses_nothing(entry: Any, secret: Path) -> None:
    link(entry.password_file, secret)
    with pytest.raises(PermissionError):
        entry.password()


def test_the_folder_of_a_port(entry: Any, place: Path) -> None:
    entry.folder.rmdir()
    (place / "roots").mkdir(mode=0o755)
    link(entry.folder, place / "roots")
    entry.make_folder()
    assert (place / "roots").stat().st_uid == 0
    with pytest.raises(PermissionError):
        entry.password()
    assert not list((place / "roots").iterdir())


def test_who_is_let_in_is_written_where_the_cluster_could_write_itself(
    database: Any, on_host: Callable[[str], Any], place: Path, secret: Path
) -> None:
    accounts = on_host("zhenghe_pg_accounts")
    assert database.folder.stat().st_uid == pwd.getpwnam(ATTACKER).pw_uid
    file = database.folder / "pg_hba.conf"
    accounts.POSTGRES.write(file, "local all all peer\n", 0o640)
    for name in ("pg_hba.conf.zhenghe", "pg_hba.conf.new"):
        link(database.folder / name, secret)
    accounts._replace(file, "host all all 10.0.0.1/32 scram-sha-256\n")
    assert file.read_text().startswith("host all")
    assert (file.stat().st_mode & 0o777, file.stat().st_uid) == (0o640, database.folder.stat().st_uid)
    (place / "cron.d").mkdir(mode=0o755)
    (place / "cron.d/jobs").write_text("")
    link(database.folder / "elsewhere", place / "cron.d")
    with pytest.raises(accounts.Refused, match="cannot write"):
        accounts._replace(database.folder / "elsewhere/jobs", "* * * * * root id\n")
    assert (place / "cron.d/jobs").read_text() == ""


def test_rights_come_back_after_a_refusal(database: Any, on_host: Callable[[str], Any], secret: Path) -> None:
    owned = on_host("zhenghe_owned").Owned(ATTACKER)
    before = (os.geteuid(), os.getegid(), os.getgroups())
    with pytest.raises(PermissionError):
        owned.read(secret)
    assert (os.geteuid(), os.getegid(), os.getgroups()) == before
