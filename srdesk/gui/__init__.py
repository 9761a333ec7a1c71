"""The desk: the only room that imports PySide6."""
