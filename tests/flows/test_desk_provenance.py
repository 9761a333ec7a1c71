"""A result that was saved on the desk is made again by `srdesk reproduce`, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from srdesk.engine.control import CancelToken
from srdesk.engine.files.file_stamp import file_stamp
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.honesty.honesty_worker import HonestyWorker
from srdesk.gui.honesty.requests import BackProjected, BackProjectRequest
from srdesk.gui.work.opening import open_document
from srdesk.gui.work.requests import OpenRequest, Recipe, Rendered, RenderRequest, SaveJob
from srdesk.gui.work.save_order import SaveOrder
from srdesk.gui.work.saving import save
from srdesk.gui.work.upscale_worker import UpscaleWorker
from srdesk.imaging.decoder import Decoder


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize(("size", "strength"), [("4x", 0.0), ("2x", 0.0), ("4x", 0.35)])
def test_what_the_desk_saves_is_made_again_byte_for_byte(
    srdesk: Any,
    photo: Callable[..., Path],
    tiny_weights: Path,
    tmp_path: Path,
    suffix: str,
    size: str,
    strength: float,
) -> None:
    source, output = photo(tmp_path / "photo.png"), tmp_path / f"large{suffix}"
    with Decoder() as decoder:
        document = open_document(OpenRequest(path=source), decoder, lambda: pytest.fail("it is no scene"))
    stamp = file_stamp(tiny_weights)
    recipe = Recipe(model="srresnet", weights=tiny_weights, weights_stamp=stamp, device="cpu")
    result = UpscaleWorker().answer(RenderRequest(pane="srresnet", image=document.image, recipe=recipe))
    assert isinstance(result, Rendered)
    assert isinstance(result.display, DisplayImage)
    if strength:
        answer = HonestyWorker().answer(BackProjectRequest(image=document.image, result=result, strength=strength))
        assert isinstance(answer, BackProjected)
        result = answer.result
    order = SaveOrder(pane="srresnet", path=output, size=size, model="tiny", has_sidecar=True)
    save(SaveJob(order=order, result=result, document=document), CancelToken())
    ended = srdesk("reproduce", output.with_name(f"{output.name}.srdesk.json"), "--json")
    assert ended.status == 0, ended.err
    assert ended.document["is_equal"] is True
