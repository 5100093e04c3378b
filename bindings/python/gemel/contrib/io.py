"""A Gluon data loader as an iterator for modules."""
from ..io import DataDesc, DataIter

__all__ = ["DataLoaderIter"]


class DataLoaderIter(DataIter):
    """The batches `(data, label)` of a `gluon.data.DataLoader`, filled up to the batch size.

    Parameters
    ----------
    loader : gluon.data.DataLoader
    data_name, label_name : str
    dtype : str
        Type of both arrays.
    """

    def __init__(self, loader, data_name="data", label_name="softmax_label", dtype="float32"):
        super().__init__()
        self._loader = loader
        self._batches = iter(loader)
        data, label = next(self._batches)
        self.batch_size = data.shape[0]
        self.dtype = dtype
        self.provide_data = [DataDesc(data_name, data.shape, dtype)]
        self.provide_label = [DataDesc(label_name, label.shape, dtype)]
        self._current = None
        self.reset()

    def reset(self):
        self._batches = iter(self._loader)

    def iter_next(self):
        self._current = next(self._batches, None)
        return self._current is not None

    def _filled(self, array):
        from .. import ndarray as nd
        missing = self.getpad()
        array = array.astype(self.dtype)
        if missing:
            filler = nd.zeros((missing, *array.shape[1:]), dtype=self.dtype)
            array = nd.concat(array, filler, dim=0)
        return [array]

    def getdata(self):
        return self._filled(self._current[0])

    def getlabel(self):
        return self._filled(self._current[1])

    def getpad(self):
        return self.batch_size - self._current[0].shape[0]
