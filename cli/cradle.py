"""Imported by the nursery's own process alone, first of all: ties it to the supervisor.

The nursery would else live on as long as one of its children does, and they as long as it.
"""

import signal

from cli.embedded.tether import tie

tie(signal.SIGTERM, name="incasso-nursery")
