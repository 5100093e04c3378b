"""Images: decoding, resizing, cropping, and what is done to them at random before they are learnt
from."""
from .image import *  # noqa: F401,F403
from . import augmenters, codec, image  # noqa: F401
from .augmenters import *  # noqa: F401,F403
from .iterator import *  # noqa: F401,F403
from . import iterator  # noqa: F401
from .detection import *  # noqa: F401,F403
from . import detection
from . import detection as det  # noqa: F401

__all__ = [*image.__all__, *augmenters.__all__, *iterator.__all__, *detection.__all__]
