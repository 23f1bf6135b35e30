"""Checks configurations given as JSON lines in the file named on the command line; prints each answer."""

# ruff: noqa: T201, PTH123 - device code: MicroPython lacks pathlib; stdout is the result.

import json
import sys

from jikimi.wire.settings import ConfigError, check

answers = []
with open(sys.argv[1]) as file:
    for line in file:
        try:
            config = check(json.loads(line))
            answers.append(
                ["ok", config.device, config.vitals_s, config.imu and config.imu.rate_hz, config.alarms.cancel_s]
            )
        except ConfigError as error:
            answers.append(["refused", str(error)])
print(json.dumps(answers))
