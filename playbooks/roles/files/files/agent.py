"""A file store in a cutover is its folder."""

from ansible.module_utils.zhenghe_folder import Folder as Agent

__all__ = ["Agent"]
