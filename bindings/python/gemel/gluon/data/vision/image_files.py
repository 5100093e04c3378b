"""Images in records and in folders, decoded when they are asked for."""
import os
import warnings

from .... import recordio
from ..dataset import Dataset, RecordFileDataset

__all__ = ["ImageRecordDataset", "ImageFolderDataset"]

_ENDINGS = (".jpg", ".jpeg", ".png")


class ImageRecordDataset(RecordFileDataset):
    """(image, label) of the records of a `.rec` file that has an `.idx` file beside it.

    Parameters
    ----------
    filename : str
    flag : int
        1 for images of three channels, 0 for gray ones: uint8, (height, width, channels).
    transform : function of image and label, optional
    """

    def __init__(self, filename, flag=1, transform=None):
        super().__init__(filename)
        self._flag = flag
        self._transform = transform

    def __getitem__(self, idx):
        from .... import image
        header, content = recordio.unpack(super().__getitem__(idx))
        picture = image.imdecode(content, self._flag)
        if self._transform is not None:
            return self._transform(picture, header.label)
        return picture, header.label


class ImageFolderDataset(Dataset):
    """(image, label) of the files in the folders below a folder; a folder is a class.

    Parameters
    ----------
    root : str
    flag : int
        1 for images of three channels, 0 for gray ones: uint8, (height, width, channels).
    transform : function of image and label, optional

    Attributes
    ----------
    synsets : list of str
        Names of the classes, sorted.
    items : list of tuple
        Path and label of each image.
    """

    def __init__(self, root, flag=1, transform=None):
        self._root = os.path.expanduser(root)
        self._flag = flag
        self._transform = transform
        self._exts = list(_ENDINGS)
        self._list_images(self._root)

    def _list_images(self, root):
        self.synsets, self.items = [], []
        for folder in sorted(os.listdir(root)):
            path = os.path.join(root, folder)
            if not os.path.isdir(path):
                warnings.warn(f"Ignoring {path}, which is not a directory.", stacklevel=3)
                continue
            label = len(self.synsets)
            self.synsets.append(folder)
            for name in sorted(os.listdir(path)):
                file, ending = os.path.join(path, name), os.path.splitext(name)[1]
                if ending.lower() not in self._exts:
                    warnings.warn(f"Ignoring {file} of type {ending}. Only support "
                                  f"{', '.join(self._exts)}", stacklevel=3)
                    continue
                self.items.append((file, label))

    def __getitem__(self, idx):
        from .... import image
        path, label = self.items[idx]
        picture = image.imread(path, self._flag)
        return (picture, label) if self._transform is None else self._transform(picture, label)

    def __len__(self):
        return len(self.items)
