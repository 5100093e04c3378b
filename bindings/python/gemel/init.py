"""`mx.init`: the initializers under their short module name."""
from .initializer import *  # noqa: F401,F403
from .initializer import alias  # noqa: F401
