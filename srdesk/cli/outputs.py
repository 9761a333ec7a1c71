"""What the option ``-o`` means."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from srdesk.engine.files.file_job import PICTURE_SUFFIXES
from srdesk.errors import ConfigError, UnsupportedImageError
from srdesk.imaging.formats import format_for


@dataclass(frozen=True, slots=True)
class Destination:
    """Where results go: one file, one folder, or, if neither is given, beside the input."""

    file: Path | None = None
    """The one output."""
    folder: Path | None = None
    """The folder of all outputs."""

    @classmethod
    def parse(cls, text: str | None, inputs: list[str]) -> Destination:
        """Understand ``-o``: several inputs, a folder as input, an existing folder or a trailing slash mean a folder.

        Raises:
            ConfigError: several results cannot become one file.
            UnsupportedImageError: the file name does not say a format.
        """
        if text is None:
            return cls()
        path = Path(text)
        is_slashed = text.endswith(("/", os.sep))
        is_for_several = len(inputs) > 1 or any(Path(name).is_dir() for name in inputs)
        if path.is_dir() or is_slashed or (is_for_several and not path.exists() and format_for(path) is None):
            return cls(folder=path)
        if is_for_several:
            raise ConfigError("output", text, "a folder, since there are several results")
        if format_for(path) is None:
            raise UnsupportedImageError(
                path,
                "its name does not end in the suffix of a format",
                hint=f"End it in {', '.join(PICTURE_SUFFIXES)}, or in “/” if a folder is meant.",
            )
        return cls(file=path)
