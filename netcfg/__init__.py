"""The room of the extranet: from a line's intent to configuration on devices, changed only under a timer."""
