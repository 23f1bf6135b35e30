"""One file per chip."""
