"""One file per chip, at register or command level, written from its data sheet."""
