"""The names of the twin cloud's kinds of resource in Pulumi."""

from collections.abc import Mapping

PACKAGE = "zhenghe"
TOKENS: Mapping[str, str] = {
    "network": "zhenghe:twin:Network",
    "security_group": "zhenghe:twin:SecurityGroup",
    "server_group": "zhenghe:twin:ServerGroup",
    "server": "zhenghe:twin:Server",
    "recovery_pairing": "zhenghe:twin:RecoveryPairing",
}
KINDS: Mapping[str, str] = {token: kind for kind, token in TOKENS.items()}
ENDPOINT_VARIABLE = "ZHENGHE_ENDPOINT"
"""Overrides the endpoint of the provider's configuration: a state may be older than the socket's path."""
