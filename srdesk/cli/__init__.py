"""The command line: upscale · check · report · reproduce · evaluate · train · models · bench."""

VERBS = ("upscale", "check", "report", "reproduce", "evaluate", "train", "models", "bench")
"""Words that start the command line instead of the desk."""
