"""The same images by torch's DataLoader and torchvision, in the process itself: one core."""
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
import images  # noqa: E402
import torch  # noqa: E402
import torchvision  # noqa: E402
from torchvision import transforms  # noqa: E402

VERSION = f"{torch.__version__}, torchvision {torchvision.__version__}"
BATCH = 64


class _Files(torch.utils.data.Dataset):
    def __init__(self, transform):
        self.files, self.transform = images.files(), transform

    def __len__(self):
        return len(self.files)

    def __getitem__(self, number):
        picture = torchvision.datasets.folder.pil_loader(self.files[number])
        return self.transform(picture), number % 1000


def _iterate(*colors):
    def make():
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        torch.set_num_threads(1)
        transform = transforms.Compose([
            transforms.Resize(256), transforms.RandomCrop(224), transforms.RandomHorizontalFlip(),
            *colors, transforms.ToTensor()])
        loader = torch.utils.data.DataLoader(_Files(transform), BATCH, shuffle=True)
        batches = iter(loader)

        def repeat(count):
            nonlocal batches
            for _ in range(count):
                if next(batches, None) is None:
                    batches = iter(loader)
                    next(batches)
        return repeat
    return make


def _transform(*names):
    """The same by transforms.v2 on tensors, without filters, as 1.9.1 resizes."""
    def make():
        from torchvision.transforms import v2
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        torch.set_num_threads(1)
        kinds = {"random crop": lambda: v2.RandomResizedCrop(224, antialias=False),
                 "flip": v2.RandomHorizontalFlip,
                 "colours": lambda: v2.ColorJitter(0.4, 0.4, 0.4),
                 "short edge": lambda: v2.Resize(256, antialias=False),
                 "middle": lambda: v2.CenterCrop(224)}
        chain = v2.Compose([kinds[name]() for name in names] + [
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
        pictures = [torch.from_numpy(one).permute(2, 0, 1) for one in images.pictures(BATCH)]

        def repeat(count):
            for _ in range(count):
                for one in pictures:
                    chain(one)
        return repeat
    return make


CASES = {"64 transforms, training": _transform("random crop", "flip"),
         "64 transforms, training with colours": _transform("random crop", "flip", "colours"),
         "64 transforms, validation": _transform("short edge", "middle"),
         "64 images": _iterate(),
         "64 images, colours": _iterate(transforms.ColorJitter(0.4, 0.4, 0.4))}
