"""Scenes too large for memory, as the desk sees them: tiles read from the disk, behind the window."""
