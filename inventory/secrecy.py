"""Whether a value is a secret that somebody wrote into the inventory by mistake."""

import re

_NAMES = re.compile(
    r"(?i)(^|[._\[\]-])(password|passwd|passphrase|pwd|secret|token|api_?key|private_?key|credentials?)$"
)
_REFERENCE = re.compile(r"(?i)^(env|file|vault):\S+$")
_CONTENT = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"  # a key's text
    r"|[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@"  # a URL with a password in it
    r"|(?i:password|passwd|pwd|secret)\s*[=:]\s*\S"  # a connection string
)


def looks_secret(field: str, value: object) -> bool:
    """Return whether a field's name or its content says that the value is a secret and not a reference to one."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return False
    text = str(value)
    if _REFERENCE.match(text) or not text:
        return False
    return _NAMES.search(field) is not None or _CONTENT.search(text) is not None
