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


CASES = {"64 images": _iterate(),
         "64 images, colours": _iterate(transforms.ColorJitter(0.4, 0.4, 0.4))}
