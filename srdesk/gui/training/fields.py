"""Widgets as fields of the configuration: what they hold, and how a field that is wrong looks."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QSpinBox, QWidget

from srdesk.errors import ConfigError

FieldWidget = QCheckBox | QComboBox | QLineEdit | QSpinBox


class ShareBox(QSpinBox):
    """A share from 0 to 1 as whole percents."""


def combo(choices: dict[str, str], name: str) -> QComboBox:
    """Return a box to choose from.

    Args:
        choices: value → text that people read.
        name: what is chosen, for those who cannot see the form.
    """
    box = QComboBox()
    for value, text in choices.items():
        box.addItem(text, value)
    box.setAccessibleName(name)
    return box


def spin(least: int, most: int, name: str, *, suffix: str = "", zero: str = "") -> QSpinBox:
    """Return a box for whole numbers from ``least`` to ``most``.

    Args:
        least: smallest number.
        most: largest number.
        name: what is counted, for those who cannot see the form.
        suffix: written after the number.
        zero: written instead of the smallest number.
    """
    box = QSpinBox()
    _prepare(box, least, most, name, suffix, zero)
    return box


def share(most: int, name: str, *, zero: str = "") -> ShareBox:
    """Return a box for a share from 0 to 1, which people see as percent.

    Args:
        most: largest percentage.
        name: what has that share, for those who cannot see the form.
        zero: written instead of 0 %.
    """
    box = ShareBox()
    _prepare(box, 0, most, name, " %", zero)
    return box


def _prepare(box: QSpinBox, least: int, most: int, name: str, suffix: str, zero: str) -> None:
    box.setSuffix(suffix)
    box.setSpecialValueText(zero)
    box.setRange(least, most)
    box.setGroupSeparatorShown(True)
    box.setAccessibleName(name)


def line(name: str, placeholder: str = "") -> QLineEdit:
    """Return a line for text or a number."""
    edit = QLineEdit()
    edit.setPlaceholderText(placeholder)
    edit.setAcceptDrops(False)  # what is dropped on the window are pictures to train on
    edit.setAccessibleName(name)
    return edit


def content(widget: FieldWidget) -> object:
    """Return what ``widget`` holds."""
    if isinstance(widget, QCheckBox):
        return widget.isChecked()
    if isinstance(widget, QComboBox):
        return widget.currentData()
    if isinstance(widget, ShareBox):
        return widget.value() / 100
    if isinstance(widget, QSpinBox):
        return widget.value()
    return widget.text().strip()


def fill(widget: FieldWidget, value: object) -> None:
    """Put ``value`` into ``widget``."""
    if isinstance(widget, QCheckBox):
        widget.setChecked(bool(value))
    elif isinstance(widget, QComboBox):
        widget.setCurrentIndex(max(0, widget.findData(value)))
    elif isinstance(widget, ShareBox):
        widget.setValue(round(100 * value) if isinstance(value, (int, float)) else 0)
    elif isinstance(widget, QSpinBox):
        widget.setValue(value if isinstance(value, int) else 0)
    else:
        widget.setText(_written(value))


def _written(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(_written(each) for each in value)
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def number(field: str, text: str) -> float:
    """Return the number that ``text`` stands for.

    Raises:
        ConfigError: it is none; names ``field``.
    """
    try:
        return float(text.replace(",", "."))
    except ValueError as error:
        raise ConfigError(field, text, "a number such as 0.0001 or 1e-4") from error


def numbers(field: str, text: str) -> tuple[float, ...]:
    """Return the numbers that ``text`` lists, with spaces between them.

    Raises:
        ConfigError: one is none; names ``field``.
    """
    return tuple(number(field, part.strip(",;")) for part in text.split())


def explain(widget: QWidget, help_text: str) -> None:
    """Say what ``widget`` is for, while nothing is wrong with it."""
    widget.setProperty("help", help_text)
    widget.setToolTip(help_text)


def mark(widget: QWidget, complaint: str) -> None:
    """Make ``widget`` look wrong and say why; right again if ``complaint`` is empty."""
    if bool(widget.property("invalid")) != bool(complaint):
        widget.setProperty("invalid", bool(complaint))
        widget.style().unpolish(widget)
        widget.style().polish(widget)
    widget.setToolTip(complaint or widget.property("help") or "")
