"""A source host that was broken into offers what it likes: its new host takes over what is ordinary and declared."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.real
SITE: dict[str, Any] = {"name": "site", "settings": {"root": "/srv/app", "service": "app", "site": "shop"}}
UNIT = "/etc/systemd/system/app.service"
NGINX = "/etc/nginx/sites-available/shop"


@pytest.fixture
def bounds(on_host: Callable[[str], Any]) -> Any:
    return on_host("zhenghe_bounds")


def offer(*gives: str, users: Any = (), groups: Any = ()) -> dict[str, Any]:
    return {"gives": list(gives), "accounts": {"users": list(users), "groups": list(groups)}}


def user(name: str = "app", number: int = 1207, group: int = 1207) -> dict[str, Any]:
    return {"name": name, "number": number, "group": group, "home": "/srv/app", "shell": "/usr/sbin/nologin"}


def group(name: str = "app", number: int = 1207, *members: str) -> dict[str, Any]:
    return {"name": name, "number": number, "members": list(members)}


def test_what_is_ordinary_and_declared_is_taken(bounds: Any) -> None:
    gives = (NGINX, UNIT, f"{UNIT}.d/limits.conf", "/etc/default/app", "/srv/app/settings.env")
    bounds.see_offer(SITE, offer(*gives, users=[user()], groups=[group(), group("readers", 3411, "app")]))
    bounds.see_offer(SITE, offer(users=[user("svc", 105, 65534)], groups=[group("www-data", 33, "svc")]))
    bounds.see_offer(SITE, offer(users=[user("www-data", 33, 33)], groups=[group("www-data", 33)]))


@pytest.mark.parametrize(
    "key",
    ["", "ssh-ed25519 AAAA\nssh-ed25519 BBBB", 'command="id" ssh-ed25519 AAAA', "ssh-ed25519 AAAA comment",
     "AAAA ssh-ed25519"],
)  # fmt: skip
def test_a_key_with_anything_beside_it_lets_nobody_in(
    on_host: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    store = on_host("zhenghe_readers")
    monkeypatch.setattr(store, "ADMITTED", tmp_path / "ssh" / "authorized_keys")
    store.admit("s-c", "cloud-host", "10.0.0.2", "ssh-ed25519 AAAA")
    before = store.ADMITTED.read_text()
    assert before.startswith('restrict,from="10.0.0.2",command="')
    assert before.count("\n") == 1
    with pytest.raises(store.Refused, match="no key"):
        store.admit("s-c", "cloud-host", "10.0.0.2", key)
    with pytest.raises(store.Refused, match="no names"):
        store.admit("s-c", "cloud-host", '10.0.0.2",command="id', "ssh-ed25519 AAAA")
    assert store.ADMITTED.read_text() == before


@pytest.mark.parametrize(
    "path",
    ["/etc/shadow", "/etc/systemd/system/ssh.service", "/srv/app/../../etc/cron.d/x", "/etc/nginx/nginx.conf",
     "/root/.ssh/authorized_keys", "/srv/application", "/etc/app/../passwd",
     "/etc/systemd/system/app.service.d/../x.conf"],
)  # fmt: skip
def test_a_path_that_nobody_declared_is_refused(bounds: Any, path: str) -> None:
    with pytest.raises(bounds.Refused, match="does not declare"):
        bounds.see_offer(SITE, offer(path))


@pytest.mark.parametrize(
    "users, groups",
    [
        ([user(number=27)], [group()]),
        ([user(number=65534)], [group()]),
        ([user(group=27)], []),
        ([user(group=0)], []),
        ([user()], [group(), group("sudo", 27, "app")]),
        ([user()], [group(), group("docker", 999, "app")]),
        ([user(group=42)], [group("shadow", 42)]),
        ([user()], [group(), group("shadow", 1300, "app")]),
    ],
)
def test_nobody_joins_a_group_of_the_system_s_own(bounds: Any, users: Any, groups: Any) -> None:
    with pytest.raises(bounds.Refused, match="not taken over"):
        bounds.see_offer(SITE, offer(users=users, groups=groups))


HONEST = """[Unit]
After=network.target
[Service]
User=app
Group=app
EnvironmentFile=-/etc/default/app
StandardOutput=append:/var/log/app.log
AmbientCapabilities=CAP_NET_BIND_SERVICE
ExecStartPre=-/usr/bin/test -d /srv/app
ExecStart=/usr/bin/python3 \\
    /srv/app/app.py
