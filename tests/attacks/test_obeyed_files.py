"""A source host writes units and sites that read one way here and another way to systemd and nginx, which are root."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.real
APP: dict[str, Any] = {"name": "app", "settings": {"root": "/srv/app", "service": "app"}}
UNIT = "/etc/systemd/system/app.service"
OWN = "[Service]\nUser=www-data\n"


@pytest.fixture
def bounds(on_host: Callable[[str], Any]) -> Any:
    return on_host("zhenghe_bounds")


@pytest.mark.parametrize(
    "text",
    [
        f"{OWN}# a comment does not go on \\\nUser=root\n",
        f"{OWN}Environment=A=two\\\\\nUser=root\n",
        f"{OWN}Environment=A=spaces\\ \nUser=root\n",
        f"{OWN}Environment=A\0User=root\n",
        f"{OWN}Environment=A\rUser=root\n",
        "[Unit]\nDescription=A\x0bUser=www-data\n[Service]\nExecStart=/x\n",
        "[Unit]\nDescription=A\u2028User=www-data\n[Service]\nExecStart=/x\n",
        "[X-Own]\nUser=www-data\n[Service]\nExecStart=/x\n",
        "User=www-data\n[Service]\nExecStart=/x\n",
        "[Service]\nUser=%u\n",
        "[Service]\nUser=%U\n",
        "[Service]\nUser=00\n",
        "[Service]\nUser=bind\n",
        '[Service]\nUser="root"\n',
        "[Service]\nDynamicUser=yes\nDynamicUser=no\n",
        "[X-Own]\nDynamicUser=yes\n[Service]\nExecStart=/x\n",
        f'{OWN}SupplementaryGroups="shadow"\n',
        f"{OWN}RuntimeDirectory=app systemd\n",
        f"{OWN}CacheDirectory=apt\n",
        f"{OWN}StateDirectory=dpkg\n",
        f"{OWN}StateDirectory=app:dpkg\n",
        f"{OWN}LogsDirectory=%s\n",
        f"{OWN}USBFunctionDescriptors=/etc/shadow\n",
    ],
)
def test_a_unit_is_read_as_systemd_reads_it(bounds: Any, text: str) -> None:
    with pytest.raises(bounds.Refused):
        bounds.see_unit(APP, UNIT, text)


def test_a_byte_order_mark_hides_no_section_of_a_drop_in(bounds: Any) -> None:
    with pytest.raises(bounds.Refused):
        bounds.see_unit(APP, f"{UNIT}.d/more.conf", "\ufeff[Service]\nExecStartPre=+/srv/app/as-root\n")


@pytest.mark.parametrize(
    "text",
    [
        f"{OWN}ExecStart=/srv/app/run \\\n  # between two parts\n  --port 80\nStateDirectory=app app/more\r\n",
        "[Service]\nDynamicUser=yes\nExecStart=/srv/app/run\n",
        f"{OWN}RuntimeDirectory=never-there-before\nEnvironment=A=C:\\\\folder\nRestart=always\n",
        "[Service]\nUser=1207\nGroup=1207\n",
    ],
)
def test_an_ordinary_unit_is_taken(bounds: Any, text: str) -> None:
    bounds.see_unit(APP, UNIT, text)


@pytest.mark.parametrize(
    "text",
    [
        "server_name a#b; access_log /etc/cron.d/x;",
        'server_name a"b; error_log /etc/cron.d/x; server_name c"d;',
        "server_name a'b; error_log /etc/cron.d/x; server_name c'd;",
        'server_name a\\"b; error_log /etc/cron.d/x; server_name ";',
        "server_name a${{#; error_log /etc/cron.d/x;",
        "# c\rerror_log /etc/cron.d/x;",
        "listen unix:/etc/app.sock;",
        "location / { rewrite_by_lua 'os.execute(1)'; }",
        '"error_log" /etc/cron.d/x;',
        "error_log /var/log/nginx/../../../etc/cron.d/x;",
    ],
)
def test_a_site_is_read_as_nginx_reads_it(bounds: Any, text: str) -> None:
    with pytest.raises(bounds.Refused):
        bounds.see_site("/etc/nginx/sites-available/app", f"server {{ {text} }}", "/srv/app")


def test_an_ordinary_site_is_taken(bounds: Any) -> None:
    text = """
    map $http_upgrade $connection { default upgrade; '' close; }  # it's a comment: "
    server {
        listen 80; server_name a.example *.b.example; root /srv/app/public; access_log /var/log/nginx/app.log;
        add_header X-Words "one; two {three}" always; set $where "${scheme}://$host";
        location ~* "^/[a-z]{2}/(.+)\\.php$" { include snippets/fastcgi-php.conf; fastcgi_pass unix:/run/php.sock; }
        location ~ ^/v[0-9]+/ { try_files $uri /index.php?$args; proxy_pass http://127.0.0.1:8080; }
    }
    """
    bounds.see_site("/etc/nginx/sites-available/app", text, "/srv/app")


def test_what_comes_along_is_read_before_it_is_put_down(bounds: Any, tmp_path: Path) -> None:
    staged = tmp_path / "staged"
    staged.write_bytes(b"[Service]\nUser=www-data\n# \\\nUser=root\n")
    with pytest.raises(bounds.Refused):
        bounds.put(APP, staged, UNIT, tmp_path / "place")
    assert not (tmp_path / "place").exists()
