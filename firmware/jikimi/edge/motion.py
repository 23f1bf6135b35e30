"""Events of the signal core, as its motion detectors number them."""

FALLING = 1
FALL = 2
RECOVERED = 3
NO_MOTION = 4
BEND = 5
