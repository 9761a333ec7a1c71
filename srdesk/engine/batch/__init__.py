"""Many files: the queue, its journal, and working through it."""
