"""The YAML files of an inventory: read with the place of everything, held against the models, written and changed."""
