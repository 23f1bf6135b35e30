"""What a checked configuration is made of; apart from `settings`, which a device forgets once it has checked."""

TYPE_CHECKING = False  # as typing's, which MicroPython lacks
if TYPE_CHECKING:
    from typing import Any


class Section:
    """Checked values as attributes."""

    def __init__(self, values: "dict[str, object]") -> None:
        for key in values:
            setattr(self, key, values[key])

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> "Any":
            """Values are set by name."""
