"""What the registry's properties cannot say: (check, operator) -> the reason why it is left out."""

EXCEPTIONS = {}


def excused(check, operator):
    return EXCEPTIONS.get((check, operator))
