"""Edge application: safety tag and machine node."""