[Install]
WantedBy=multi-user.target
"""


def test_a_unit_that_keeps_to_its_account_is_taken(bounds: Any) -> None:
    bounds.see_unit(SITE, UNIT, HONEST)
    bounds.see_unit(SITE, UNIT, HONEST.replace("User=app", "DynamicUser=yes"))
    bounds.see_unit(SITE, f"{UNIT}.d/limits.conf", "[Service]\nLimitNOFILE=65536\n")


@pytest.mark.parametrize(
    "line",
    ["User=root", "User=", "User=0", "ExecStartPre=+/srv/app/x", "ExecStart=-!/srv/app/x", "ExecStopPost=@+/x y",
     "Group=shadow", "SupplementaryGroups=www-data docker", "AmbientCapabilities=CAP_SYS_ADMIN",
     "StandardOutput=file:/etc/cron.d/x",
     "EnvironmentFile=/etc/shadow", "LoadCredential=x:/etc/shadow", "Alias=ssh.service", "PermissionsStartOnly=yes",
     "ExecStartPre= \\\n   +/srv/app/x"],
)  # fmt: skip
def test_a_unit_that_has_root_do_something_is_not(bounds: Any, line: str) -> None:
    with pytest.raises(bounds.Refused, match="not taken over"):
        bounds.see_unit(SITE, UNIT, HONEST.replace("[Install]", f"{line}\n[Install]"))
    with pytest.raises(bounds.Refused, match="not taken over"):
        bounds.see_unit(SITE, f"{UNIT}.d/more.conf", f"[Service]\n{line}\n")


def test_a_unit_without_a_user_is_not_taken(bounds: Any) -> None:
    with pytest.raises(bounds.Refused, match="no user"):
        bounds.see_unit(SITE, UNIT, HONEST.replace("User=app\n", "").replace("Group=app\n", ""))


PAGES = """server {
    listen 80; # plain
    server_name shop.example;
    access_log /var/log/nginx/shop.log combined;
    location / { proxy_pass http://127.0.0.1:8080; proxy_set_header Connection ""; }
    location ~ \\.php$ { include snippets/fastcgi-php.conf; fastcgi_pass unix:/run/php.sock; }
    location /files/ { alias /srv/app/files/; charset utf-8; }
}
"""


def test_a_site_that_serves_its_folder_is_taken(bounds: Any) -> None:
    bounds.see_site(NGINX, PAGES, "/srv/app")


@pytest.mark.parametrize(
    "line",
    ["access_log /etc/cron.d/x combined;", "error_log /root/.ssh/authorized_keys;", "load_module /srv/app/x.so;",
     "client_body_temp_path /etc/systemd/system;", "proxy_cache_path /etc keys_zone=x:1m;", "include /srv/app/*.conf;",
     "perl_modules /srv/app;", "access_log /var/log/nginx/../../../etc/cron.d/x;",
     "'access_log' /etc/cron.d/x;", "x 'y;"],
)  # fmt: skip
def test_a_site_that_has_nginx_write_or_load_elsewhere_is_not(bounds: Any, line: str) -> None:
    with pytest.raises(bounds.Refused):
        bounds.see_site(NGINX, PAGES.replace("listen 80;", f"listen 80; {line}"), "/srv/app")


@pytest.mark.skipif(os.geteuid() != 0, reason="devices and owners are root's to make")
def test_a_folder_that_gives_rights_away_is_named(bounds: Any, tmp_path: Path) -> None:
    root = tmp_path / "app"
    (root / "shared").mkdir(parents=True)
    (root / "shared").chmod(0o2775)
    os.mkfifo(root / "queue")
    (root / "tool").write_text("#!/bin/sh\n")
    os.chown(root / "tool", 0, 3411)
    (root / "tool").chmod(0o2755)
    bounds.see_folder(str(root))
    (root / "su").write_text("x")
    (root / "su").chmod(0o4755)
    (root / "sg").write_text("x")
    (root / "sg").chmod(0o2755)
    os.mknod(root / "disk", 0o60600, os.makedev(8, 0))
    with pytest.raises(bounds.Refused) as wrong:
        bounds.see_folder(str(root))
    for word in ("disk (a device)", "su (setuid)", "sg (setgid of group 0)"):
        assert word in wrong.value.reason
    assert "tool" not in wrong.value.reason


def test_a_file_that_comes_along_is_a_plain_one_and_becomes_root_s(bounds: Any, tmp_path: Path) -> None:
    staged = tmp_path / "staged"
    staged.symlink_to("/etc/shadow")
    with pytest.raises(bounds.Refused, match="plain file"):
        bounds.put(SITE, staged, UNIT)


def test_the_command_of_a_folder_is_one_file_that_runs_alone(
    on_host: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, store = on_host("zhenghe_folder_command"), on_host("zhenghe_store")
    monkeypatch.setattr(store, "PROGRAM", tmp_path / "folder.pyz")
    command.install()
    first = store.PROGRAM.read_bytes()
    for asked in ("sh", "rsync --server --sender -e.LsfxC . /etc/shadow", "rsync --server . root/"):
        ran = subprocess.run(
            [sys.executable, "-I", store.PROGRAM, "give", "nobody-has-it"], check=False, cwd="/", capture_output=True,
            env={"SSH_ORIGINAL_COMMAND": asked}, text=True,
        )  # fmt: skip
        assert ran.returncode == 1
        assert ran.stderr.startswith("zhenghe: nobody-has-it ")
    command.install()
    assert store.PROGRAM.read_bytes() == first


_READ: dict[str, Any] = {"sha256": {UNIT: "0" * 64}, "accounts": ["user app 1207", "group app 1207"]}
AGREED: dict[str, Any] = {**SITE, "settings": {**SITE["settings"], **_READ}}


@pytest.mark.parametrize(
    "given, told",
    [
        (offer(UNIT, NGINX), f"{NGINX} was not there when it was agreed"),
        (offer(users=[user("other", 1300)]), "'user other 1300' of the source was not agreed"),
        (offer(users=[user(number=1300)]), "'user app 1300'"),
        (offer(groups=[group("app", 1207, "backdoor")]), "'group app 1207 backdoor'"),
        (offer(groups=[group("readers", 3411, "app")]), "'group readers 3411 app'"),
    ],
)
def test_what_came_after_a_person_had_read_the_offer_is_refused_by_name(bounds: Any, given: Any, told: str) -> None:
    bounds.see_offer(AGREED, offer(UNIT, "/srv/app/settings.env", users=[user()], groups=[group()]))
    with pytest.raises(bounds.Refused) as refused:
        bounds.see_offer(AGREED, given)
    assert told in refused.value.reason


def test_a_file_that_changed_since_it_was_read_is_refused_with_its_digest(on_host: Callable[[str], Any]) -> None:
    agreed = on_host("zhenghe_agreed")
    content = b"[Service]\nUser=app\n"
    read = {**AGREED, "settings": {**AGREED["settings"], "sha256": {UNIT: hashlib.sha256(content).hexdigest()}}}
    agreed.see_content(read, UNIT, content)
    with pytest.raises(agreed.Refused, match=hashlib.sha256(b"x").hexdigest()):
        agreed.see_content(read, UNIT, b"x")
    now = {UNIT: hashlib.sha256(content).hexdigest()}
    assert agreed.unread(SITE, now, offer(users=[user()])["accounts"]) == {
        "sha256": [f"{UNIT}: {now[UNIT]}"], "accounts": ["user app 1207"], "whole": True
    }  # fmt: skip
    assert agreed.unread(SITE, None, offer()["accounts"]) == {"accounts": [], "whole": True}
    assert agreed.unread(AGREED, now, offer(users=[user()])["accounts"]) == {"whole": True}


def test_the_owners_of_files_are_among_the_accounts_that_a_look_tells(
    on_host: Callable[[str], Any], tmp_path: Path
) -> None:
    agreed = on_host("zhenghe_agreed")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "mail").touch()
    os.chown(tmp_path / "deep" / "mail", 8, 8)
    accounts, whole = agreed.going_along(str(tmp_path))
    assert (agreed.words_of(accounts), whole) == (["user mail 8", "group mail 8"], True)
    assert agreed.going_along(str(tmp_path), longest=-1.0)[1] is False
    with pytest.raises(agreed.Refused, match="no folder"):
        agreed.going_along(str(tmp_path / "gone"))
