"""What an output file is called, and what happens where that name is taken."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

from srdesk.errors import ConfigError, ImageWriteError

CollisionPolicy = Literal["number", "skip", "overwrite", "ask"]
"""What to do where the output exists: take the next free number, leave it, replace it, or ask."""

COLLISION_POLICIES: tuple[CollisionPolicy, ...] = get_args(CollisionPolicy)
"""All of them, the default first."""

PLACEHOLDERS = ("stem", "ext", "model", "scale", "date", "time", "n", "parent")
"""What a template may contain in braces: `OutputName.render` fills it in."""

_MAX_NAME_BYTES = 240
"""Of the 255 that file systems allow; the rest is for a collision number."""

_MAX_CHARACTER_BYTES = 4
"""Of one character in UTF-8: so many fewer bytes than the most may be left when one character is cut."""

_MAX_SUFFIX_LENGTH = 16
"""Longer ones are not kept whole when a name is shortened."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_PIECE = re.compile(r"([^{}]*)(?:\{([^{}]*)\})?")
_FILLINGS = {
    "ext": r"\.[^.]+",
    "scale": r"(?:[234]|\d+x\d+)",
    "date": r"\d{4}-\d{2}-\d{2}",
    "time": r"\d{6}",
    "n": r"\d+",
    "parent": ".+",
}
"""What may stand in the place of placeholders, as regular expressions."""
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f\ud800-\udfff/\\:*?"<>|]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)
"""Device names that Windows sees in any folder, with any suffix."""


@dataclass(frozen=True, slots=True)
class OutputName:
    """A template such as ``{stem}_{model}_x{scale}{ext}``.

    Raises:
        ConfigError: the template has an unknown placeholder, a stray brace or a folder in it.
    """

    template: str = "{stem}_{model}_x{scale}{ext}"
    """The name with its placeholders in braces; ``{ext}`` is added where it does not end in that."""

    def __post_init__(self) -> None:
        unknown = [name for name in _PLACEHOLDER.findall(self.template) if name not in PLACEHOLDERS]
        literal = _PLACEHOLDER.sub("", self.template)
        if not self.template.strip() or unknown or any(sign in literal for sign in "{}/\\"):
            allowed = "a file name with the placeholders " + " ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise ConfigError("output name", self.template, allowed)

    def render(
        self,
        source: Path,
        *,
        model: str,
        scale: int | str = 4,
        ext: str | None = None,
        number: int = 1,
        when: datetime | None = None,
    ) -> str:
        """Return the name of an output file: one that every file system takes, and never a folder or a path.

        Args:
            source: the input file.
            model: name of the weights.
            scale: factor of the enlargement.
            ext: suffix of the output with its dot; by default that of the input.
            number: position of the input in its batch, from 1.
            when: time of the run; by default now.
        """
        when = when or datetime.now()
        ext = source.suffix if ext is None else ext
        filled = {
            "stem": source.stem,
            "ext": ext,
            "model": model,
            "scale": str(scale),
            "date": when.strftime("%Y-%m-%d"),
            "time": when.strftime("%H%M%S"),
            "n": str(number),
            "parent": source.absolute().parent.name,
        }
        for part in ("parent", "stem"):  # what tells results apart is kept as long as anything else can be cut
            while _length_bytes(self._filled(filled)) > _MAX_NAME_BYTES and len(filled[part]) > 1:
                filled[part] = filled[part][:-1]
        return _safe_name(self._filled(filled), ext)

    def _filled(self, filled: dict[str, str]) -> str:
        return _UNSAFE.sub("_", _PLACEHOLDER.sub(lambda match: filled[match[1]], self._whole_template))

    def stems_of(self, name: str, models: Iterable[str]) -> list[str]:
        """Return the stems of files whose result could have this name; none where the template cannot tell.

        Args:
            name: name of a file.
            models: names of the models that it could have been made with.
        """
        literal, placeholders = _PLACEHOLDER.sub("", self.template).strip(), _PLACEHOLDER.findall(self.template)
        if not literal and {"model", "scale"}.isdisjoint(placeholders):
            return []  # a result would be called as its file is, but for a number, which other files have as well
        stem, ext = Path(name).stem, Path(name).suffix
        stems = []
        for text in {stem, re.sub(r"-\d+$", "", stem)}:
            match = re.fullmatch(self._pattern(frozenset(models)), text + ext)
            if match is not None and "stem" in match.groupdict():
                stems.append(match["stem"])
        return stems

    @staticmethod
    def safe_stem(source: Path) -> str:
        """Return the stem of a file as it stands in the name of its result."""
        return _UNSAFE.sub("_", source.stem)

    @staticmethod
    def is_shortened(name: str) -> bool:
        """Tell whether the stem in the name of a result may be less than that of the file it was made of."""
        stem, ext = Path(name).stem, Path(name).suffix
        return _length_bytes(re.sub(r"-\d+$", "", stem) + ext) > _MAX_NAME_BYTES - _MAX_CHARACTER_BYTES

    @property
    def _whole_template(self) -> str:
        # A name without a suffix would not say its format.
        return self.template.strip().removesuffix("{ext}") + "{ext}"

    def _pattern(self, models: frozenset[str]) -> str:
        """Return a regular expression for the names that the template makes; its group ``stem`` is that of the file."""
        fillings = _FILLINGS | {"model": "(?:" + "|".join(re.escape(_UNSAFE.sub("_", name)) for name in models) + ")"}
        pattern, is_named = "", False
        for literal, placeholder in _PIECE.findall(self._whole_template):
            pattern += re.escape(_UNSAFE.sub("_", literal))
            if placeholder == "stem":
                pattern += "(?P=stem)" if is_named else "(?P<stem>.+)"
                is_named = True
            elif placeholder:
                pattern += fillings[placeholder]
        return pattern


