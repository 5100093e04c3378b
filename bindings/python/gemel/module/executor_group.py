"""One executor for each device of a module, with the batch divided among them."""
from .. import ndarray as nd
from ..base import MXNetError
from ..io import DataDesc

__all__ = ["ExecutorGroup"]


def split_batch(batch_size, work_loads):
    """Consecutive slices of a batch in the proportions of `work_loads`; rounding is at the cost of the last one.

    Raises `ValueError` if a slice would be empty.
    """
    total = sum(work_loads)
    sizes = [round(load * batch_size / total) for load in work_loads]
    sizes[-1] += batch_size - sum(sizes)
    edges = [min(sum(sizes[:i]), batch_size) for i in range(len(sizes) + 1)]
    if any(begin >= end for begin, end in zip(edges, edges[1:])):
        raise ValueError("Too many slices. Some splits are empty.")
    return [slice(begin, end) for begin, end in zip(edges, edges[1:])]


class ExecutorGroup:
    """The bound executors of a module.

    Parameters
    ----------
    symbol : Symbol
    contexts : list of Context
    data_shapes, label_shapes : list of DataDesc
    param_names, state_names : list of str
    grad_req : dict of str to str
        For every argument.
    shared : ExecutorGroup, optional
        Whose parameters, with their gradients and auxiliary states, the executors use. All other
        memory is shared, too: the groups take turns.
    groups : list of dict of str to Context, optional
        For each context, where the nodes of each `ctx_group` run.
    work_loads : list of number, optional
        The share of a batch that each context gets; equal ones by default.
    """

    def __init__(self, symbol, contexts, data_shapes, label_shapes, param_names, state_names,
                 grad_req, shared=None, groups=None, work_loads=None):
        self.symbol = symbol
        self.contexts = contexts
        self.param_names = param_names
        self.state_names = state_names
        self.aux_names = symbol.list_auxiliary_states()
        self.output_names = symbol.list_outputs()
        self.grad_req = grad_req
        self.shared = shared
        self.buffers = shared.buffers if shared is not None else [{} for _ in contexts]
        self.groups = groups or [None] * len(contexts)
        self.work_loads = work_loads or [1] * len(contexts)
        self._bind(data_shapes, label_shapes, None)

    def _bind(self, data_shapes, label_shapes, previous):
        self.data_shapes, self.label_shapes = data_shapes, label_shapes
        self.data_names = [item.name for item in data_shapes]
        arguments = set(self.symbol.list_arguments())
        # A label that the symbol does not use is only for the metric.
        self.label_names = [item.name for item in label_shapes]
        inputs = [item for item in data_shapes + label_shapes if item.name in arguments]
        self.batch_size = data_shapes[0].shape[self._axis(data_shapes[0])]
        self.slices = split_batch(self.batch_size, self.work_loads)
        self.execs = []
        for i, context in enumerate(self.contexts):
            shapes = {item.name: self._part(item, i) for item in inputs}
            if previous is not None:
                executor = previous[i].reshape(partial_shaping=True, allow_up_sizing=True,
                                               **shapes)
            else:
                types = {item.name: item.dtype for item in inputs}
                executor = self.symbol.simple_bind(
                    context, grad_req=self.grad_req, type_dict=types, group2ctx=self.groups[i],
                    shared_arg_names=self.param_names, shared_buffer=self.buffers[i],
                    shared_exec=None if self.shared is None else self.shared.execs[i], **shapes)
            self.execs.append(executor)
        self._collect()

    @staticmethod
    def _axis(item):
        axis = DataDesc.get_batch_axis(getattr(item, "layout", "N"))
        return max(axis, 0)

    def _part(self, item, i):
        if len(self.contexts) == 1:
            return item.shape
        axis, shape = self._axis(item), list(item.shape)
        shape[axis] = self.slices[i].stop - self.slices[i].start
        return tuple(shape)

    def _collect(self):
        arguments = [executor.arg_dict for executor in self.execs]
        gradients = [executor.grad_dict for executor in self.execs]
        auxiliary = [executor.aux_dict for executor in self.execs]
        self.param_arrays = [[one[name] for one in arguments] for name in self.param_names]
        self.grad_arrays = [[one.get(name) for one in gradients] for name in self.param_names]
        self.aux_arrays = [[one[name] for one in auxiliary] for name in self.aux_names]
        self.state_arrays = [[one[name] for one in arguments] for name in self.state_names]
        self._data_targets = [[one[item.name] for one in arguments] for item in self.data_shapes]
        self._label_targets = [[one.get(item.name) for one in arguments]
                               for item in self.label_shapes]
        self._axes = [self._axis(item) for item in self.data_shapes]
        self.input_grad_arrays = [[one.get(item.name) for one in gradients]
                                  for item in self.data_shapes]

    def reshape(self, data_shapes, label_shapes):
        """Bind to other input shapes; parameters keep their arrays."""
        if data_shapes == self.data_shapes and label_shapes == self.label_shapes:
            return
        self._bind(data_shapes, label_shapes, self.execs)

    def set_params(self, arg_params, aux_params, allow_extra=False):
        """Copy values into all executors."""
        for executor in self.execs:
            executor.copy_params_from(arg_params, aux_params, allow_extra_params=allow_extra)

    def get_params(self, arg_params, aux_params):
        """Copy values out of the executors (the mean over devices) into the dictionaries."""
        for names, arrays, target in ((self.param_names, self.param_arrays, arg_params),
                                      (self.aux_names, self.aux_arrays, aux_params)):
            for name, copies in zip(names, arrays):
                if len(copies) == 1:
                    value = copies[0]
                else:
                    total = copies[0].copy()
                    for other in copies[1:]:
                        total += other.as_in_context(total.context)
                    value = total / len(copies)
                value.astype(target[name].dtype).copyto(target[name])

    def load_data(self, arrays):
        """Copy a batch's data into the executors."""
        self._load(arrays, self._data_targets)

    def load_label(self, arrays):
        """Copy a batch's labels into the executors, where the symbol uses them."""
        self._load(arrays, self._label_targets)

    def _load(self, arrays, targets):
        for i, (source, copies) in enumerate(zip(arrays, targets)):
            if len(copies) == 1:
                target = copies[0]
                if target is not None:
                    if isinstance(source, nd.NDArray):
                        source.copyto(target)
                    else:
                        target[:] = source
                continue
            axis = self._axes[i] if targets is self._data_targets else 0
            for part, target in zip(self.slices, copies):
                if target is not None:
                    target[:] = nd.slice_axis(source, axis=axis, begin=part.start, end=part.stop)

    def forward(self, is_train):
        """Compute the outputs of what was loaded."""
        for executor in self.execs:
            executor.forward(is_train=is_train)

    def backward(self, out_grads=None):
        """Compute the gradients; `out_grads` as for `Executor.backward`."""
        if len(self.execs) == 1 or out_grads is None:
            for executor in self.execs:
                if out_grads is None:
                    executor.backward()
                else:
                    executor.backward(out_grads)
            return
        for part, executor in zip(self.slices, self.execs):
            executor.backward([one[part].as_in_context(executor.outputs[0].context)
                               for one in out_grads])

    @staticmethod
    def _merge(copies):
        if len(copies) == 1:
            return copies[0]
        return nd.concat(*[one.as_in_context(copies[0].context) for one in copies], dim=0)

    def get_outputs(self, merge):
        """The outputs: a list of arrays, or of lists with an array for each device."""
        if len(self.execs) == 1:
            outputs = self.execs[0].outputs
            return outputs if merge else [[one] for one in outputs]
        outputs = [list(copies) for copies in zip(*[one.outputs for one in self.execs])]
        return [self._merge(copies) for copies in outputs] if merge else outputs

    def get_input_grads(self, merge):
        """The inputs' gradients, in the form of `get_outputs`."""
        if any(one is None for copies in self.input_grad_arrays for one in copies):
            raise MXNetError("[Module] expected inputs_need_grad=True at bind for input gradients")
        return [self._merge(copies) for copies in self.input_grad_arrays] if merge \
            else self.input_grad_arrays

    def update_metric(self, metric, labels, pre_sliced):
        """Let a metric take in the outputs."""
        for i, executor in enumerate(self.execs):
            if pre_sliced:
                part = labels[i]
            elif len(self.execs) == 1:
                part = labels
            else:
                part = [one[self.slices[i]] for one in labels]
            metric.update_dict(dict(zip(self.label_names, part)),
                               dict(zip(self.output_names, executor.outputs)))

    def install_monitor(self, monitor):
        """Let a monitor watch every executor."""
        for executor in self.execs:
            monitor.install(executor)
