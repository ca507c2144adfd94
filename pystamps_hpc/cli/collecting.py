"""The collector of cycles waits until all that stays has been loaded and planned.

It would look through the modules and the plan again and again and find nothing: 0.1 s of a
``status``, 0.3 s of the plan of 400 patches. What is in no cycle, as arrays are, goes at once in
any case.
"""

import atexit
import gc


def wait() -> None:
    """Keep the collector from its work in this process, at its end too."""
    gc.disable()
    atexit.register(gc.freeze)  # else it looks through all that is loaded: 0.4 s


def resume() -> None:
    """Let a collector that waits work, on what is made from now on."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
