"""Secrets: what is taken for one and what is not, references, and how they are resolved without ever being shown."""

import json
import logging
import os
import stat
import sys
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from pydantic import BaseModel, SecretStr

from bench.shadows import programme as systems_made_up
from infra.credentials.errors import SecretError, SecretMissing, SecretRefused, StoreUnreachable
from infra.credentials.keyrings import read_keyring
from infra.credentials.resolving import LONGEST, Resolver
from inventory.files.reading import Mapping, Node, Scalar, read
from inventory.secrecy import NotAReference, SecretReference, is_reference, looks_secret, reference

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"
SECRET = "hunter2-Tr0ub4dor"  # what no message may show

# Parts are joined here so that no scanner takes this file for a leak.
TOLD_BY_CONTENT = {
    "a key": "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIE",
    "a key without its kind": "-----BEGIN " + "PRIVATE KEY-----",
    "a URL": f"postgres://app:{SECRET}@10.11.0.10/billing",
    "a URL without a user": f"redis://:{SECRET}@10.11.0.10",
    "a connection string": f"host=db password={SECRET}",
    "a note": f"root / pwd: {SECRET}",
    "a Chinese note": f"管理员密码：{SECRET}",
    "a Chinese sentence": f"初始口令为{SECRET}",
    "a header": "Authorization: Bearer " + "abcdefghijkl1234",
    "a hash": "$6$" + "rounds=5000$saltsalt$" + "abcdefghijklmnopqrstuvwxyz0123456789",
    "a web token": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxIn0.abc",
    "an access key": "AKIA" + "ABCDEFGHIJKLMNOP",
    "another cloud's": "LTAI" + "5tAbCdEfGhIjKlMn",
    "a forge's": "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789",
    "vault's": "hvs." + "CAESIJabcdefghijklmnop",
    "a made-up text": "q7Zp2" + "Xv9Lm4Tt8Kd3Rw6Bn1",
    "a made-up text in base64": "dGhp" + "c0lzQVNlY3JldFZhbHVlMTIz",
}


@pytest.mark.parametrize("value", TOLD_BY_CONTENT.values(), ids=TOLD_BY_CONTENT)
def test_a_secret_is_known_by_its_content(value: str) -> None:
    assert looks_secret("survey.function", value)


@pytest.mark.parametrize(
    "field",
    [
        "password", "components[0].settings.db_password", "dbPassword", "root-passwd", "settings.mypassword", "token",
        "api_key", "apiKey", "APIKEY", "access_key", "privateKey", "client_secret", "credentials",
        "settings.数据库密码", "登录口令", "passwords[0]", "passwords[1][2]", "PWD",
    ],
)  # fmt: skip
def test_a_secret_is_known_by_the_name_of_its_field(field: str) -> None:
    assert looks_secret(field, "x")
    assert looks_secret(field, 123456)
    assert not looks_secret(field, "vault:kv/billing#db")
    for empty in (None, "", True, False):
        assert not looks_secret(field, empty)


