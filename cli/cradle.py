"""Imported by the nursery's own process alone, first of all: ties it to the supervisor.

The nursery would else live on as long as one of its children does, and they as long as it. What
the terminal says, a closed window for one, is for the supervisor to hear, which ends all in order.
"""

import os
import signal

from cli.embedded.tether import tie

os.setsid()
tie(signal.SIGTERM, name="incasso-nursery")
