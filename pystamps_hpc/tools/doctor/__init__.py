"""Doctor: what would stop a run or spoil it, each problem with its remedy.

``machine``
    Ranks, processors, memory, MPI, devices, programs, caches.
``disk``
    What the file system of the dataset can do.
``artifacts``
    Whether every file of the dataset can be read and fits the others.
"""

from .examination import examine

__all__ = ["examine"]
