"""Taking over a signed configuration: all or nothing, and on trial (`trial`) from the next start on."""

import json

from jikimi.edge.trial import NOW, OLD, TRIAL, remove, write
from jikimi.wire import WireError, configuration, settings

_NEW = "config.new"


class Adoption:
    """`trial` as trial.Trial; `roots()` gives the trusted public keys."""

    def __init__(self, trial, roots):
        self._trial = trial
        self._roots = roots

    def offer(self, document):
        """Check a document and put it in force; None when the device is to restart with it, else the reason."""
        current = self._trial.current()
        sequence = 0
        try:
            sequence, values = configuration.opened(document, self._roots(), current["site"], current["device"])
            if sequence <= max(current.get("sequence", 0), self._trial.refused_sequence()):
                return "replayed"  # not noted: what was refused before stays known
            self._take(current, sequence, values)
        except WireError as error:
            self._trial.note(sequence, error.reason)
            return error.reason
        except settings.ConfigError as error:
            self._trial.note(sequence, "settings " + _plain(str(error)))
            return "settings"
        return None

    def _take(self, current, sequence, values):
        whole = {key: current[key] for key in settings.IDENTITY if key in current}
        for key in values:
            if key in settings.IDENTITY:
                raise settings.ConfigError(key + " is no setting")
        whole.update(values)
        whole["sequence"] = sequence
        settings.check(whole)
        remove(self._trial.state, TRIAL)  # a power cut may have left that of an earlier one
        write(self._trial.flash, _NEW, json.dumps(whole))
        if settings.digest(whole) != settings.digest(current):
            write(self._trial.flash, OLD, json.dumps(current))
        self._trial.flash.rename(_NEW, NOW)


def _plain(text):
    return "".join([char if " " <= char <= "~" else "?" for char in text])
