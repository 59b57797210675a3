"""The command of a folder on the hosts, /usr/local/lib/zhenghe/folder.pyz: one file with all that it needs.

seal NAME    lay the seal that was kept, at boot
pull NAME    make passes for ever, a service
give NAME    the forced command for the key of a host that copies the folder
"""

from __future__ import annotations

import io
import os
import sys
import zipfile
from typing import Any, Sequence

from ansible.module_utils import zhenghe_puller, zhenghe_readers, zhenghe_store, zhenghe_tree
from ansible.module_utils.zhenghe_puller import Puller
from ansible.module_utils.zhenghe_readers import give
from ansible.module_utils.zhenghe_store import Store

from playbooks.agents import kit

_START = f"import sys\nfrom {__name__} import main\nmain(sys.argv[1:])\n"
_FIRST = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the archive, so that the same code makes the same archive."""


def install() -> None:
    """Put the command on this host."""
    modules = (kit, zhenghe_store, zhenghe_tree, zhenghe_puller, zhenghe_readers, sys.modules[__name__])
    texts = {module.__name__: _text_of(module) for module in modules}
    files = {"__main__.py": _START}
    for name, text in texts.items():
        *packages, own = name.split(".")
        files["/".join((*packages, f"{own}.py"))] = text
        files.update({"/".join((*packages[:depth], "__init__.py")): "" for depth in range(1, len(packages) + 1)})
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        for path, text in sorted(files.items()):
            packed.writestr(zipfile.ZipInfo(path, _FIRST), text)
    kit.write(zhenghe_store.PROGRAM, archive.getvalue(), 0o755)


def _text_of(module: Any) -> str:
    text: str = module.__loader__.get_source(module.__name__)
    return text


def main(argv: Sequence[str]) -> None:
    """Be a command on a host."""
    verb, name = argv
    if verb == "seal":
        store = Store(name)
        store.make_views()
        if store.sealed_for_good:
            store.seal(for_good=True)
    elif verb == "pull":
        Puller(Store(name)).serve()
    elif verb == "give":
        give(name, os.environ.get("SSH_ORIGINAL_COMMAND", ""))
