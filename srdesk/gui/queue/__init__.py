"""The batch queue on the desk: its table, the thread that works it off, and what it says while nobody looks."""
