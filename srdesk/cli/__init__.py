"""The command line: upscale · evaluate · train · models · bench."""

VERBS = ("upscale", "evaluate", "train", "models", "bench")
"""Words that start the command line instead of the desk."""
