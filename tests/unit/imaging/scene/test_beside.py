"""What lies beside a scene is looked at before GDAL does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from srdesk.errors import ImageReadError
from srdesk.imaging.scene.beside import check_beside


@pytest.mark.parametrize("name", ["LC09_T1_B4.TIF.aux.xml", "lc09_t1_b4.ovr", "LC09_T1_B4.IMD", "LC09_T1_MTL.txt"])
def test_a_pipe_that_gdal_would_wait_for_is_named(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(ImageReadError, match=name.replace(".", r"\.")):
        check_beside(tmp_path / "LC09_T1_B4.TIF")


@pytest.mark.parametrize("name", ["LC09_T1_B4b.aux", "LC09_T1_B5.TIF", "other.ovr", "LC09"])
def test_a_pipe_of_another_scene_does_not_matter(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    check_beside(tmp_path / "LC09_T1_B4.TIF")


def test_files_folders_and_links_to_nothing_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "a.tif.aux.xml").write_text("<PAMDataset/>")
    (tmp_path / "a.ovr").mkdir()
    (tmp_path / "a.tfw").symlink_to("nothing")
    check_beside(tmp_path / "a.tif")
