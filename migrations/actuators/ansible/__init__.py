"""Runs Ansible's playbooks: forked from a process that has Ansible in memory, each in a process tree of its own."""
