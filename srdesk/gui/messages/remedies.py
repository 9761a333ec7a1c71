"""What the desk offers to do about a failure: one sentence, one button, the details for a report."""

from __future__ import annotations

import traceback
from enum import Enum

from PySide6.QtCore import QCoreApplication

from srdesk.errors import (
    ConfigError,
    DeviceUnavailableError,
    ImageReadError,
    ImageWriteError,
    NumericalError,
    OutOfMemoryError,
    SrDeskError,
    UnexpectedError,
    UnsupportedImageError,
    WeightsError,
)
from srdesk.gui.messages.failure import Doing, Failure

SMALLEST_WINDOW_PX = 64
"""Offered when memory ran out."""


class Remedy(Enum):
    """Something that the window can do about a failure."""

    OPEN_OTHER = "open other"
    SAVE_ELSEWHERE = "save elsewhere"
    REPORT_ELSEWHERE = "report elsewhere"
    AUTOMATIC_DEVICE = "automatic device"
    SMALLER_WINDOWS = "smaller windows"
    SAFE_NUMBERS = "safe numbers"
    OPEN_WEIGHTS_FOLDER = "open weights folder"
    PREFERENCES = "preferences"
    OPEN_LOG_FOLDER = "open log folder"
    RUN_AGAIN = "run again"
    RUN_VISIBLE = "run visible"


_BY_ERROR: tuple[tuple[type[SrDeskError], Remedy], ...] = (
    (ImageReadError, Remedy.OPEN_OTHER),
    (UnsupportedImageError, Remedy.OPEN_OTHER),
    (ImageWriteError, Remedy.SAVE_ELSEWHERE),
    (WeightsError, Remedy.OPEN_WEIGHTS_FOLDER),
    (DeviceUnavailableError, Remedy.AUTOMATIC_DEVICE),
    (OutOfMemoryError, Remedy.SMALLER_WINDOWS),
    (NumericalError, Remedy.SAFE_NUMBERS),
    (ConfigError, Remedy.PREFERENCES),
    (UnexpectedError, Remedy.OPEN_LOG_FOLDER),
)


def remedy_for(failure: Failure, window_px: int | None) -> Remedy:
    """Return the one thing that helps most often.

    Args:
        failure: what went wrong.
        window_px: window size that was chosen when it did.
    """
    if isinstance(failure.error, OutOfMemoryError) and window_px == SMALLEST_WINDOW_PX:
        return Remedy.RUN_VISIBLE  # smaller windows were tried; it is the result that is too large
    if failure.doing is Doing.REPORTING and isinstance(failure.error, ImageWriteError):
        return Remedy.REPORT_ELSEWHERE
    if failure.doing is Doing.SAVING and isinstance(failure.error, UnsupportedImageError):
        return Remedy.SAVE_ELSEWHERE
    for kind, remedy in _BY_ERROR:
        if isinstance(failure.error, kind):
            return remedy
    return Remedy.RUN_AGAIN if failure.doing is Doing.COMPUTING else Remedy.OPEN_LOG_FOLDER


def label(remedy: Remedy) -> str:
    """Return the words on the button."""
    tr = QCoreApplication.translate
    return {
        Remedy.OPEN_OTHER: tr("Remedy", "Open Another…"),
        Remedy.SAVE_ELSEWHERE: tr("Remedy", "Save Elsewhere…"),
        Remedy.REPORT_ELSEWHERE: tr("Remedy", "Save Elsewhere…"),
        Remedy.AUTOMATIC_DEVICE: tr("Remedy", "Use Automatic Device"),
        Remedy.SMALLER_WINDOWS: tr("Remedy", "Use Smaller Windows"),
        Remedy.SAFE_NUMBERS: tr("Remedy", "Use fp32 on the CPU"),
        Remedy.OPEN_WEIGHTS_FOLDER: tr("Remedy", "Open Weights Folder"),
        Remedy.PREFERENCES: tr("Remedy", "Preferences…"),
        Remedy.OPEN_LOG_FOLDER: tr("Remedy", "Open Log Folder"),
        Remedy.RUN_AGAIN: tr("Remedy", "Run Again"),
        Remedy.RUN_VISIBLE: tr("Remedy", "Run Visible Region"),
    }[remedy]


def details(failure: Failure) -> str:
    """Return what a developer wants to know about a failure."""
    doing = f"{failure.doing.value} {failure.pane}" if failure.pane else failure.doing.value
    return f"While {doing}:\n{''.join(traceback.format_exception(failure.error)).rstrip()}"
