"""What this build of the library has: `mx.runtime.Features()["OPENMP"].enabled`."""
import collections

from . import _core

__all__ = ["Feature", "Features", "feature_list"]

# 1.9.1's names, so that programs may ask for any of them; those that the core does not report are off.
_NAMES = """CUDA CUDNN NCCL CUDA_RTC TENSORRT CPU_SSE CPU_SSE2 CPU_SSE3 CPU_SSE4_1 CPU_SSE4_2 CPU_SSE4A CPU_AVX
CPU_AVX2 OPENMP SSE F16C JEMALLOC BLAS_OPEN BLAS_ATLAS BLAS_MKL BLAS_APPLE LAPACK MKLDNN OPENCV CAFFE PROFILER
DIST_KVSTORE CXX14 INT64_TENSOR_SIZE SIGNAL_HANDLER DEBUG TVM_OP""".split()


class Feature(collections.namedtuple("Feature", ("name", "enabled"))):
    """A part that a build may have."""

    __slots__ = ()

    def __repr__(self):
        return f"{'✔' if self.enabled else '✖'} {self.name}"


def feature_list():
    """Every feature, as a list of `Feature`."""
    found = dict(_core.features())
    found["MKLDNN"] = found.get("ONEDNN", False)  # the library's name at the time of 1.9.1
    found["INT64_TENSOR_SIZE"] = True
    names = _NAMES + [name for name in found if name not in _NAMES]
    return [Feature(name, bool(found.get(name, False))) for name in names]


class Features(collections.OrderedDict):
    """The features by name."""

    def __init__(self):
        super().__init__((feature.name, feature) for feature in feature_list())

    def __repr__(self):
        return str(list(self.values()))

    def is_enabled(self, feature_name):
        """Whether this build has a feature, named in any case; an unknown one raises `RuntimeError`."""
        name = feature_name.upper()
        if name not in self:
            raise RuntimeError(f"Feature '{name}' is unknown, known features are: {list(self)}")
        return self[name].enabled
