"""Classes that can be made from their name, with a JSON text form."""
import json
import warnings

__all__ = ["get_registry", "get_register_func", "get_alias_func", "get_create_func"]

_registries = {}


def get_registry(base_class):
    """A copy of the table from lower-case name to class of `base_class`."""
    return _registries.setdefault(base_class, {}).copy()


def get_register_func(base_class, nickname):
    """The decorator that registers a subclass of `base_class`; `nickname` is for messages."""
    table = _registries.setdefault(base_class, {})

    def register(klass, name=None):
        assert issubclass(klass, base_class), \
            f"Can only register subclass of {base_class.__name__}"
        key = (name or klass.__name__).lower()
        if key in table and table[key] is not klass:
            warnings.warn(f"New {nickname} {klass.__module__}.{klass.__name__} registered with "
                          f"name {key} is overriding existing {nickname} "
                          f"{table[key].__module__}.{table[key].__name__}", UserWarning,
                          stacklevel=2)
        table[key] = klass
        return klass

    register.__doc__ = f"Register a {nickname} class under its own name in lower case."
    return register


def get_alias_func(base_class, nickname):
    """The decorator factory that registers a class under further names."""
    register = get_register_func(base_class, nickname)

    def alias(*names):
        def decorate(klass):
            for name in names:
                register(klass, name)
            return klass
        return decorate

    alias.__doc__ = f"Register a {nickname} class under each of the given names."
    return alias


def get_create_func(base_class, nickname):
    """The function that makes an instance from a name, a JSON text, or passes one through."""
    table = _registries.setdefault(base_class, {})

    def create(*args, **kwargs):
        if args:
            name, args = args[0], args[1:]
        else:
            name = kwargs.pop(nickname)
        if isinstance(name, base_class):
            assert not args and not kwargs, \
                f"{nickname} is already an instance. Additional arguments are invalid"
            return name
        if isinstance(name, dict):
            return create(**name)
        assert isinstance(name, str), f"{nickname} must be of string type"
        if name.startswith("["):
            assert not args and not kwargs
            name, kwargs = json.loads(name)
            return create(name, **kwargs)
        if name.startswith("{"):
            assert not args and not kwargs
            return create(**json.loads(name))
        key = name.lower()
        assert key in table, \
            f"{name} is not registered. Please register with {nickname}.register first"
        return table[key](*args, **kwargs)

    create.__doc__ = f"Make a {nickname} from a name and arguments, or from its JSON text."
    return create
