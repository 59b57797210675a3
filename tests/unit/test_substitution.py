"""Addresses in configuration: what is replaced, what is left alone, and what nobody can bring about by odd files."""

# ruff: noqa: I001 - what runs on hosts is importable once `hostside` is
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.unit import hostside  # noqa: F401

from ansible.module_utils import zhenghe_shown as shown
from ansible.module_utils import zhenghe_substitution as substitution

from playbooks.agents.kit import Refused


def row(found: str, becomes: str, kind: str = "address") -> dict[str, Any]:
    return {"found": found, "becomes": becomes, "of": "identity/db", "kind": kind}


TABLE = [
    row("10.1.0.5", "db.example"), row("db-old", "db.example", "host"),
    row("localhost:5432", "near.example:5432", "local"), row("/jvm/java-8", "/jvm/java-17", "word"),
]  # fmt: skip


@pytest.mark.parametrize(
    "before, after",
    [
        ("url=jdbc:mysql://10.1.0.5:3306/x", "url=jdbc:mysql://db.example:3306/x"),
        ("10.1.0.5", "db.example"),
        ("<host>10.1.0.5</host>", "<host>db.example</host>"),
        ("a=10.1.0.5,10.1.0.50,110.1.0.5", "a=db.example,10.1.0.50,110.1.0.5"),
        ("version=10.1.0.5.2", "version=10.1.0.5.2"),
        ("ends here: 10.1.0.5.", "ends here: db.example."),
        ("http://db-old/x http://user@db-old:80", "http://db.example/x http://user@db.example:80"),
        ("host=db-old", "host=db.example"),
        ("DB_HOST = db-old", "DB_HOST = db.example"),
        ("define('DB_HOST', 'db-old');", "define('DB_HOST', 'db.example');"),
        ('{"host": "db-old", "port": 1}', '{"host": "db.example", "port": 1}'),
        ("$cfg['server'] => \"DB-OLD\"", "$cfg['server'] => \"db.example\""),
        ("(ADDRESS=(HOST = db-old)(PORT = 1521))", "(ADDRESS=(HOST = db.example)(PORT = 1521))"),
        ("Data Source=db-old;Initial Catalog=x", "Data Source=db.example;Initial Catalog=x"),
        ("url=jdbc\\:mysql\\://db-old\\:3306/x?useSSL=false", "url=jdbc\\:mysql\\://db.example\\:3306/x?useSSL=false"),
        ("url=localhost\\:5432", "url=near.example:5432"),
        ("seeds=db-old:1,DB-Old:2", "seeds=db.example:1,db.example:2"),
        ("hostess=db-old", "hostess=db-old"),
        # A word is no host because one is called so.
        ("database=db-old", "database=db-old"),
        ("name: db-old-copy", "name: db-old-copy"),
        ("//db-old.intranet/x", "//db-old.intranet/x"),
        ("url=localhost:5432 localhost:8080 localhost", "url=near.example:5432 localhost:8080 localhost"),
        ("JAVA_HOME=/usr/lib/jvm/java-8/jre /jvm/java-8-old", "JAVA_HOME=/usr/lib/jvm/java-8/jre /jvm/java-8-old"),
        ("a=/jvm/java-8/jre", "a=/jvm/java-17/jre"),
    ],
)
def test_a_word_is_replaced_where_it_stands_for_the_other_host(before: str, after: str) -> None:
    assert substitution.substituted(before.encode(), TABLE)[0].decode() == after


def test_other_bytes_stay_as_they_are_and_places_tell_no_line() -> None:
    text = "# 数据库\r\nurl=10.1.0.5 password=geheim\r\n".encode("gbk")
    new, places = substitution.substituted(text, TABLE)
    assert new == text.replace(b"10.1.0.5", b"db.example")
    assert substitution.told("a.ini", places) == ["a.ini:2: 10.1.0.5 -> db.example (identity/db)"]


def test_what_may_mean_the_old_host_and_stays_is_told_with_its_line() -> None:
    text = b"database=db-old\nurl=//db-old/x\nhost=localhost\nport=5432\nold=//DB-OLD.intranet\ncopy=db-old-copy"
    assert substitution.left(text, TABLE) == [(1, "db-old"), (3, "localhost"), (5, "DB-OLD")]
    # Without the port, the own host is nobody's.
    assert substitution.left(b"host=localhost\nport=15432", TABLE) == []


