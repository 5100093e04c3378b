"""For all tests: graphs run by default choices, whatever the user has tuned on this machine."""

import os

os.environ.setdefault("GEMEL_RECORD", "off")
