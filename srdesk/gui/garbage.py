"""Python's cyclic garbage, collected on the thread of the window and on no other.

Python collects on whichever thread makes the object that is one too many, and with a cycle it destroys the Qt objects
in it there. Qt allows that only on the thread that a QObject lives on (https://doc.qt.io/qt-6/threads-qobject.html):
elsewhere the desk would crash, or two threads would wait for each other for ever.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer, Slot

LOOK_EVERY_MS = 250
"""How often it is looked whether there is garbage: that costs a microsecond, and a young generation a millisecond."""


class GuiGarbage(QObject):
    """Collects in place of Python, on the thread that it is made on. Whoever makes one calls `close`.

    Args:
        parent: owner.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_enabled = gc.isenabled()
        gc.disable()
        self._timer = QTimer(self, interval=LOOK_EVERY_MS)
        self._timer.timeout.connect(self.collect_due)
        self._timer.start()

    def close(self) -> None:
        """Let Python collect again as it did before."""
        self._timer.stop()
        if self._was_enabled:
            gc.enable()

    @Slot()
    def settle(self) -> None:
        """Leave what is there by now out of every later collection, so that none of them makes the window wait.

        Of torch and Qt alone there are 230,000 objects, which take 0.1 s to look through and stay until the end.
        """
        gc.freeze()

    @Slot()
    def collect_due(self) -> None:
        """Collect the oldest generation that has reached Python's own threshold."""
        for generation in reversed(range(3)):
            # A threshold of zero means that Python never collects this generation because of its count.
            if 0 < gc.get_threshold()[generation] < gc.get_count()[generation]:
                gc.collect(generation)
                return
