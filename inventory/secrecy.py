"""Secrets are written as references to where they are kept; a value that is one itself is found and never shown.

NotAReference      a text is no reference to a secret; it is not repeated, as it may be the secret itself
"""

import math
import re
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from inventory.base import Model
from inventory.words import _

Scheme = Literal["env", "file", "keyring", "vault"]

_FORMS: dict[Scheme, re.Pattern[str]] = {
    "env": re.compile(r"env:(?P<place>[A-Za-z_][A-Za-z0-9_]*)(?P<key>)"),
    "file": re.compile(r"file:(?P<place>/[^\0\n]+)(?P<key>)"),
    "keyring": re.compile(r"keyring:(?P<place>[^/\s]+)/(?P<key>\S+)"),
    "vault": re.compile(r"vault:(?P<place>[^/\s#]+/[^\s#]*[^/\s#])(?:#(?P<key>[^\s#]+))?"),
}


FORMS = "env:NAME, file:/path, keyring:service/user, vault:mount/path#key"
"""How references are written."""


class NotAReference(ValueError):
    """A text is no reference to a secret; it may be a secret itself and is not repeated."""

    def __init__(self) -> None:
        super().__init__(_("this is no reference to a secret; one of: {forms}").format(forms=FORMS))


class SecretReference(Model):
    """Where a secret is kept."""

    scheme: Scheme
    place: str
    """The variable's name, the file's path, the keyring's service, or Vault's mount and path."""
    key: str = ""
    """The keyring's user, or the key inside Vault's secret; empty where that has one key alone."""

    def __str__(self) -> str:
        """Return the reference as it is written."""
        joint = {"keyring": "/", "vault": "#"}.get(self.scheme, "") if self.key else ""
        return f"{self.scheme}:{self.place}{joint}{self.key}"


def reference(text: str) -> SecretReference:
    """Read a reference; NotAReference where the text is not one."""
    for scheme, form in _FORMS.items():
        if match := form.fullmatch(text):
            return SecretReference(scheme=scheme, place=match["place"], key=match["key"] or "")
    raise NotAReference


def is_reference(text: str) -> bool:
    """Return whether a text is a reference to a secret."""
    return any(form.fullmatch(text) for form in _FORMS.values())


_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+|[\u4e00-\u9fff]+")
_SECRET_WORDS = frozenset({
    "password", "passwords", "passwd", "passphrase", "passcode", "pwd", "secret", "secrets", "token", "tokens",
    "credential", "credentials", "apikey", "accesskey", "privatekey", "secretkey",
})  # fmt: skip
_SECRET_KEYS = frozenset({"api", "access", "private", "secret", "signing", "encryption"})
_SECRET_CHINESE = ("密码", "口令", "密钥", "私钥", "令牌")
_ABOUT = frozenset({
    "file", "path", "policy", "length", "ttl", "expires", "expiry", "days", "age", "count", "name", "type", "kind",
    "env", "url", "required", "changed", "rules", "hint",
})  # fmt: skip
"""A field that ends so tells of secrets and holds none: password_policy, token_ttl."""

_TELLING = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY"  # a key's text
    r"|PuTTY-User-Key-File|AGE-SECRET-KEY-1"
    r"|(?i:(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,30})://[^/\s:@]{0,200}:[^/\s@]{1,200}@"  # a URL with a password in it
    r"|(?i:password|passwd|pwd|secret|token)\s{0,8}=\s{0,8}\S"  # a connection string
    r"|(?i:password|passwd|pwd|secret)\s{0,8}:\s{0,8}(?=[^\s,;]{0,100}[0-9!@#$%^&*])\S{4}"
    r"|(?:密码|口令|密钥)\s{0,8}(?:[:：=]|是|为)\s{0,8}[!-~]{4}"
    r"|\b(?:Bearer|Basic)\s{1,8}[A-Za-z0-9+/=_.-]{12}"
    r"|\$(?:1|5|6|y|2[aby])\$(?:[^\s$]{0,64}\$){0,2}[./A-Za-z0-9]{16}"  # a password's hash
    r"|\beyJ[A-Za-z0-9_-]{8,1000}\.eyJ"  # a JSON web token
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bLTAI[0-9A-Za-z]{12,}\b|\bAKID[0-9A-Za-z]{28,}\b|\bAIza[0-9A-Za-z_-]{35}\b"
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|xox[abposr]-|hv[sb]\.|sk_live_|rk_live_|npm_|pypi-)[A-Za-z0-9_-]{16,}"
)
"""What says by itself that it is a secret, and the first letters of services' tokens.

Repeats have an end: without one a long value would be read once for each of its characters.
"""
_RUN = re.compile(r"[!-~]{4}")
"""Every secret has so many letters, figures and signs in a row."""
_RANDOM = re.compile(r"(?<![A-Za-z0-9+/=_.@-])[A-Za-z0-9+/_-]{20,}={0,2}(?![A-Za-z0-9+/=_.@-])")
_CHANGES = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[a-z0-9])|(?<=[0-9])(?=[A-Za-z])")
RANDOM_BITS = 3.7
"""So many bits of entropy for each character a made-up token has at the least; a text of 20 has at most 4.3."""


