"""Those who act on the world: sites by Pulumi, systems by Ansible, lines by netmiko."""
