"""One file per chip; imu.py says what the drivers of inertial units offer."""
