"""Long calls that are made up of others."""

from __future__ import annotations

import pytest

from srdesk.engine.control import Control, Progress


def test_parts_of_a_call_report_as_shares_of_it() -> None:
    heard: list[Progress] = []
    for part in Control(on_progress=heard.append, max_rate_hz=1e9).parts(4):
        part.report(1, 2)
        part.report(2, 2)
    assert [progress.fraction for progress in heard] == pytest.approx([0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1])


def test_parts_of_a_call_pass_notices_on_and_stop_with_it() -> None:
    said: list[str] = []
    control = Control(on_notice=said.append)
    (part,) = control.parts(1)
    part.notify("Memory is short.")
    assert said == ["Memory is short."]
    assert part.token is control.token
