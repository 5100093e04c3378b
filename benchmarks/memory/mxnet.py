"""What MXNet's planner allocates ("Total x MB allocated"): prints {network: MB} as JSON."""
import json
import re

import mxnet as mx
from networks import MEMORY_CASES, memory_executor

if __name__ == "__main__":
    print(json.dumps({name: int(re.search(r"Total (\d+) MB allocated", memory_executor(mx, name).debug_str()).group(1))
                      for name in MEMORY_CASES}))
