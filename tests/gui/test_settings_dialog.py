"""The preferences say at once what they mean and what is not possible."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from srdesk.errors import ConfigError
from srdesk.gui.main_window import MainWindow
from srdesk.gui.preferences import Preferences
from srdesk.gui.settings_dialog import SettingsDialog
from srdesk.settings import Settings

CHANGED = Settings(
    theme="dark",
    window_px=100,
    automatic_run_s=7,
    output_name_template="{stem}-{model}{ext}",
    on_collision="skip",
    jpeg_quality=80,
    panes_beside_training="same",
    pane_weights={"srgan": "portraits"},
    write_sidecar=True,
    ask_before_closing=False,
    recent_files=("/a.png",),
)


@pytest.mark.parametrize("settings", [Settings(), CHANGED])
def test_what_goes_in_comes_out_unless_it_is_edited(qtbot: QtBot, settings: Settings) -> None:
    dialog = SettingsDialog(settings)
    qtbot.addWidget(dialog)
    assert dialog.settings == settings


def test_a_name_that_cannot_work_is_explained_and_cannot_be_accepted(qtbot: QtBot) -> None:
    dialog = SettingsDialog(Settings())
    qtbot.addWidget(dialog)
    accept = dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok)
    assert "photo_srresnet_x4.jpg" in dialog.example
    dialog.template.setText("{stem}_{colour}{ext}")
    assert not accept.isEnabled()
    assert "{model}" in dialog.example
    with pytest.raises(ConfigError):
        _ = dialog.settings
    dialog.template.setText("{model}-{stem}{ext}")
    assert accept.isEnabled()
    assert "srresnet-photo.jpg" in dialog.example


def test_what_changes_while_the_preferences_are_open_stays(
    window: MainWindow, preferences: Preferences, monkeypatch: pytest.MonkeyPatch
) -> None:
    def accept(dialog: SettingsDialog) -> int:
        dialog.template.setText("{stem}-{model}{ext}")
        preferences.change(recent_files=("/a.png",), pane_weights={"srgan": "portraits"})
        return 1

    monkeypatch.setattr(SettingsDialog, "exec", accept)
    window.desk_actions.preferences.trigger()
    settings = preferences.settings
    assert settings.output_name_template == "{stem}-{model}{ext}"
    assert settings.recent_files == ("/a.png",)
    assert settings.pane_weights == {"srgan": "portraits"}
