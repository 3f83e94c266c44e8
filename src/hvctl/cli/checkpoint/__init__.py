"""The `checkpoint` commands: one module a family of verbs."""
