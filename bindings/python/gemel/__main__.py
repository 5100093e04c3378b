"""`python -m gemel` is the `gemel` command."""

import sys

from gemel.commands import main

sys.exit(main())
