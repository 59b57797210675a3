"""What the modules of the roles have in common: their arguments, their answer, how they fail."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.zhenghe_store import StoreError

ARGUMENTS = {
    "verb": {"type": "str", "required": True},
    "mode": {"type": "str", "choices": ["probe", "apply", "undo"], "required": True},
    "side": {"type": "str", "required": True},
    "system": {"type": "str", "required": True},
    "component": {"type": "dict", "required": True},
    "limits": {"type": "dict", "default": {}},
    "host": {"type": "str", "required": True},
    "peers": {"type": "dict", "default": {}},
}


def seconds(value: Any) -> float:
    """Return a duration in seconds, written as a number or as a number with a unit."""
    if not isinstance(value, str):
        return float(value)
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
    digits = value.rstrip("mshd")
    return float(digits) * units.get(value[len(digits) :], 1.0)


def answered(work: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Be an Ansible module around one function of the arguments; only one of a component works on a host at a time."""
    module = AnsibleModule(argument_spec=ARGUMENTS)
    Path("/run/zhenghe").mkdir(exist_ok=True)
    name = f"{module.params['system']}-{module.params['component']['name']}"
    with open(f"/run/zhenghe/step-{name}.lock", "w") as lock:
        # A module that was left alone by its controller may still be at work.
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            result = work(module.params)
        except StoreError as error:
            module.fail_json(msg=error.reason, mend=error.mend)
    module.exit_json(**result)


def answer(done: bool, changed: bool = False, **facts: Any) -> dict[str, Any]:  # noqa: FBT001, FBT002
    """Return a module's result with its answer to the step."""
    return {"changed": changed, "answer": {"state": "done" if done else "not-done", "facts": facts}}
