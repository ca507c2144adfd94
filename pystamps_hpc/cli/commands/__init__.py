"""The commands of the program: summary, options, examples, and the function that does the work.

What users of datasets need is in :mod:`.daily`, what is for the workshop in :mod:`.workshop`. They
are declared apart from their work, so that the parser imports nothing heavy.
"""

from .command import Command
from .daily import DAILY
from .workshop import WORKSHOP

__all__ = ["DAILY", "WORKSHOP", "Command"]
