"""Says in the banner what failed, and does what its button offers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices

from srdesk import paths
from srdesk.errors import SrDeskError, WeightsError
from srdesk.gui.actions import Actions
from srdesk.gui.messages import remedies
from srdesk.gui.messages.failure import Doing, Failure
from srdesk.gui.messages.message_list import Loudness, Message, Messages
from srdesk.gui.messages.message_list import Remedy as RemedyButton
from srdesk.gui.messages.remedies import SMALLEST_WINDOW_PX, Remedy
from srdesk.gui.preferences import Preferences

_OF_THE_PICTURE = (Remedy.SAVE_ELSEWHERE, Remedy.REPORT_ELSEWHERE)
"""What can be done only as long as the picture is open."""


class FailureReporter(QObject):
    """Turns a `Failure` into a message with a button that works."""

    elsewhere = Signal(str)
    """The person wants to choose another place for a pane; empty for the marked one."""

    def __init__(
        self, messages: Messages, actions: Actions, preferences: Preferences, report: Callable[[], str]
    ) -> None:
        super().__init__(actions)
        self._messages = messages
        self._actions = actions
        self._preferences = preferences
        self._report = report

    @Slot(object)
    def on_failed(self, failure: Failure) -> None:
        """Report something that went wrong."""
        remedy = remedies.remedy_for(failure, self._preferences.settings.window_px)
        self._messages.tell(
            Message(
                str(failure.error),
                Loudness.ERROR,
                failure.error.hint,
                RemedyButton(
                    remedies.label(remedy), self._act(remedy, failure), is_about_picture=remedy in _OF_THE_PICTURE
                ),
                f"{remedies.details(failure)}\n\n{self._report()}",
                is_about_picture=failure.doing not in (Doing.SAVING, Doing.REPORTING),
            )
        )

    @Slot(object)
    def on_error(self, error: SrDeskError) -> None:
        """Report an error that spoilt nothing in particular."""
        self.on_failed(Failure(error, Doing.STARTING))

    @Slot(str)
    def on_noticed(self, sentence: str) -> None:
        """Pass on that a result was made in another way than was asked for."""
        self._messages.tell(Message(sentence, Loudness.NOTICE))

    @Slot(str)
    def on_save_noticed(self, sentence: str) -> None:
        """Pass on the same of a file, which is to be known whatever is open meanwhile."""
        self._messages.tell(Message(sentence, Loudness.NOTICE, is_about_picture=False))

    @Slot(str)
    def on_remarked(self, sentence: str) -> None:
        """Say something in passing."""
        self._messages.tell(Message(sentence))

    def _act(self, remedy: Remedy, failure: Failure) -> Callable[[], None]:
        acts: dict[Remedy, Callable[[], None]] = {
            Remedy.OPEN_OTHER: self._actions.open.trigger,
            Remedy.SAVE_ELSEWHERE: partial(self.elsewhere.emit, failure.pane or ""),
            Remedy.REPORT_ELSEWHERE: self._actions.export_report.trigger,
            Remedy.AUTOMATIC_DEVICE: self._use_automatic_device,
            Remedy.SMALLER_WINDOWS: self._use_smaller_windows,
            Remedy.SAFE_NUMBERS: self._use_safe_numbers,
            Remedy.OPEN_WEIGHTS_FOLDER: partial(_open_weights_folder, failure.error),
            Remedy.PREFERENCES: self._actions.preferences.trigger,
            Remedy.OPEN_LOG_FOLDER: self._actions.log_folder.trigger,
            Remedy.RUN_AGAIN: self._actions.run.trigger,
            Remedy.RUN_VISIBLE: self._actions.run_visible.trigger,
        }
        return acts[remedy]

    def _use_automatic_device(self) -> None:
        self._preferences.change(device="auto", precision="auto")
        self._actions.run.trigger()

    def _use_smaller_windows(self) -> None:
        self._preferences.change(window_px=SMALLEST_WINDOW_PX)
        self._actions.run.trigger()

    def _use_safe_numbers(self) -> None:
        self._preferences.change(device="cpu", precision="fp32")
        self._actions.run.trigger()


def _open_weights_folder(error: SrDeskError) -> None:
    folder = error.path.absolute().parent if isinstance(error, WeightsError) else paths.user_weights_folder()
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