def resolve_collision(
    path: Path,
    policy: CollisionPolicy = "number",
    ask: Callable[[Path], CollisionPolicy] | None = None,
    *,
    is_taken: Callable[[Path], bool] = os.path.lexists,
) -> Path | None:
    """Return where to write, or None to skip.

    Args:
        path: the wanted output file.
        policy: what to do if it exists.
        ask: puts the question for the policy "ask" and returns one of the other policies.
        is_taken: tells whether there is a file of that name, or soon will be.

    Raises:
        ConfigError: the policy is "ask" and there is nobody to ask.
    """
    if policy == "overwrite" or not is_taken(path):
        return path
    if policy == "skip":
        return None
    if policy == "number":
        return _next_free(path, is_taken)
    if ask is None:
        raise ConfigError("on-collision", policy, "number, skip or overwrite where nobody can be asked")
    answer = ask(path)
    if answer == "ask":
        raise ConfigError("on-collision", answer, "number, skip or overwrite as the answer")
    return resolve_collision(path, answer, is_taken=is_taken)


def resolve_among(
    path: Path,
    policy: CollisionPolicy,
    ask: Callable[[Path], CollisionPolicy],
    *,
    promised: Set[Path],
    together: Set[Path],
) -> Path | None:
    """Return where to write as `resolve_collision` does, beside files that are not written yet.

    Args:
        path: the wanted output file.
        policy: what to do if it exists, or will.
        ask: puts the question for the policy "ask".
        promised: files of earlier wishes.
        together: files of the same wish; none of them is replaced or left out for another one, whatever the policy.
    """
    return resolve_collision(
        path,
        "number" if path in together else policy,
        ask,
        is_taken=lambda wanted: os.path.lexists(wanted) or wanted in promised or wanted in together,
    )


def refuse_input_as_output(output: Path, inputs: Iterable[Path]) -> None:
    """Make sure that ``output`` is none of the ``inputs``, also under another name or through links.

    Raises:
        ImageWriteError: it is one of them.
    """
    for source in inputs:
        if _is_same_file(output, source):
            raise ImageWriteError(output, "it is the input file itself", hint="Choose another name for the output.")


def _is_same_file(a: Path, b: Path) -> bool:
    try:
        return a.samefile(b)
    except OSError:  # one of them does not exist or cannot be looked at
        return os.path.realpath(a) == os.path.realpath(b)


def _safe_name(name: str, ext: str) -> str:
    """Return ``name`` without what a file system or a terminal stumbles over, shortened in front of ``ext``."""
    name = _UNSAFE.sub("_", name).strip(" ").rstrip(". ")
    if not name.strip(".") or _RESERVED.match(name):
        name = f"_{name}"
    tail = _UNSAFE.sub("_", ext) if len(ext) <= _MAX_SUFFIX_LENGTH else ""
    stem, tail = (name.removesuffix(tail) or "_", tail) if name.endswith(tail) else (name, "")
    while len((stem + tail).encode()) > _MAX_NAME_BYTES:
        stem = stem[:-1]
    return (stem + tail).rstrip(". ")


def _length_bytes(name: str) -> int:
    return len(name.encode())


def _next_free(path: Path, is_taken: Callable[[Path], bool]) -> Path:
    number = 2
    while is_taken(candidate := path.with_name(f"{path.stem}-{number}{path.suffix}")):
        number += 1
    return candidate


def readable(name: str) -> str:
    """Return a name of the file system as text that any file can hold: bytes that are no UTF-8 become ``\ufffd``."""
    return os.fsencode(name).decode("utf-8", "replace")
