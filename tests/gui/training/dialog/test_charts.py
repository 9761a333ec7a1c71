"""What charts show of a run: little enough to stay fluid, in the colours of the theme."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from srdesk.gui.look.theme import Theme
from srdesk.gui.training.charts import MOST_POINTS, Chart, Ink
from srdesk.gui.training.plots import RunPlots
from srdesk.gui.training.run_record import RunRecord
from srdesk.training import events


@pytest.fixture
def plots(qtbot: QtBot) -> RunPlots:
    plots = RunPlots()
    qtbot.addWidget(plots)
    plots.resize(1200, 250)
    plots.show()
    return plots


def told(record: RunRecord, steps: int, **fields: float) -> None:
    for step in range(1, steps + 1):
        record.take(
            events.Step(
                step=step, loss=1.0 / step, learning_rate=1e-4, gradient_norm=1.0, steps_per_second=2.0,
                data_wait_share=0.0, remaining_s=60.0, memory_bytes=1, **fields,
            )
        )  # fmt: skip


@pytest.fixture
def record(make_started: Callable[..., events.Started]) -> RunRecord:
    record = RunRecord()
    record.take(make_started())
    record.take(events.Validated(step=0, psnr_y_db=30.0, ssim_y=0.85, is_best=True))
    return record


def test_a_run_without_any_event_can_be_drawn(plots: RunPlots) -> None:
    plots.set_record(RunRecord())
    drawn, _ = plots._loss_points.getData()
    assert drawn is None or not len(drawn)
    assert not plots._psnr._bicubic.isVisible()
    assert not plots._psnr._start.isVisible()
    assert not plots._discriminator.isVisible()


def test_however_long_a_run_is_few_points_are_drawn(plots: RunPlots, record: RunRecord) -> None:
    told(record, 20_000)
    plots.set_record(record)
    drawn, _ = plots._loss_points.getData()
    assert len(drawn) == MOST_POINTS
    assert drawn[-1] == 20_000


@pytest.mark.parametrize(
    ("step", "end"), [(1, 1), (99, 99), (101, 110), (1200, 1200), (1201, 1300), (399_990, 400_000)]
)
def test_axes_end_a_little_behind_the_last_step(
    plots: RunPlots, record: RunRecord, make_step: Callable[..., events.Step], step: int, end: int
) -> None:
    record.take(make_step(step))
    plots.set_record(record)
    assert plots._loss._plot.viewRange()[0][1] == pytest.approx(end, rel=0.02)


def test_a_chart_without_news_is_not_painted_again(
    plots: RunPlots, record: RunRecord, make_step: Callable[..., events.Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    record.take(make_step(91))
    plots.set_record(record)
    painted: list[int] = []
    monkeypatch.setattr(plots._psnr, "set_span", lambda x, y: painted.append(1))
    record.take(make_step(92))
    plots.draw()
    record.take(make_step(92))
    plots.draw()
    assert len(painted) == 1
    record.take(events.Validated(step=92, psnr_y_db=30.1, ssim_y=0.85, is_best=True))
    plots.draw()
    assert len(painted) == 2


def test_the_lines_of_bicubic_and_start_are_drawn_where_they_are(plots: RunPlots, record: RunRecord) -> None:
    plots.set_record(record)
    assert plots._psnr._bicubic.value() == 28.0
    assert plots._psnr._start.value() == 30.0
    assert plots._psnr._bicubic.isVisible()


def test_a_close_up_shows_the_curve_and_not_bicubic(plots: RunPlots, record: RunRecord) -> None:
    record.take(events.Validated(step=10, psnr_y_db=30.1, ssim_y=0.85, is_best=True))
    plots.set_record(record)
    assert plots._psnr._plot.viewRange()[1][0] < 28.0
    plots.close_up.setChecked(True)
    assert plots._psnr._plot.viewRange()[1][0] > 29.0


def test_the_loss_can_be_drawn_on_a_logarithmic_scale(plots: RunPlots, record: RunRecord) -> None:
    told(record, 100)
    plots.set_record(record)
    plots.log.setChecked(True)
    low, high = plots._loss._plot.viewRange()[1]
    assert low == pytest.approx(-2.0, abs=0.3)
    assert high == pytest.approx(0.0, abs=0.6)


def test_the_discriminator_has_a_chart_only_where_there_is_one(plots: RunPlots, record: RunRecord) -> None:
    told(record, 10)
    plots.set_record(record)
    assert not plots._discriminator.isVisible()
    told(record, 20, real_probability=0.7, fake_probability=0.2)
    plots.draw()
    assert plots._discriminator.isVisible()


def test_sessions_and_steps_back_are_marked(
    plots: RunPlots, record: RunRecord, make_started: Callable[..., events.Started]
) -> None:
    told(record, 30)
    record.take(make_started(first_step=20))
    record.take(events.RolledBack(step=25, to_step=10, reason="The loss rose.", rate_factor=0.5))
    plots.set_record(record)
    assert [item.value() for item in plots._loss._mark_items] == [10]
    told(record, 30)
    record.take(make_started(first_step=20))
    plots.draw()
    assert [item.value() for item in plots._loss._mark_items] == [10, 20]


def test_charts_follow_the_theme(qtbot: QtBot, qapp: QApplication) -> None:
    theme = Theme(qapp)
    theme.choose("light")
    chart = Chart("Loss")
    qtbot.addWidget(chart)
    chart.show()
    line = chart.add_line(Ink.LINE)
    assert line.opts["pen"].color().name() == "#0072b2"
    theme.choose("dark")
    assert line.opts["pen"].color().name() == "#56b4e9"
    theme.choose("light")
    qapp.setStyleSheet("")
