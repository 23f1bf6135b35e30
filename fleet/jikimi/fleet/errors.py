"""Errors of the fleet manager, by what the caller should do.

JikimiError                  everything a user can be told in one sentence
├── SiteError                the site directory is missing, damaged or already there: fix the path or the site
├── RegistryError            the registry refuses: unknown device, unusable name: fix the command
├── ReleaseError             a release cannot be built, is not whole, or may not go out: the text says what to do
├── SigningError             a signing key is missing, damaged or used up: rotate it
├── ImageError               an image for a chip is missing, damaged or for another one: fix the list or the file
├── BatchError               the list of devices to provision is wrong: fix the file
├── ConfigurationError       the desired configuration of a device is wrong: fix the file
├── AgreementError           the data-use agreement does not cover what was asked, or may not be signed so
│   └── TermsError           its file is wrong: the text names the line and the setting
├── AuditError               the audit log is not whole, or not the one that was noted: find out who changed it
├── ProfileError             a recorded day cannot be read: fix the file, or record it anew
├── StoreError                the database fails or has no such row: nothing was written
│   └── StoreAwayError       its server does not answer: wait, and try again
├── ServiceError             a service we supervise does not start or stopped: read its log, then start again
├── BoardError                a board, real or virtual, does not do what was asked: look at it, then try again
└── MessageError             a message from a device is refused: keep its bytes, count it, go on
"""


class JikimiError(Exception):
    """Base class; `str()` is the sentence shown to the user and says what to do."""


class SiteError(JikimiError):
    """The site directory cannot be used."""


class RegistryError(JikimiError):
    """A device cannot be added, found or revoked as asked."""


class ReleaseError(JikimiError):
    """A release or a rollout cannot be what was asked for."""


class SigningError(JikimiError):
    """A signing key cannot sign, or what it signed cannot be read."""


class ImageError(JikimiError):
    """An image is not the one the list names; the text says which file and which digest."""


class BatchError(JikimiError):
    """A batch file cannot be used, or has no row for a board; the text names the line."""


class ConfigurationError(JikimiError):
    """A desired configuration cannot be used; the text names the device or the file, and the key."""


class AgreementError(JikimiError):
    """The data-use agreement does not cover it, is not signed as it must be, or is not whole."""


class TermsError(AgreementError):
    """The file of an agreement cannot be used; the text names the line and the setting."""


class AuditError(JikimiError):
    """The audit log was changed; the text names the entry."""


class ProfileError(JikimiError):
    """A file is not a day for the load; the text names the line."""


class StoreError(JikimiError):
    """The database does not work, or does not hold what was asked for."""


class StoreAwayError(StoreError):
    """The database's server does not answer; later it may."""


class ServiceError(JikimiError):
    """A supervised service failed."""


class BoardError(JikimiError):
    """A board does not answer, or not as it should; the text names its port."""


class MessageError(JikimiError):
    """A device's message is refused; the text is the reason code kept beside its bytes."""
