"""What nobody thought of: told in one sentence, and kept in the log."""

from __future__ import annotations

import sys
import traceback
from datetime import datetime

from srdesk import paths
from srdesk.errors import UnexpectedError


def logged(error: Exception) -> UnexpectedError:
    """Append an unexpected ``error`` to the log, and say where that is."""
    sentence = f"Something unexpected went wrong: {error!r}."
    log_file = paths.log_folder() / "srdesk.log"
    try:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with log_file.open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(f"{datetime.now():%Y-%m-%d %H:%M:%S} {' '.join(sys.argv)}\n{_traceback(error)}\n")
    except OSError:
        return UnexpectedError(sentence, hint=f"Please report this:\n{_traceback(error)}")
    return UnexpectedError(sentence, hint=f"Please report this with the log file “{log_file}”.")


def _traceback(error: Exception) -> str:
    return "".join(traceback.format_exception(error))
