"""`srdesk upscale --cluster`, as far as it goes without any worker."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Photo = Callable[..., Path]


def test_an_address_without_encryption_is_wrong_usage_with_the_way_out(
    srdesk: Run, photo: Photo, tmp_path: Path
) -> None:
    source = photo(tmp_path / "a.png")
    ended = srdesk("upscale", source, "--model", "bicubic", "--cluster", "tcp://10.0.0.7:8786")
    assert ended.status == 2
    assert "cluster cannot be 'tcp://10.0.0.7:8786'. Whoever reads or reaches that connection could" in ended.err
    assert "use tls://10.0.0.7:8786" in ended.err
    assert sorted(tmp_path.iterdir()) == [source]


def test_without_dask_one_sentence_names_the_command(
    srdesk: Run, photo: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = photo(tmp_path / "a.png")
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "distributed" else find_spec(name))
    ended = srdesk("upscale", source, "--model", "bicubic", "--cluster", "local:2")
    assert ended.status == 1
    assert "srdesk: “--cluster” needs Dask, which is not installed.\n" in ended.err
    assert "Install it with `pip install 'srdesk[cluster]'`, here and on all machines that shall compute." in ended.err
    assert sorted(tmp_path.iterdir()) == [source]


def test_nothing_to_do_needs_no_worker(srdesk: Run, photo: Photo, tmp_path: Path) -> None:
    photo(tmp_path / "in" / "a.png")
    words = ["upscale", tmp_path / "in", "-o", tmp_path / "out", "--model", "bicubic", "--on-collision", "skip"]
    assert srdesk(*words).status == 0
    (tmp_path / "in" / "a.png").unlink()
    ended = srdesk(*words, "--cluster", "tcp://127.0.0.1:9")
    assert "Dask" not in ended.err
