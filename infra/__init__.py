"""The room of the government cloud: what its sites need, who provides it, and the twin that stands in for the world."""
