"""The grid gives the document as much room as it can."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize

from srdesk.gui.compare.stage import best_columns


@pytest.mark.parametrize(
    ("panes", "stage", "lr_size", "columns"),
    [
        (5, QSize(1200, 650), (320, 256), 3),  # four columns show it as large, but leave three places empty
        (4, QSize(1200, 650), (320, 256), 4),
        (4, QSize(800, 800), (100, 100), 2),
        (2, QSize(1200, 650), (100, 400), 1),  # a panorama is seen larger below its twin
        (1, QSize(300, 900), (100, 100), 1),
        (0, QSize(300, 900), (100, 100), 1),
    ],
)
def test_document_is_seen_as_large_as_possible(
    panes: int, stage: QSize, lr_size: tuple[int, int], columns: int
) -> None:
    assert best_columns(panes, stage, lr_size) == columns
