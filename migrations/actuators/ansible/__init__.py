"""Plays Ansible's playbooks: quickly, on a leash, in folders of its own."""
