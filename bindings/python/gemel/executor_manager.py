"""Executors on several devices, the batch divided among them: what programs used before `mx.mod.Module`."""
import logging

from .context import cpu
from .io import DataDesc
from .module.executor_group import split_batch as _split_input_slice

__all__ = ["DataParallelExecutorGroup", "DataParallelExecutorManager"]


def _check_arguments(symbol):
    """Raise `ValueError` if two arguments, or two auxiliary states, of a symbol have one name."""
    arguments, states = symbol.list_arguments(), symbol.list_auxiliary_states()
    for kind, names in (("argument", arguments), ("auxiliary param", states)):
        for name in names:
            if names.count(name) > 1:
                listed = f"arguments are {arguments}" + ("" if kind == "argument" else
                                                         f", auxiliary params are {states}")
                raise ValueError(f'Find duplicated {kind} name "{name}", please make the weight name '
                                 f"non-duplicated(using name arguments), {listed}")


def _load_general(data, targets):
    """Copy each array of `data` into its targets: an array, or (slice of the batch, array) by device."""
    for source, target in zip(data, targets):
        if not isinstance(target, list):
            source.copyto(target)
            continue
        assert target[-1][0].stop == source.shape[0], \
            f"Batch size miss match. Expected {target[-1][0].stop}, got {source.shape[0]}"
        for part, array in target:
            source[part].copyto(array)


def _load_data(batch, targets):
    """Copy the data of a batch into the slices' arrays."""
    _load_general(batch.data, targets)


def _load_label(batch, targets):
    """Copy the labels of a batch into the slices' arrays."""
    _load_general(batch.label, targets)


def _bind_exec(sym, ctx, input_shapes, param_names, need_grad=False, base_exec=None,
               shared_data_arrays=None, input_types=None, logger=logging):
    """An executor; `need_grad`: true for gradients of all parameters, or their names. `base_exec` shares its
    parameters, gradients and states; `shared_data_arrays` is where inputs are kept for the next one."""
    assert need_grad in (True, False) or isinstance(need_grad, set)
    wanted = set(param_names) if need_grad is True else need_grad or set()
    requests = {name: "write" if name in wanted else "null" for name in sym.list_arguments()}
    return sym.simple_bind(ctx, grad_req=requests, type_dict=input_types, shared_arg_names=list(param_names),
                           shared_exec=base_exec, shared_buffer=shared_data_arrays, **input_shapes)


class DataParallelExecutorGroup:
    """Executors of one symbol on several devices, each with a slice of the batch.

    Parameters
    ----------
    sym : Symbol
    arg_names, param_names : list of str
        `sym.list_arguments()`, and those of them that are trained.
    ctx : list of Context
    slices : list of slice
        The part of a batch for each device.
    train_data : DataIter or DataBatch
        Whose `provide_data` and `provide_label` give names and shapes.
    shared_group : DataParallelExecutorGroup, optional
        Whose parameters, gradients, states and memory are used.
    """

    def __init__(self, sym, arg_names, param_names, ctx, slices, train_data, shared_group=None):
        _check_arguments(sym)
        self.data_names = [item[0] for item in train_data.provide_data]
        self.label_names = [item[0] for item in train_data.provide_label]
        self.aux_names = sym.list_auxiliary_states()
        self.param_idx = [i for i, name in enumerate(arg_names) if name in param_names]
        self.param_names = [arg_names[i] for i in self.param_idx]
        self.slices = slices
        self.shared_data_arrays = ([{} for _ in ctx] if shared_group is None
                                   else shared_group.shared_data_arrays)
        inputs = [item if isinstance(item, DataDesc) else DataDesc(*item)
                  for item in [*train_data.provide_data, *train_data.provide_label]]
        self.train_execs = []
        for i, (context, part) in enumerate(zip(ctx, slices)):
            self.train_execs.append(_bind_exec(
                sym, context, {item.name: (part.stop - part.start, *item.shape[1:]) for item in inputs},
                self.param_names, need_grad=True,
                base_exec=None if shared_group is None else shared_group.train_execs[i],
                shared_data_arrays=self.shared_data_arrays[i],
                input_types={item.name: item.dtype for item in inputs}))
        self.data_arrays, self.label_arrays = (
            [[(part, executor.arg_dict[name]) for part, executor in zip(slices, self.train_execs)]
             for name in names] for names in (self.data_names, self.label_names))
        self.param_arrays, self.grad_arrays, self.aux_arrays = (
            [[getattr(executor, kind)[name] for executor in self.train_execs] for name in names]
            for kind, names in (("arg_dict", self.param_names), ("grad_dict", self.param_names),
                                ("aux_dict", self.aux_names)))

    def load_data_batch(self, data_batch):
        """Copy the data and labels of a batch to the devices."""
        _load_data(data_batch, self.data_arrays)
        _load_label(data_batch, self.label_arrays)

    def forward(self, is_train=False):
        """Compute the outputs of what was loaded."""
        for executor in self.train_execs:
            executor.forward(is_train=is_train)

    def backward(self):
        """Compute the gradients of the parameters."""
        for executor in self.train_execs:
            executor.backward()

    def update_metric(self, metric, labels, pre_sliced=False):
        """Let a metric take in the outputs; `pre_sliced`: `labels` is a list of lists, by device."""
        for i, (part, executor) in enumerate(zip(self.slices, self.train_execs)):
            metric.update(labels[i] if pre_sliced else [label[part] for label in labels], executor.outputs)


