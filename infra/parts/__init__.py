"""Parts that the set-up makes once and keeps by content outside the checkout: images of hosts, Pulumi's engine."""
