"""What is looked at from outside and on hosts while a run goes on."""
