"""Splitting of batches, clipping of gradients, downloads, and helpers of blocks."""
import math
import os
import warnings

import numpy as np

from .. import ndarray as nd

__all__ = ["split_data", "split_and_load", "clip_global_norm", "check_sha1", "download",
           "replace_file", "shape_is_known", "HookHandle"]


def shape_is_known(shape):
    """Whether every dimension of a shape is known; None and () are not."""
    if shape is None or len(shape) == 0:
        return False
    return all(size > 0 for size in shape)


def split_data(data, num_slice, batch_axis=0, even_split=True):
    """Cut an array into slices along an axis.

    Parameters
    ----------
    data : NDArray
    num_slice : int
    batch_axis : int
    even_split : bool
        Whether slices of different sizes are a `ValueError`.
    """
    size = data.shape[batch_axis]
    if even_split and size % num_slice != 0:
        raise ValueError(
            f"data with shape {data.shape} cannot be evenly split into {num_slice} slices along "
            f"axis {batch_axis}. Use a batch size that's multiple of {num_slice} or set "
            "even_split=False to allow uneven partitioning of data.")
    step, extra = divmod(size, num_slice)
    edges = [0]
    for i in range(num_slice):
        edges.append(edges[-1] + step + (1 if i < extra else 0))
    if num_slice == 1:
        return [data]
    if batch_axis == 0:
        return [data[begin:end] for begin, end in zip(edges, edges[1:])]
    return [nd.slice_axis(data, axis=batch_axis, begin=begin, end=end)
            for begin, end in zip(edges, edges[1:])]


def split_and_load(data, ctx_list, batch_axis=0, even_split=True):
    """Cut an array (or anything that makes one) and put a slice on each device."""
    if not isinstance(data, nd.NDArray):
        data = nd.array(data, ctx=ctx_list[0])
    if len(ctx_list) == 1:
        return [data.as_in_context(ctx_list[0])]
    slices = split_data(data, len(ctx_list), batch_axis, even_split)
    return [part.as_in_context(ctx) for part, ctx in zip(slices, ctx_list)]


def clip_global_norm(arrays, max_norm, check_isfinite=True):
    """Scale arrays in place so that the norm of all together is at most `max_norm`.

    Parameters
    ----------
    arrays : list of NDArray
        Not empty.
    max_norm : float
    check_isfinite : bool
        Warn where the norm is not finite, and return a float; otherwise nothing is waited for and
        the norm is returned as an NDArray of shape (1,).
    """
    assert len(arrays) > 0
    ctx = arrays[0].context
    squares = [(array * array).sum().reshape((1,)).as_in_context(ctx) for array in arrays]
    total = squares[0]
    for square in squares[1:]:
        total = total + square
    norm = total.sqrt()
    if check_isfinite:
        value = norm.asscalar()
        if not np.isfinite(value):
            warnings.warn(UserWarning("nan or inf is detected. Clipping results will be "
                                      "undefined."), stacklevel=2)
        scale = max_norm / (float(value) + 1e-8)
        if math.isnan(scale) or scale < 1.0:
            for array in arrays:
                array *= scale
        return value
    scale = (max_norm / (norm + 1e-8)).clip(0.0, 1.0)
    for array in arrays:
        array[:] = nd.broadcast_mul(array.reshape((-1,)),
                                    scale.as_in_context(array.context)).reshape(array.shape)
    return norm


def check_sha1(filename, sha1_hash):
    """Whether a file's SHA-1 is `sha1_hash` (hexadecimal; a beginning of it counts)."""
    import hashlib
    digest = hashlib.sha1()
    with open(filename, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest() == sha1_hash


def replace_file(src, dst):
    """Move a file over another one; readers see the old or the new one, whole."""
    os.replace(src, dst)


def _fetch(url, target, verify_ssl):
    import shutil
    import ssl
    import tempfile
    import urllib.request
    context = None if verify_ssl else ssl._create_unverified_context()
    with urllib.request.urlopen(url, timeout=60,
                                context=context if url.startswith("https") else None) as source:
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target) or ".")
        try:
            with os.fdopen(handle, "wb") as stream:
                shutil.copyfileobj(source, stream)
            replace_file(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise


def download(url, path=None, overwrite=False, sha1_hash=None, retries=5, verify_ssl=True):
    """Fetch a file over http, https, ftp or file; returns its path.

    Parameters
    ----------
    url : str
    path : str, optional
        A file or a folder; by default the URL's last part in the current folder.
    overwrite : bool
        Fetch also if the file is there (with another hash it is always fetched).
    sha1_hash : str, optional
        What the file must have; otherwise the file counts as damaged, which is a `UserWarning`
        raised when no attempt is left.
    retries : int
        Attempts after the first one, at failure; then the last error (an `OSError`) is raised.
    verify_ssl : bool
    """
    name = url.split("/")[-1]
    if path is None or os.path.isdir(os.path.expanduser(path)):
        assert name, "Can't construct file-name from this URL. Please set the `path` option " \
            "manually."
        target = name if path is None else os.path.join(os.path.expanduser(path), name)
    else:
        target = os.path.expanduser(path)
    assert retries >= 0, f"Number of retries should be at least 0, currently it's {retries}"
    if not verify_ssl:
        warnings.warn("Unverified HTTPS request is being made (verify_ssl=False). Adding "
                      "certificate verification is strongly advised.", stacklevel=2)
    if not overwrite and os.path.exists(target) and \
            (not sha1_hash or check_sha1(target, sha1_hash)):
        return target
    folder = os.path.dirname(os.path.abspath(target))
    os.makedirs(folder, exist_ok=True)
    for left in range(retries, -1, -1):
        try:
            print(f"Downloading {target} from {url}...")
            _fetch(url, target, verify_ssl)
            if sha1_hash and not check_sha1(target, sha1_hash):
                raise UserWarning(f"File {target} is downloaded but the content hash does not "
                                  "match. The repo may be outdated or download may be incomplete.")
            break
        except (OSError, ValueError, UserWarning) as error:
            if left == 0:
                raise
            print(f"download failed due to {error!r}, retrying, {left} attempt"
                  f"{'s' if left > 1 else ''} left")
    return target


class HookHandle:
    """Removes a hook again: by `detach`, or at the end of a `with` block."""

    def __init__(self):
        self._hooks = None
        self._key = None

    def attach(self, hooks_dict, hook):
        """Add a hook to a dictionary of hooks."""
        assert self._hooks is None, "The same handle cannot be attached twice."
        self._hooks, self._key = hooks_dict, id(self)
        hooks_dict[self._key] = hook

    def detach(self):
        """Remove the hook; nothing happens where it is gone."""
        if self._hooks is not None:
            self._hooks.pop(self._key, None)

    def __enter__(self):
        return self

    def __exit__(self, ptype, value, trace):
        self.detach()