def looks_secret(field: str, value: object) -> bool:
    """Return whether a field's name or its content says that the value is a secret and not a reference to one.

    `field` may be a path: its last word decides.
    """
    if not isinstance(value, str | int | float) or isinstance(value, bool) or value == "":
        return False
    text = str(value)
    if names_secret(field):
        return not is_reference(text)
    return may_tell(value) and tells_secret(text)


@lru_cache(4096)
def names_secret(field: str) -> bool:
    """Return whether the last word of a field's path says that its value is a secret."""
    last = re.sub(r"(\[[0-9]+\])+$", "", field).rpartition(".")[2]
    words = [word.lower() for word in _WORDS.findall(last)]
    if not words or words[-1] in _ABOUT:
        return False
    pairs = pairwise(words)
    return (
        not _SECRET_WORDS.isdisjoint(words)
        or any(word in last for word in _SECRET_CHINESE)
        or any("password" in word for word in words)
        or any(one in _SECRET_KEYS and other in {"key", "keys"} for one, other in pairs)
    )


def may_tell(value: object) -> bool:
    """Return whether it is worth looking into a value; of nearly all it is not, and this costs nearly nothing."""
    return isinstance(value, str) and (
        len(value) >= 16 or ":" in value or "=" in value or "码" in value or "令" in value
    )


def tells_secret(text: str) -> bool:
    """Return whether a text has a secret in it, whatever its field is called."""
    if _RUN.search(text) is None or is_reference(text):
        return False
    return _TELLING.search(text) is not None or any(_is_random(match[0]) for match in _RANDOM.finditer(text))


def _is_random(text: str) -> bool:
    """Return whether nobody would have made a word up: letters of both cases and figures, thoroughly mixed."""
    if text.isupper() or text.islower() or not any(c.isdigit() for c in text) or text == text.swapcase():
        return False
    if len(_CHANGES.findall(text)) < len(text) / 3:
        return False
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values()) >= RANDOM_BITS


def masked(text: str) -> str:
    """Return text with the secrets of devices' configuration lines written over; all else stays as it is."""
    return _OF_DEVICES.sub(lambda found: f"{found[1]}{HIDDEN}", text)


HIDDEN = "<hidden>"
_OF_DEVICES = re.compile(
    r"(?i)\b((?:neighbor|peer)\s+\S+\s+password(?:\s+(?:cipher|simple|encrypted|\d))*\s+"
    r"|(?:key-string|authentication-key|message-digest-key\s+\d+\s+md5|ip\s+ospf\s+authentication-key|isis\s+password"
    r"|(?:username|local-user)\s+\S+\s+(?:privilege\s+\d+\s+)?(?:secret|password)|enable\s+(?:secret|password)"
    r"|snmp-(?:server|agent)\s+community(?:\s+(?:read|write))?|(?:radius|tacacs)-server\s+key|pre-shared-key"
    r"|area\s+\S+\s+virtual-link\s+\S+\s+authentication-key)"
    r"(?:\s+(?:cipher|simple|irreversible-cipher|encrypted|\d{1,2}))*\s+)"
    r"(?:\"[^\"\n]*\"|[^\s”]+)"
)
"""Lines of FRR, Cisco's, Huawei's and H3C's that hold a secret, up to the secret."""
