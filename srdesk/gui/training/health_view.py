"""What is wrong with the pictures, and what is right: checked by itself whenever the list of them changes."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QLabel, QProgressBar, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from srdesk.gui.training.latest_task import LatestTask, MakeTask, arguments_for
from srdesk.gui.training.outcome import Crashed, Failed, RunOutcome
from srdesk.training import events
from srdesk.training.config import TrainConfig

SETTLES_MS = 300
"""How long the list of pictures must rest before it is checked."""

MOST_FILES = 500
"""Files of one kind that are listed by name."""


class HealthView(QWidget):
    """Runs the check and shows its report. Whoever makes one calls `shutdown`."""

    reported = Signal(object)
    """`HealthReport`: the check is done."""

    def __init__(self, make_task: MakeTask, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.report: events.HealthReport | None = None
        """What the latest check found; None while there is none."""
        self._config: TrainConfig | None = None
        self._task = LatestTask(make_task, self)
        self._task.progressed.connect(self._on_progressed)
        self._task.ended.connect(self._on_ended)
        self._settling = QTimer(self, singleShot=True, interval=SETTLES_MS)
        self._settling.timeout.connect(self._on_settled)
        self._summary = QLabel()
        self._summary.setWordWrap(True)
        self._warnings = QLabel()
        self._warnings.setObjectName("trainingNotice")
        self._warnings.setWordWrap(True)
        self._warnings.setTextFormat(Qt.TextFormat.PlainText)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self.tree = QTreeWidget()
        """Files of which something is wrong, by what it is."""
        self.tree.setObjectName("healthList")
        self.tree.setHeaderHidden(True)
        self.tree.setIndentation(16)
        self.tree.setAccessibleName(self.tr("Health report of the pictures"))
        self.tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._summary)
        column.addWidget(self._bar)
        column.addWidget(self._warnings)
        column.addWidget(self.tree, 1)
        column.addStretch(0)
        self.check(TrainConfig())

    @property
    def summary(self) -> str:
        """What is said about the pictures."""
        return self._summary.text()

    @property
    def warnings(self) -> str:
        """What will make the result worse; empty if nothing will."""
        return self._warnings.text()

    def check(self, config: TrainConfig) -> None:
        """Look at the pictures of ``config`` soon, unless that was done, or another call comes first."""
        if config == self._config:
            return
        self._task.cancel()
        self._is_broken_off = False
        self.report = None
        self._config = config
        self.tree.clear()
        self.tree.hide()
        self._warnings.hide()
        self._bar.setVisible(bool(config.data))
        self._bar.setRange(0, 0)
        if config.data:
            self._summary.setText(self.tr("Looking at the pictures…"))
            self._settling.start()
        else:
            self._summary.setText(self.tr("Folders are searched with everything inside. The check begins by itself."))
            self._settling.stop()

    def forget(self) -> None:
        """Look again at the next `check`, since the folders may hold other pictures by now; a check goes on."""
        if self._is_broken_off or not (self._task.is_going_on or self._settling.isActive()):
            self._config = None

    def cancel(self) -> None:
        """Look no further; nothing is known then unless the check was done."""
        self._is_broken_off = self._settling.isActive() or self._task.is_going_on
        self._settling.stop()
        if self._task.is_going_on:
            self._task.cancel()
            self._bar.hide()
            self._summary.setText(self.tr("The pictures were not looked at to the end."))

    def shutdown(self) -> None:
        """End the check."""
        self._settling.stop()
        self._task.shutdown()

    @Slot()
    def _on_settled(self) -> None:
        if self._config is not None:
            self._task.start("--check", *arguments_for(self._config))

    @Slot(object)
    def _on_progressed(self, event: events.AnyEvent) -> None:
        match event:
            case events.HealthProgress(done=done, total=total):
                self._bar.setRange(0, total)
                self._bar.setValue(done)
                self._summary.setText(self.tr("Looking at the pictures: {:,} of {:,}").format(done, total))
            case events.HealthReport():
                self._show(event)
            case _:
                pass

    @Slot(object)
    def _on_ended(self, outcome: RunOutcome) -> None:
        self._bar.hide()
        if isinstance(outcome, Failed | Crashed) and self.report is None:
            self._summary.setText(f"{outcome.error} {outcome.error.hint}")

    def _show(self, report: events.HealthReport) -> None:
        self.report = report
        self._bar.hide()
        self._summary.setText(
            self.tr("{:,} usable pictures with {:,.0f} megapixels; {:,} of them are held out for measuring.").format(
                report.pictures, report.megapixels, report.validation_pictures
            )
        )
        self._warnings.setText("\n".join(f"⚠ {sentence}" for sentence in report.warnings))
        self._warnings.setVisible(bool(report.warnings))
        self._add_files(self.tr("Too small"), [(name, "") for name in report.too_small])
        self._add_files(self.tr("Cannot be read"), list(report.corrupt))
        self._add_files(self.tr("Same as another"), list(report.duplicates))
        self._add_files(self.tr("JPEG blocks"), [(name, f"{strength:.1f}") for name, strength in report.blocky])
        self.tree.setVisible(self.tree.topLevelItemCount() > 0)
        self.reported.emit(report)

    def _add_files(self, title: str, files: list[tuple[str, str]]) -> None:
        if not files:
            return
        top = QTreeWidgetItem([f"{title}: {len(files):,}"])
        self.tree.addTopLevelItem(top)
        for name, remark in files[:MOST_FILES]:
            text = f"{name} – {remark}" if remark else name
            item = QTreeWidgetItem([text])
            item.setToolTip(0, text)
            top.addChild(item)
        if len(files) > MOST_FILES:
            top.addChild(QTreeWidgetItem([self.tr("and {:,} more").format(len(files) - MOST_FILES)]))
