"""Bytes of internal arrays by planning mode: prints {network: {mode: bytes}} as JSON."""
import json

import gemel as mx
from networks import MEMORY_CASES, memory_executor

if __name__ == "__main__":
    print(json.dumps({name: memory_executor(mx, name).memory_plan() for name in MEMORY_CASES}))
