"""Runs in MicroPython: calls functions of jikimi.wire as told, one line in, one line out, both Python literals.

In: (module, function, [positional arguments, …]). Out: one entry for each tuple of arguments, ("ok", result) or
("refused", reason); any other exception is ("crashed", text), which no test expects.
"""

# mypy: disable-error-code=no-untyped-call
import sys

from jikimi.wire import WireError


def call(function, arguments):
    try:
        return ("ok", function(*arguments))
    except WireError as error:
        return ("refused", error.reason)
    except Exception as error:  # noqa: BLE001, the host's test reports it
        return ("crashed", repr(error))


def serve():
    for line in sys.stdin:
        module, name, calls = eval(line)
        function = getattr(__import__("jikimi.wire." + module, None, None, (name,)), name)
        sys.stdout.write(repr([call(function, arguments) for arguments in calls]) + "\n")


serve()
