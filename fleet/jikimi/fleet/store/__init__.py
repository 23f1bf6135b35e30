"""The store: the one place where feature packages meet."""
