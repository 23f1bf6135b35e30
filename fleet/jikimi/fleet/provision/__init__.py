"""From a box of boards to tested, labelled devices, over USB."""

from jikimi.fleet.provision.batch import Batch, Row, read_csv
from jikimi.fleet.provision.bundle import BundleEnroller
from jikimi.fleet.provision.enroller import Enroller, SiteEnroller
from jikimi.fleet.provision.station import provision
from jikimi.fleet.provision.work import FAIL, PASS, STEPS, Part, Result, Worker

__all__ = [
    "FAIL",
    "PASS",
    "STEPS",
    "Batch",
    "BundleEnroller",
    "Enroller",
    "Part",
    "Result",
    "Row",
    "SiteEnroller",
    "Worker",
    "provision",
    "read_csv",
]
