"""The one way to data about what people did: each question has a purpose, and the agreement in force must cover it.

permit  what the agreement allows for a purpose, or why not
asked   questions that are asked once, by a command: each is noted in the audit log before it is answered
live    what pages and live views may show, at each moment

Open alarms and the care of devices are no questions of this kind: rescue needs no agreement.
"""

from __future__ import annotations

from jikimi.fleet.questions.asked import HOST, Answer, Questions
from jikimi.fleet.questions.live import LiveView
from jikimi.fleet.questions.permit import Book, Permit, RefusedError, sentence

__all__ = ["HOST", "Answer", "Book", "LiveView", "Permit", "Questions", "RefusedError", "sentence"]
