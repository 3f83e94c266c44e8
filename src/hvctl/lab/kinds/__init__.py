"""The classes of live objects, one module an area."""