def test_what_one_substitution_writes_is_not_found_by_the_next() -> None:
    swapped = [row("10.1.0.5", "10.1.0.6"), row("10.1.0.6", "10.1.0.5")]
    assert substitution.substituted(b"10.1.0.5 10.1.0.6", swapped)[0] == b"10.1.0.6 10.1.0.5"


def test_the_way_back_leads_to_the_address_that_was_there() -> None:
    table = [row("db-old", "db.example", "host"), row("10.1.0.5", "db.example")]
    back = substitution.turned_round(table)
    assert substitution.substituted(b"url=//db.example:3306", back)[0] == b"url=//10.1.0.5:3306"


def test_only_plain_files_of_the_folder_are_read_and_written(tmp_path: Path) -> None:
    secret = tmp_path / "shadow"
    secret.write_text("root:10.1.0.5")
    root = tmp_path / "app"
    (root / "conf").mkdir(parents=True)
    (root / "conf" / "link").symlink_to(secret)
    (root / "linked").symlink_to(tmp_path)
    os.link(secret, root / "conf" / "hard")
    os.mkfifo(root / "conf" / "pipe")
    inside = substitution.Inside(str(root))
    odd = ("conf/link", "linked/shadow", "../shadow", "/etc/shadow", "conf/../../shadow", "conf/hard", "conf/pipe",
           "conf/missing", "conf")  # fmt: skip
    for path in odd:
        with pytest.raises(Refused, match="configuration file"):
            inside.read(path)
        with pytest.raises(Refused, match="configuration file"):
            inside.write(path, b"x")
    assert secret.read_text() == "root:10.1.0.5"


def test_a_file_that_is_written_keeps_its_rights(tmp_path: Path) -> None:
    file = tmp_path / "a.ini"
    file.write_text("old")
    file.chmod(0o640)
    inside = substitution.Inside(str(tmp_path))
    assert inside.write("a.ini", b"new") is True
    assert inside.write("a.ini", b"new") is False
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o640)
    assert list(tmp_path.iterdir()) == [file]


def test_addresses_in_undeclared_files_and_archives_are_named(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "a.ini").write_text("10.1.0.5")
    (tmp_path / "conf" / "b.ini").write_text("url=//db-old/x")
    (tmp_path / "conf" / "c.ini").write_text("10.1.0.55")
    with zipfile.ZipFile(tmp_path / "app.war", "w") as archive:
        archive.writestr("WEB-INF/classes/db.properties", "host=10.1.0.5")
    (tmp_path / "broken.jar").write_bytes(b"PK no archive")
    (tmp_path / "loop").symlink_to(tmp_path)
    found = substitution.undeclared(str(tmp_path), TABLE, ["conf/a.ini"])
    assert found == ["app.war!WEB-INF/classes/db.properties", "conf/b.ini"]


@pytest.mark.parametrize(
    "line",
    ["Environment=DB_PASSWORD=geheim X=geheim", "ExecStart=/x --password geheim -Ddb.passwd=geheim",
     "url=jdbc:mysql://app:geheim@10.1.0.5/x", "SECRET_KEY: 'geheim und mehr'", "口令=geheim",
     "token = " + "geheim" * 10],
)  # fmt: skip
def test_what_looks_like_a_secret_is_not_shown(line: str) -> None:
    assert "geheim" not in shown.masked(line)


def test_a_unit_is_shown_bounded_with_the_digest_of_the_whole() -> None:
    told = shown.shown("/x.service", b"# comment\n\n[Service]\nUser=app\n" + b"ExecStartPre=/bin/true\n" * 500)
    assert told["lines"][:2] == ["[Service]", "User=app"]
    assert (len(told["lines"]), told["left_out"]) == (shown.MOST_LINES, 442)
    assert len(told["sha256"]) == 64


def test_what_a_killed_write_left_is_gone_after_the_next(tmp_path: Path) -> None:
    (tmp_path / "app.ini").write_text("a=1")
    (tmp_path / ".app.ini.zhenghe").write_text("half")
    assert substitution.Inside(str(tmp_path)).write("app.ini", b"a=1") is False
    assert [one.name for one in tmp_path.iterdir()] == ["app.ini"]