class DataParallelExecutorManager:
    """Executors on several devices, with parameters to set and to copy out, and groups for buckets.

    Parameters
    ----------
    symbol : Symbol
    ctx : list of Context
    train_data : DataIter
    arg_names, param_names, aux_names : list of str
        All arguments, those that are trained, and the auxiliary states.
    work_load_list : list of number, optional
        The share of a batch that each context gets; equal ones by default.
    logger : Logger, optional
    sym_gen : function of a bucket's key, optional
        Gives the symbol of the batches that have another `bucket_key` than `train_data.default_bucket_key`.
    """

    def __init__(self, symbol, ctx, train_data, arg_names, param_names, aux_names, work_load_list=None,
                 logger=None, sym_gen=None):
        (logging if logger is None else logger).info("Start training with %s", ctx)
        work_loads = [1] * len(ctx) if work_load_list is None else work_load_list
        assert isinstance(work_loads, list) and len(work_loads) == len(ctx), "Invalid settings for work load."
        self.slices = _split_input_slice(train_data.batch_size, work_loads)
        self.arg_names, self.param_names, self.aux_names = arg_names, param_names, aux_names
        self.ctx, self.symbol, self.sym_gen = ctx, symbol, sym_gen
        self.execgrp = DataParallelExecutorGroup(symbol, arg_names, param_names, ctx, self.slices, train_data)
        self.curr_execgrp = None  # the group of the last batch
        if sym_gen is not None:
            self.execgrp_bucket = {train_data.default_bucket_key: self.execgrp}

    def install_monitor(self, monitor):
        """Let a monitor watch all executors; not with buckets."""
        if self.sym_gen is not None:
            raise NotImplementedError("Monitoring is not implemented for bucketing")
        for executor in self.execgrp.train_execs:
            monitor.install(executor)

    def set_params(self, arg_params, aux_params):
        """Copy values, dicts by name, into all executors."""
        for executor in self.execgrp.train_execs:
            executor.copy_params_from(arg_params, aux_params)

    def copy_to(self, arg_params, aux_params):
        """Copy the values, the mean over devices, into the arrays of these dicts."""
        for names, arrays, targets in ((self.param_names, self.param_arrays, arg_params),
                                       (self.aux_names, self.aux_arrays, aux_params)):
            for name, copies in zip(names, arrays):
                mean = sum(copy.copyto(cpu()) for copy in copies) / len(copies)
                mean.astype(targets[name].dtype).copyto(targets[name])

    @property
    def param_arrays(self):
        """The parameters: a list by device for each."""
        return self.execgrp.param_arrays

    @property
    def grad_arrays(self):
        """The gradients of the parameters: a list by device for each."""
        return self.execgrp.grad_arrays

    @property
    def aux_arrays(self):
        """The auxiliary states: a list by device for each."""
        return self.execgrp.aux_arrays

    def load_data_batch(self, data_batch):
        """Copy a batch to the devices; with `sym_gen`, to the executors of its bucket."""
        self.curr_execgrp = self.execgrp
        if self.sym_gen is not None:
            key = data_batch.bucket_key
            if key not in self.execgrp_bucket:
                self.execgrp_bucket[key] = DataParallelExecutorGroup(
                    self.sym_gen(key), self.arg_names, self.param_names, self.ctx, self.slices, data_batch,
                    shared_group=self.execgrp)
            self.curr_execgrp = self.execgrp_bucket[key]
        self.curr_execgrp.load_data_batch(data_batch)

    def forward(self, is_train=False):
        """Compute the outputs of the batch that was loaded."""
        self.curr_execgrp.forward(is_train=is_train)

    def backward(self):
        """Compute the gradients of the batch that was loaded."""
        self.curr_execgrp.backward()

    def update_metric(self, metric, labels, pre_sliced=False):
        """Let a metric take in the outputs of the batch that was loaded."""
        self.curr_execgrp.update_metric(metric, labels, pre_sliced)