@pytest.mark.parametrize(
    "field, value",
    [
        ("title", "口令管理系统"), ("survey.function", "统一管理各系统的密码和密钥"), ("secretary", "办公室"),
        ("settings.password_policy", "strict"), ("settings.token_ttl", "15m"), ("settings.secret_name", "billing"),
        ("settings.tokenizer", "ik"), ("settings.key", "id"), ("settings.key_column", "id"), ("keyboard", "de"),
        ("settings.root", "/srv/billing/releases/2017-08-16/current"), ("probes[0].target", "http://a.example/b?c=d"),
        ("survey.number", "LN-2017-000123456789"), ("grading.record", "21011743019-00001"),
        ("host.software", "OracleDatabase19cEnterpriseEdition"), ("digest", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"),
        ("id", "550e8400-e29b-41d4-a716-446655440000"), ("name", "department-of-water-and-electricity-12"),
        ("asset.title", "HUAWEI-CloudEngine-S5735-L24P4X-A"), ("survey.function", "password reset: self service"),
        ("bandwidth", 100), ("survey.channel", "一般公共预算=2019年"),
        ("host.software", "Apache-Tomcat-9.0.65/JDK1.8.0_341"),
    ],
)  # fmt: skip
def test_what_is_no_secret(field: str, value: object) -> None:
    assert not looks_secret(field, value)


def scalars(node: Node, field: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(node, Scalar):
        yield field, node.value
    elif isinstance(node, Mapping):
        for key, child in node.items.items():
            yield from scalars(child, f"{field}.{key}" if field else key)
    else:
        for number, child in enumerate(node.items):
            yield from scalars(child, f"{field}[{number}]")


def taken_for_secrets(documents: list[bytes]) -> list[tuple[str, object]]:
    nodes = [node for document in documents for node in read(document)[0]]
    return [(field, value) for node in nodes for field, value in scalars(node) if looks_secret(field, value)]


def test_the_example_and_made_up_systems_have_none() -> None:
    files = [file for file in YUNHE.rglob("*.yaml") if "twin" not in file.relative_to(YUNHE).parts]
    assert taken_for_secrets([file.read_bytes() for file in files]) == []
    systems = systems_made_up(500, seed=1)[0]
    assert taken_for_secrets([each.model_dump_json().encode() for each in systems]) == []


REFERENCES = {
    "env:DB_PASSWORD": SecretReference(scheme="env", place="DB_PASSWORD"),
    "file:/etc/zhenghe/db.pass": SecretReference(scheme="file", place="/etc/zhenghe/db.pass"),
    "keyring:zhenghe/billing@db": SecretReference(scheme="keyring", place="zhenghe", key="billing@db"),
    "vault:kv/water/billing#db": SecretReference(scheme="vault", place="kv/water/billing", key="db"),
    "vault:kv/billing": SecretReference(scheme="vault", place="kv/billing"),
}


@pytest.mark.parametrize("text", REFERENCES)
def test_references_are_read_and_written(text: str) -> None:
    assert reference(text) == REFERENCES[text]
    assert str(reference(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", SECRET, "env:", "env:1X", "env:A B", "file:relative", "file:", "keyring:service", "keyring:/user",
     "vault:kv", "vault:kv/", "vault:/kv/x", "vault:kv/x#", "vault:kv/x/#y", "ENV:NAME", "http://a/b", "env:A\nB"],
)  # fmt: skip
def test_what_is_no_reference_is_refused_and_not_repeated(text: str) -> None:
    assert not is_reference(text)
    with pytest.raises(NotAReference) as refused:
        reference(text)
    assert SECRET not in str(refused.value)


@given(text=st.text(max_size=40))
def test_law_a_reference_is_written_as_it_was_read(text: str) -> None:
    for prefix in ("env:", "file:/", "keyring:", "vault:"):
        if is_reference(prefix + text):
            assert str(reference(prefix + text)) == prefix + text


@given(field=st.text(max_size=20), value=st.text(max_size=60) | st.integers() | st.floats() | st.booleans() | st.none())
def test_law_any_field_and_value_get_an_answer(field: str, value: object) -> None:
    assert looks_secret(field, value) in {True, False}


def resolved(text: str, **environment: str) -> SecretStr:
    return Resolver(environment).resolve(reference(text))


def refused(kind: type[SecretError], text: str, **environment: str) -> SecretError:
    """Resolve what cannot be, and look for the secret in everything that could be told of it."""
    with pytest.raises(kind) as error:
        resolved(text, **environment)
    assert type(error.value) is kind
    assert error.value.reference == reference(text)
    assert SECRET not in "".join(traceback.format_exception(error.value))
    assert SECRET not in repr(error.value)
    return error.value


def test_a_resolved_secret_hides_itself(caplog: pytest.LogCaptureFixture) -> None:
    class Holder(BaseModel):
        secret: SecretStr

    secret = resolved("env:DB", DB=SECRET)
    assert secret.get_secret_value() == SECRET
    with caplog.at_level(logging.DEBUG):
        logging.getLogger().warning("%s %r %s", secret, secret, [secret])
    holder = Holder(secret=secret)
    for shown in (str(secret), repr(secret), f"{secret}", caplog.text, repr(holder), holder.model_dump_json()):
        assert SECRET not in shown
    with pytest.raises(TypeError):
        json.dumps(secret)
    assert SECRET not in repr(vars(Resolver({"DB": SECRET})).keys())


def test_environment() -> None:
    refused(SecretMissing, "env:DB")
    refused(SecretMissing, "env:DB", DB="")


def _file(path: Path, content: bytes, mode: int = 0o600) -> str:
    path.write_bytes(content)
    path.chmod(mode)
    return f"file:{path}"


def test_files(tmp_path: Path) -> None:
    assert resolved(_file(tmp_path / "a", f"{SECRET}\n".encode())).get_secret_value() == SECRET
    assert resolved(_file(tmp_path / "b", " 密 \n\n".encode(), 0o640)).get_secret_value() == " 密 \n"
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    for text in (f"file:{tmp_path}/none", f"file:{tmp_path}/a/b", f"file:{tmp_path}/pipe"):
        refused(SecretMissing, text)
    refused(SecretRefused, f"file:{tmp_path}")
    refused(SecretMissing, _file(tmp_path / "empty", b"\n"))
    refused(SecretMissing, _file(tmp_path / "long", b"x" * (LONGEST + 1)))
    refused(SecretMissing, _file(tmp_path / "binary", SECRET.encode() + b"\xff"))
    open_to_all = refused(SecretRefused, _file(tmp_path / "open", SECRET.encode(), 0o604))
    assert "chmod o-rwx" in open_to_all.reason


BACKEND = """
import json
from pathlib import Path
from keyring.backend import KeyringBackend

FILE = Path(__file__).with_suffix(".json")

class FileKeyring(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        return json.loads(FILE.read_text()).get(f"{service}/{username}")

    def set_password(self, service, username, password):
        FILE.write_text(json.dumps({f"{service}/{username}": password}))
"""


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyringBackend]:
    """A keyring that keeps its secrets in a file, set up the way that users set one up."""
    (tmp_path / "keeping.py").write_text(BACKEND)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = keyring.get_keyring()
    chosen = keyring.core.load_keyring("keeping.FileKeyring")
    keyring.set_keyring(chosen)
    yield chosen
    keyring.set_keyring(before)
    sys.modules.pop("keeping", None)


def test_keyring(backend: KeyringBackend) -> None:
    keyring.set_password("zhenghe", "billing", SECRET)
    assert resolved("keyring:zhenghe/billing").get_secret_value() == SECRET
    missing = refused(SecretMissing, "keyring:zhenghe/other")
    assert "keyring set zhenghe other" in missing.reason


def test_a_machine_without_a_keyring() -> None:
    nothing = keyring.core.load_keyring("keyring.backends.fail.Keyring")
    with pytest.raises(StoreUnreachable, match="NoKeyringError"):
        read_keyring(reference("keyring:zhenghe/billing"), nothing)


def held(**values: object) -> tuple[int, object]:
    return 200, {"data": {"data": values, "metadata": {"version": 1}}}


ANSWERS: dict[str, tuple[int, object]] = {
    "water/billing": held(db=SECRET, port=5432),
    "alone": held(value=SECRET),
    "empty": held(db=""),
    "deleted": (404, {"data": {"data": None, "metadata": {"deletion_time": "2017-09-12T00:00:00Z"}}}),
    "sealed": (503, {"errors": ["Vault is sealed"]}),
    "page": (200, "<html>"),
    "first-version": (200, {"data": {"db": SECRET}}),
}


class VaultHandler(BaseHTTPRequestHandler):
    """Answers as Vault's key-value store of version 2 does."""

    def do_GET(self) -> None:
        if self.headers.get("X-Vault-Token") != "right":
            self.answer(403, {"errors": ["permission denied"]})
        elif self.headers.get("X-Vault-Namespace", "ops") != "ops":
            self.answer(404, {"errors": []})
        else:
            self.answer(*ANSWERS.get(self.path.removeprefix("/v1/kv/data/"), (404, {"errors": []})))

    def answer(self, status: int, body: object) -> None:
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture(scope="module")
def vault() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), VaultHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_vault(vault: str, tmp_path: Path) -> None:
    named = {"VAULT_ADDR": vault, "VAULT_TOKEN": "right"}
    assert resolved("vault:kv/water/billing#db", **named).get_secret_value() == SECRET
    assert resolved("vault:kv/alone", **named, VAULT_NAMESPACE="ops").get_secret_value() == SECRET
    (tmp_path / ".vault-token").write_text("right\n")
    assert resolved("vault:kv/alone", VAULT_ADDR=vault, HOME=str(tmp_path)).get_secret_value() == SECRET


