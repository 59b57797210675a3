"""The room that reads and checks a migration inventory, and acts on nothing."""
