"""What the difference of two panes shows and says."""

from __future__ import annotations

from PySide6.QtCore import QObject

from srdesk.gui.compare.difference import DifferenceImage
from srdesk.gui.compare.pane_content import PaneContent


class DifferenceContent(QObject):
    """Keeps one content for the difference of whichever panes are compared."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._content = PaneContent("", "")

    def of(self, first: PaneContent, second: PaneContent, gain: int, *, has_document: bool) -> PaneContent:
        """Return the content, which shows how ``first`` and ``second`` differ, or says which of them is missing."""
        content = self._content
        content.title = self.tr("Difference of {} and {}").format(first.title, second.title)
        missing = [each.title for each in (first, second) if each.source is None]
        if first.source is None or second.source is None:
            content.show(None)
            if has_document:
                content.message = self.tr("There is no picture of {pane} yet.").format(pane=missing[0])
        elif content.source != (difference := DifferenceImage(first.source, second.source, gain)):
            content.show(difference)
        return content
