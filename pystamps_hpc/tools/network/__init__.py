"""The network of interferograms: whether it holds together, and which pairs spoil it."""

from .picture import network_picture
from .report import network_report

__all__ = ["network_picture", "network_report"]
