"""The Pulumi provider of the twin's cloud; `python -m infra.provider` is what the engine starts."""
