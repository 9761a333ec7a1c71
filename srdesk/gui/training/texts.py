"""How times, sizes and fields of the configuration are written for people."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from srdesk.errors import ConfigError

_MINUTE_S, _HOUR_S, _DAY_S = 60.0, 3600.0, 86400.0


def duration(seconds: float) -> str:
    """Write a time in the two largest units that matter, such as ``2 h 05 min``."""
    if seconds < _MINUTE_S:
        return _tr("{} s").format(max(0, round(seconds)))
    minutes = round(seconds / _MINUTE_S)
    if minutes < _HOUR_S / _MINUTE_S:
        return _tr("{} min").format(minutes)
    if seconds < _DAY_S:
        return _tr("{} h {:02} min").format(*divmod(minutes, 60))
    return _tr("{} days {} h").format(*divmod(round(seconds / _HOUR_S), 24))


def size(size_bytes: float) -> str:
    """Write a number of bytes as ``1.5 GB``."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes / 1e3:.0f} kB"


def field_title(field: str) -> str:
    """Return the name of a configuration field as the form calls it."""
    titles = {
        "data": _tr("Pictures"),
        "model": _tr("Network"),
        "start": _tr("Start from"),
        "name": _tr("Name"),
        "steps": _tr("Steps"),
        "licence": _tr("Licence"),
        "learning_rate": _tr("Learning rate"),
        "discriminator_learning_rate": _tr("Rate of the discriminator"),
        "optimizer": _tr("Optimiser"),
        "batch_size": _tr("Batch"),
        "crop_px": _tr("Crop"),
        "crop_selection": _tr("Crops from"),
        "hr_scales": _tr("Sizes"),
        "noise": _tr("Noise"),
        "grey_share": _tr("Grey crops"),
        "pixel_loss": _tr("Error"),
        "pixel_weight": _tr("Pixel loss"),
        "feature_weight": _tr("Feature loss"),
        "adversarial_weight": _tr("Adversarial loss"),
        "total_variation_weight": _tr("Total variation"),
        "grid_weight": _tr("Grid and cast"),
        "features": _tr("Features"),
        "freeze_batch_norm": _tr("BatchNorm"),
        "validation_share": _tr("Held out"),
        "device": _tr("Device"),
        "precision": _tr("Precision"),
        "threads": _tr("Threads"),
        "compile": _tr("Compile"),
        "seed": _tr("Seed"),
    }
    return titles.get(field, field)


def config_sentence(error: ConfigError) -> str:
    """Say what is wrong with one field of the form, and what would be right."""
    if error.field == "data":
        return _tr("Add a folder of pictures first.")
    return f"{field_title(error.field)}: {error.hint}"


def _tr(text: str) -> str:
    return QCoreApplication.translate("training", text)
