"""Training seen from the desk: the processes that train, the dialogs about them, and what becomes of new weights."""
