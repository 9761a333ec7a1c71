"""How the desk looks: two calm, neutral colour schemes, so that no tint of the window misleads the eye about a picture.

The scheme follows the system unless the person chose one. Spacing is a multiple of 4 px everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication


@dataclass(frozen=True, slots=True)
class Scheme:
    """The colours of a light or a dark window."""

    window: str
    """Behind everything."""
    panel: str
    """Tool bar, menus, cards and fields."""
    raised: str
    """Under the pointer."""
    line: str
    """Borders and separators."""
    text: str
    muted: str
    """Text of second rank; contrast to `window` at least 4.5."""
    disabled: str
    accent: str
    """The one colour that leads: primary buttons, progress, what is chosen."""
    accent_text: str
    """On `accent`."""
    chosen: str
    """Behind what is switched on."""
    error: str
    error_panel: str
    notice_panel: str


LIGHT = Scheme(
    window="#f3f3f4",
    panel="#fcfcfc",
    raised="#e9e9eb",
    line="#d9d9dc",
    text="#1d1d1f",
    muted="#66666b",
    disabled="#a4a4a8",
    accent="#1f6fd6",
    accent_text="#ffffff",
    chosen="#dbe8fa",
    error="#b3261e",
    error_panel="#fbe9e7",
    notice_panel="#e8f0fb",
)
DARK = Scheme(
    window="#1b1b1c",
    panel="#262627",
    raised="#353537",
    line="#3d3d40",
    text="#ececee",
    muted="#a3a3a8",
    disabled="#6a6a6e",
    accent="#5a9df5",
    accent_text="#0d1b2e",
    chosen="#2b4161",
    error="#ff8a80",
    error_panel="#43282a",
    notice_panel="#24344a",
)

_MIDDLE_LIGHTNESS = 128
_SCHEMES = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark, "system": Qt.ColorScheme.Unknown}


class Theme(QObject):
    """Dresses the application, and again whenever the system changes its mind."""

    changed = Signal()
    """Colours are different; icons have to be drawn anew."""

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        self._application = application
        self._choice = ""
        application.setStyle("Fusion")
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_scheme_changed)

    def choose(self, name: str) -> None:
        """Use ``light``, ``dark``, or whatever the ``system`` uses."""
        if name == self._choice:
            return
        self._choice = name
        # Also told to Qt, so that native dialogs and window frames follow where the platform can do that.
        QGuiApplication.styleHints().setColorScheme(_SCHEMES[name])
        self._dress()

    @Slot(Qt.ColorScheme)
    def _on_scheme_changed(self, _scheme: Qt.ColorScheme) -> None:
        self._dress()

    def _dress(self) -> None:
        is_system_dark = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark
        is_dark = self._choice == "dark" or (self._choice == "system" and is_system_dark)
        scheme = DARK if is_dark else LIGHT
        self._application.setPalette(_palette(scheme))
        self._application.setStyleSheet(_style_sheet(scheme))
        self.changed.emit()


def current_scheme() -> Scheme:
    """Return the colours that the application is dressed in."""
    is_dark = QGuiApplication.palette().color(QPalette.ColorRole.Window).lightness() < _MIDDLE_LIGHTNESS
    return DARK if is_dark else LIGHT


def _palette(scheme: Scheme) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for roles, colour in (
        ((role.Window,), scheme.window),
        ((role.Base, role.Button, role.ToolTipBase, role.AlternateBase), scheme.panel),
        ((role.WindowText, role.Text, role.ButtonText, role.ToolTipText), scheme.text),
        ((role.PlaceholderText,), scheme.muted),
        ((role.Mid, role.Dark), scheme.line),
        ((role.Light, role.Midlight), scheme.raised),
        ((role.Highlight, role.Accent, role.Link), scheme.accent),
        ((role.HighlightedText, role.BrightText), scheme.accent_text),
    ):
        for each in roles:
            palette.setColor(each, QColor(colour))
    for each in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, each, QColor(scheme.disabled))
    return palette


def _style_sheet(scheme: Scheme) -> str:
    return _STYLE.format(**{name: getattr(scheme, name) for name in Scheme.__slots__})


_STYLE = """
QToolTip {{ background: {panel}; color: {text}; border: 1px solid {line}; padding: 4px 6px; }}
QMenuBar {{ background: {panel}; padding: 2px 4px; }}
QMenuBar::item {{ padding: 4px 8px; border-radius: 4px; background: transparent; }}
QMenuBar::item:selected {{ background: {raised}; }}
QMenu {{ background: {panel}; border: 1px solid {line}; padding: 4px; }}
QMenu::item {{ padding: 5px 28px 5px 24px; border-radius: 4px; }}
QMenu::item:selected {{ background: {chosen}; color: {text}; }}
QMenu::item:disabled {{ color: {disabled}; }}
QMenu::separator {{ height: 1px; background: {line}; margin: 4px 8px; }}
QMenu::indicator {{ width: 14px; height: 14px; left: 6px; }}