@pytest.mark.parametrize(
    "text, kind, said",
    [
        ("vault:kv/none#db", SecretMissing, "no such secret"),
        ("vault:kv/deleted#db", SecretMissing, "no such secret"),
        ("vault:kv/water/billing", SecretMissing, "db, port"),
        ("vault:kv/water/billing#user", SecretMissing, "under this key"),
        ("vault:kv/water/billing#port", SecretMissing, "under this key"),
        ("vault:kv/empty#db", SecretMissing, "under this key"),
        ("vault:kv/sealed#db", StoreUnreachable, "VaultDown"),
        ("vault:kv/page#db", StoreUnreachable, ""),
        ("vault:kv/first-version#db", StoreUnreachable, "version 2"),
    ],
)
def test_what_vault_answers_otherwise(vault: str, text: str, kind: type[SecretError], said: str) -> None:
    assert said in refused(kind, text, VAULT_ADDR=vault, VAULT_TOKEN="right").reason


def test_vault_that_refuses_or_is_not_there(vault: str, tmp_path: Path) -> None:
    refused(SecretRefused, "vault:kv/alone", VAULT_ADDR=vault, VAULT_TOKEN="wrong")
    refused(StoreUnreachable, "vault:kv/alone", VAULT_ADDR="http://127.0.0.1:1", VAULT_TOKEN="right")
    refused(StoreUnreachable, "vault:kv/alone", VAULT_ADDR="no address", VAULT_TOKEN="right")
    refused(StoreUnreachable, "vault:kv/alone", VAULT_TOKEN="right")
    without = refused(StoreUnreachable, "vault:kv/alone", VAULT_ADDR=vault, HOME=str(tmp_path))
    assert ".vault-token" in without.reason
