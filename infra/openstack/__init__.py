"""An OpenStack as a backend: what a site is made of there, what stands against it, and what is found again."""
