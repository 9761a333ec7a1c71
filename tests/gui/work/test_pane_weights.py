"""Each pane uses the weights that were chosen for it, or those of its network."""

from __future__ import annotations

from pathlib import Path

from srdesk.gui.work.pane_weights import PaneWeights


def test_panes_use_what_was_chosen_and_else_what_came_with_the_program(tmp_path: Path, make_weights) -> None:
    shipped = make_weights(tmp_path / "shipped" / "srresnet_x4.safetensors")
    own = make_weights(tmp_path / "own" / "portraits.safetensors")
    weights = PaneWeights([shipped.parent, own.parent], {"srresnet": "portraits"})
    assert (weights("srresnet"), weights("srcnn"), weights.missing) == (own, None, {})
    weights.choose({})
    assert weights("srresnet") == shipped


def test_chosen_weights_that_are_gone_are_named_and_replaced_by_those_of_the_network(
    tmp_path: Path, make_weights
) -> None:
    shipped = make_weights(tmp_path / "srresnet_x4.safetensors")
    weights = PaneWeights([tmp_path], {"srresnet": "portraits"})
    assert (weights("srresnet"), weights.missing) == (shipped, {"srresnet": "portraits"})
    own = make_weights(tmp_path / "portraits.safetensors")
    weights.refresh()
    assert (weights("srresnet"), weights.missing) == (own, {})
