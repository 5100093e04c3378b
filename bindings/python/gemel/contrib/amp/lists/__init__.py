"""The lists of operators that mixed precision goes by."""

from . import symbol_bf16, symbol_fp16
