"""A window with a result in it, and networks for maps that need no weights."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QObject, Qt, Slot
from pytestqt.qtbot import QtBot

from srdesk.engine.control import Control
from srdesk.engine.upscaler import UpscaleFacts
from srdesk.gui.compare.canvas import Canvas
from srdesk.gui.honesty.honesty import Honesty
from srdesk.gui.main_window import MainWindow
from srdesk.gui.messages.failure import Failure
from srdesk.gui.work.networks import Networks
from srdesk.imaging.image import Box, Sink, Source
from srdesk.imaging.resample import upscale_bicubic_box

WAIT_MS = 10_000


class Inventing:
    """A network that adds the same rows whichever way up the picture is; waits while the gate is shut."""

    name, card, scale, halo_px = "inventing", None, 4, 2

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.calls = 0

    def upscale(
        self, source: Source, sink: Sink, control: Control | None = None, *, region: Box | None = None
    ) -> UpscaleFacts:
        control, region = control or Control(), region or Box(0, 0, source.height, source.width)
        self.calls += 1
        while not self.gate.wait(0.002):
            control.token.check()
            control.report(1, 4)
        control.token.check()
        pixels = upscale_bicubic_box(source, region)
        rows = np.arange(region.top * 4, region.bottom * 4)
        pixels += np.where(rows % 2, 0.1, -0.1).astype(np.float32)[:, None, None]
        sink.write(region.scaled(4), pixels.clip(0, 1))
        return UpscaleFacts("inventing", "cpu", "fp32", 0, 0.1, 1.0)


class Complaints(QObject):
    """Keeps what failed."""

    def __init__(self, honesty: Honesty) -> None:
        super().__init__()
        self.failures: list[Failure] = []
        honesty.failed.connect(self._on_failed)

    @Slot(object)
    def _on_failed(self, failure: Failure) -> None:
        self.failures.append(failure)


@pytest.fixture
def inventing(monkeypatch: pytest.MonkeyPatch) -> Inventing:
    """The network that the maps use."""
    network = Inventing()
    monkeypatch.setattr(Networks, "ready", lambda self, recipe: network)
    return network


@pytest.fixture
def complaints(honesty: Honesty) -> Complaints:
    return Complaints(honesty)


@pytest.fixture
def seen(window: MainWindow) -> Callable[[str], str]:
    """Return what is written over the pane with this title."""

    def read(title: str) -> str:
        said = [canvas.accessibleDescription() for canvas in window.view.findChildren(Canvas) if canvas.isVisible()]
        names = [canvas.accessibleName() for canvas in window.view.findChildren(Canvas) if canvas.isVisible()]
        return dict(zip(names, said, strict=True)).get(title, "")

    return read


@pytest.fixture
def cancel_by(qtbot: QtBot, window: MainWindow) -> Callable[[str], None]:
    """Stop what is going on with Esc, or with the button in the status line."""

    def cancel(way: str) -> None:
        assert window.desk_actions.cancel.isEnabled()
        if way == "key":
            qtbot.keyClick(window, Qt.Key.Key_Escape)
        else:
            assert window.status._cancel.isVisible()
            qtbot.mouseClick(window.status._cancel, Qt.MouseButton.LeftButton)

    return cancel


@pytest.fixture
def appraised(
    qtbot: QtBot, honesty: Honesty, open_in_window: Callable[[Path], None], picture: Path
) -> Callable[[], None]:
    """Open the picture, or another, and wait until every result was measured."""

    def wait(path: Path = picture) -> None:
        open_in_window(path)
        qtbot.waitUntil(lambda: honesty.appraiser.found("srresnet") is not None, timeout=WAIT_MS)
        qtbot.waitUntil(lambda: honesty.appraiser.found("bicubic") is not None, timeout=WAIT_MS)

    return wait


@pytest.fixture
def spread_being_made(
    qtbot: QtBot, window: MainWindow, honesty: Honesty, appraised: Callable[[], None], inventing: Inventing
) -> Inventing:
    """A spread map of SRResNet that has begun, and waits for the gate of the network to be set."""
    appraised()
    inventing.gate.clear()
    with qtbot.waitSignal(honesty.maps.progressed, timeout=WAIT_MS):
        window.desk_actions.spread_map.trigger()
    return inventing