QToolBar {{ background: {panel}; border: none; border-bottom: 1px solid {line}; padding: 5px 8px; spacing: 2px; }}
QToolBar::separator {{ background: {line}; width: 1px; margin: 6px 8px; }}
QToolBar QToolButton {{ padding: 5px 9px; border: 1px solid transparent; border-radius: 6px; color: {text}; }}
QToolBar QToolButton:hover {{ background: {raised}; }}
QToolBar QToolButton:checked {{ background: {chosen}; }}
QToolBar QToolButton:focus {{ border-color: {accent}; }}
QToolBar QToolButton:disabled {{ color: {disabled}; }}
QToolButton#qt_toolbar_ext_button {{ padding: 0; min-width: 18px; }}
QToolBar QToolButton::menu-indicator {{ image: none; }}

QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QMessageBox {{ messagebox-text-interaction-flags: 5; }}
QPushButton {{ padding: 6px 14px; border: 1px solid {line}; border-radius: 6px; background: {panel}; color: {text}; }}
QPushButton:hover {{ background: {raised}; }}
QPushButton:focus {{ border-color: {accent}; }}
QPushButton:disabled {{ color: {disabled}; }}
QPushButton[primary="true"], QPushButton:default {{
    background: {accent}; color: {accent_text}; border-color: {accent};
}}
QPushButton[primary="true"]:disabled, QPushButton:default:disabled {{
    background: {raised}; color: {disabled}; border-color: {line};
}}
QPushButton[flat="true"] {{ border-color: transparent; background: transparent; }}
QPushButton[flat="true"]:hover {{ background: {raised}; }}
QPushButton[flat="true"]:focus {{ border-color: {accent}; }}

#statusLine {{ background: {panel}; border-top: 1px solid {line}; }}
#statusLine QLabel {{ color: {muted}; }}
#statusLine #activity {{ color: {text}; }}
#statusLine QPushButton {{ padding: 3px 10px; }}
QProgressBar {{ background: {raised}; border: none; border-radius: 3px; max-height: 6px; min-height: 6px; }}
QProgressBar::chunk {{ background: {accent}; border-radius: 3px; }}

#scienceBar {{ background: {panel}; border-bottom: 1px solid {line}; }}
#scienceBar QLabel {{ color: {muted}; }}
#placeLine {{ background: {panel}; border-top: 1px solid {line}; }}

#banner {{ background: {notice_panel}; border-bottom: 1px solid {line}; }}
#banner[severity="error"] {{ background: {error_panel}; }}
#banner[severity="error"] #bannerText {{ color: {error}; }}
#bannerText {{ font-weight: 600; }}
#banner QPlainTextEdit {{ background: {panel}; border: 1px solid {line}; border-radius: 6px; }}

#welcome {{ background: {window}; }}
#dropZone {{ border: 2px dashed {line}; border-radius: 14px; background: {panel}; }}
#dropZone[dragging="true"] {{ border-color: {accent}; background: {chosen}; }}
#welcomeTitle {{ font-size: 20px; font-weight: 600; }}
#welcomeHint, #muted {{ color: {muted}; }}
QToolButton#sample {{
    padding: 8px; border: 1px solid {line}; border-radius: 10px; background: {panel}; color: {text};
}}
QToolButton#sample:hover {{ background: {raised}; }}
QToolButton#sample:focus {{ border-color: {accent}; }}

QToolButton#choice {{
    padding: 5px 10px; border: 1px solid {line}; border-radius: 6px; background: {panel}; color: {text};
}}
QToolButton#choice:hover {{ background: {raised}; }}
QToolButton#choice:checked {{ background: {chosen}; border-color: {accent}; }}
QToolButton#choice:focus {{ border-color: {accent}; }}
QToolButton#choice:disabled {{ color: {disabled}; }}
#trainingHead {{ background: {panel}; border-bottom: 1px solid {line}; }}
#trainingHeadline {{ font-size: 17px; font-weight: 600; }}
#trainingNotice {{ background: {notice_panel}; border-radius: 6px; padding: 6px 10px; }}
#dataList, #healthList, #scoreTable, #runsTable {{ border: 1px solid {line}; border-radius: 6px; background: {panel}; }}
#dataList:focus, #healthList:focus, #scoreTable:focus, #runsTable:focus {{ border-color: {accent}; }}
#dataList[dragging="true"] {{ border: 2px dashed {accent}; background: {chosen}; }}
#dataList::item, #healthList::item, #scoreTable::item {{ padding: 3px 8px; }}
#runsTable {{ outline: none; selection-background-color: {chosen}; selection-color: {text}; }}
#runsTable::item {{ padding: 6px 10px; }}
#runsTable QHeaderView::section {{ padding: 7px 10px; border: none; background: {panel}; color: {muted}; }}
#scoreTable QHeaderView::section {{ padding: 4px 8px; border: none; background: {panel}; color: {muted}; }}
#queueDock QToolBar {{ border-top: 1px solid {line}; padding: 2px 8px; }}
#queueDock QToolBar QToolButton {{ padding: 3px 8px; }}
#queueTitle {{ font-weight: 600; padding-right: 8px; }}
#queueTable {{
    border: none; outline: none; background: {panel}; selection-background-color: {chosen}; selection-color: {text};
}}
#queueTable::item {{ padding: 0 10px; }}
#queueTable QHeaderView::section {{
    padding: 5px 10px; border: none; border-bottom: 1px solid {line}; background: {panel}; color: {muted};
}}
QStatusBar {{ background: {panel}; padding: 0; }}
QStatusBar::item {{ border: none; }}
*[invalid="true"] {{ border: 1px solid {error}; border-radius: 4px; padding: 3px; }}
"""
