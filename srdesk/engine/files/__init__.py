"""One file of any kind from its name to its result."""
