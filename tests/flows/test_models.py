"""The command `srdesk models`."""

from pathlib import Path
from typing import Any

from srdesk import paths


def test_json_lists_weights_with_what_they_say_about_themselves(srdesk: Any, tiny_weights: Path) -> None:
    ended = srdesk("models", "--json")
    assert ended.status == 0
    assert ended.document == {
        "weights": [
            {
                "name": "tiny",
                "architecture": "srresnet",
                "scale": 4,
                "licence": "CC0-1.0",
                "training_data": "nothing",
                "steps": 12,
                "metrics": {"set5_psnr_y_db": 9.5},
                "path": str(tiny_weights),
                "error": None,
            }
        ]
    }


def test_broken_weights_are_listed_with_the_reason(srdesk: Any, tiny_weights: Path) -> None:
    (tiny_weights.parent / "broken.safetensors").write_bytes(b"\x80\x02 pickle")
    ended = srdesk("models", "--json")
    assert ended.status == 0
    broken, tiny = ended.document["weights"]
    assert (broken["name"], broken["architecture"]) == ("broken", None)
    assert "contains code" in broken["error"]
    assert tiny["error"] is None


def test_the_list_for_people_has_the_same_facts(srdesk: Any, tiny_weights: Path) -> None:
    (tiny_weights.parent / "broken.safetensors").touch()
    out = srdesk("models").out
    assert "broken\n" in out
    assert "tiny\n" in out
    for fact in ("srresnet, 4x, 12 steps", "trained on nothing", "set5_psnr_y_db 9.5", "licence CC0-1.0"):
        assert fact in out


def test_without_weights_it_says_where_they_belong(srdesk: Any, no_shipped_weights: None) -> None:
    assert str(paths.user_weights_folder()) in srdesk("models").out
    assert srdesk("models", "--json").document == {"weights": []}
