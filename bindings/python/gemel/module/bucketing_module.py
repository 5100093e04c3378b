"""Modules for inputs of several lengths, with one set of parameters."""
import logging
import warnings

import numpy as np

from .. import ndarray as nd
from ..context import cpu
from ..initializer import Uniform
from ..model import load_params
from .base_module import BaseModule
from .module import Module

__all__ = ["BucketingModule"]


class BucketingModule(BaseModule):
    """One `Module` for each bucket, made when its first batch comes; they share parameters,
    optimizer and memory with the default bucket's module, which must be the largest.

    Parameters
    ----------
    sym_gen : callable
        From a bucket key to `(symbol, data_names, label_names)`.
    default_bucket_key : object
        The key of the bucket that `bind` is called for.
    logger, context, work_load_list, fixed_param_names, state_names, group2ctxs, compression_params
        As for `Module`.
    """

    def __init__(self, sym_gen, default_bucket_key=None, logger=logging, context=cpu(),
                 work_load_list=None, fixed_param_names=None, state_names=None, group2ctxs=None,
                 compression_params=None):
        super().__init__(logger=logger)
        assert default_bucket_key is not None
        self._sym_gen = sym_gen
        self._default_bucket_key = default_bucket_key
        self._options = {
            "logger": logger, "context": context, "work_load_list": work_load_list,
            "fixed_param_names": fixed_param_names, "state_names": state_names,
            "group2ctxs": group2ctxs, "compression_params": compression_params}
        self._given_params = None  # from a checkpoint, used at `bind`
        self._monitor = None
        self._make(default_bucket_key)  # wrong names raise here
        self._reset_bind()

    def _reset_bind(self):
        self.binded = False
        self._buckets = {}
        self._curr_module = None
        self._curr_bucket_key = None

    def _call_sym_gen(self, *args, **kwargs):
        return self._sym_gen(*args, **kwargs)

    def _make(self, key):
        symbol, data_names, label_names = self._call_sym_gen(key)
        return Module(symbol, data_names, label_names, **self._options)

    # ---- descriptions ----------------------------------------------------------------------

    def _current(self):
        assert self.binded
        return self._curr_module

    @property
    def data_names(self):
        if self.binded:
            return self._curr_module.data_names
        return self._call_sym_gen(self._default_bucket_key)[1]

    @property
    def output_names(self):
        if self.binded:
            return self._curr_module.output_names
        return self._call_sym_gen(self._default_bucket_key)[0].list_outputs()

    @property
    def data_shapes(self):
        return self._current().data_shapes

    @property
    def label_shapes(self):
        return self._current().label_shapes

    @property
    def output_shapes(self):
        return self._current().output_shapes

    @property
    def symbol(self):
        """The network of the current bucket."""
        return self._current().symbol

    # ---- binding ---------------------------------------------------------------------------

    def bind(self, data_shapes, label_shapes=None, for_training=True, inputs_need_grad=False,
             force_rebind=False, shared_module=None, grad_req="write"):
        """Bind the default bucket's module; see `Module.bind`. `shared_module` must be None."""
        assert shared_module is None, "shared_module for BucketingModule is not supported"
        kept = self.get_params() if self.params_initialized and self.binded else None
        if force_rebind:
            self._reset_bind()
        if self.binded:
            self.logger.warning("Already bound, ignoring bind()")
            return
        self.for_training = for_training
        self.inputs_need_grad = inputs_need_grad
        self._grad_req = grad_req
        module = self._make(self._default_bucket_key)
        module.bind(data_shapes, label_shapes, for_training, inputs_need_grad, grad_req=grad_req)
        self.binded = True
        self._add(self._default_bucket_key, module)
        self._curr_module, self._curr_bucket_key = module, self._default_bucket_key
        kept = kept or self._given_params
        if kept is not None:
            self.set_params(*kept)

    def _add(self, key, module):
        self._buckets[key] = module
        if self._monitor is not None:
            module.install_monitor(self._monitor)

    def switch_bucket(self, bucket_key, data_shapes, label_shapes=None):
        """Make a bucket's module the current one.

        Parameters
        ----------
        bucket_key : object
        data_shapes, label_shapes : list of DataDesc or of (name, shape)
            Used where the bucket's module is made now.
        """
        assert self.binded, "call bind before switching bucket"
        default = self._buckets[self._default_bucket_key]
        if bucket_key not in self._buckets:
            module = self._make(bucket_key)
            if self._curr_module._params_dirty:
                self._curr_module._sync_params_from_devices()
            module.bind(data_shapes, label_shapes, self.for_training, self.inputs_need_grad,
                        shared_module=default, grad_req=self._grad_req)
            self._add(bucket_key, module)
        self._curr_module, self._curr_bucket_key = self._buckets[bucket_key], bucket_key

    def prepare(self, data_batch, sparse_row_id_fn=None):
        """Make the module of the batch's bucket, without switching to it."""
        assert self.binded and self.params_initialized
        before = self._curr_bucket_key
        self._switch_to(data_batch)
        self._curr_module.prepare(data_batch, sparse_row_id_fn)
        self._curr_module, self._curr_bucket_key = self._buckets[before], before

    def _switch_to(self, data_batch):
        key = data_batch.bucket_key
        if key is None:
            key = self._default_bucket_key
        self.switch_bucket(key, data_batch.provide_data, data_batch.provide_label)

    # ---- parameters ------------------------------------------------------------------------

    def get_params(self):
        assert self.params_initialized
        if not self.binded:
            return self._given_params
        default = self._buckets[self._default_bucket_key]
        if any(module._params_dirty for module in self._buckets.values()):
            # The buckets' executors share the arrays, so the default's hold every update.
            default._params_dirty = True
            for module in self._buckets.values():
                if module is not default:
                    module._params_dirty = False
        return default.get_params()

    def init_params(self, initializer=Uniform(0.01), arg_params=None, aux_params=None,
                    allow_missing=False, force_init=False, allow_extra=False):
        """Give the parameters their first values; see `Module.init_params`."""
        if self.params_initialized and not force_init:
            return
        assert self.binded, "call bind before initializing the parameters"
        self._buckets[self._default_bucket_key].init_params(
            initializer=initializer, arg_params=arg_params, aux_params=aux_params,
            allow_missing=allow_missing, force_init=force_init, allow_extra=allow_extra)
        self._clear_dirty()
        self.params_initialized = True

    def set_params(self, arg_params, aux_params, allow_missing=False, force_init=True,
                   allow_extra=False):
        if self.params_initialized and not force_init:
            warnings.warn("Parameters already initialized and force_init=False. "
                          "set_params call ignored.", stacklevel=2)
            return
        if not self.binded:
            self._given_params = arg_params, aux_params
        else:
            self._buckets[self._default_bucket_key].set_params(
                arg_params, aux_params, allow_missing=allow_missing, force_init=force_init,
                allow_extra=allow_extra)
            if not allow_missing:
                self._clear_dirty()
        self.params_initialized = True

    def _clear_dirty(self):
        for module in self._buckets.values():
            module._params_dirty = False
            module.params_initialized = True

    def get_states(self, merge_multi_context=True):
        assert self.binded and self.params_initialized
        return self._curr_module.get_states(merge_multi_context=merge_multi_context)

    def set_states(self, states=None, value=None):
        assert self.binded and self.params_initialized
        self._curr_module.set_states(states, value)

    # ---- training --------------------------------------------------------------------------

    def init_optimizer(self, kvstore="local", optimizer="sgd",
                       optimizer_params=(("learning_rate", 0.01),), force_init=False):
        assert self.binded and self.params_initialized
        if self.optimizer_initialized and not force_init:
            self.logger.warning("optimizer already initialized, ignoring.")
            return
        # The default module's, so that it stays when the current bucket goes.
        default = self._buckets[self._default_bucket_key]
        default.init_optimizer(kvstore, optimizer, optimizer_params, force_init=force_init)
        for module in self._buckets.values():
            if module is not default:
                module.borrow_optimizer(default)
        self.optimizer_initialized = True

    def forward(self, data_batch, is_train=None):
        """Compute the outputs with the module of the batch's bucket."""
        assert self.binded and self.params_initialized
        self._switch_to(data_batch)
        self._curr_module.forward(data_batch, is_train=is_train)

    def backward(self, out_grads=None):
        assert self.binded and self.params_initialized
        self._curr_module.backward(out_grads=out_grads)

    def update(self):
        assert self.binded and self.params_initialized and self.optimizer_initialized
        self._curr_module.update()

    def get_outputs(self, merge_multi_context=True):
        assert self.binded and self.params_initialized
        return self._curr_module.get_outputs(merge_multi_context=merge_multi_context)

    def get_input_grads(self, merge_multi_context=True):
        assert self.binded and self.params_initialized and self.inputs_need_grad
        return self._curr_module.get_input_grads(merge_multi_context=merge_multi_context)

    def update_metric(self, eval_metric, labels, pre_sliced=False):
        assert self.binded and self.params_initialized
        self._curr_module.update_metric(eval_metric, labels, pre_sliced)

    def install_monitor(self, mon):
        """Watch the executors of all buckets, also of those to come."""
        assert self.binded
        self._monitor = mon
        for module in self._buckets.values():
            module.install_monitor(mon)

    # ---- checkpoints -----------------------------------------------------------------------

    def save_checkpoint(self, prefix, epoch, remove_amp_cast=False):
        """Write `prefix-KEY-symbol.json` for every bucket, `prefix.buckets` with their keys (where
        these are numbers), and `prefix-NNNN.params`."""
        assert self._buckets, "Empty BucketingModule cannot be saved"
        for key, module in self._buckets.items():
            module.symbol.save(f"{prefix}-{key}-symbol.json", remove_amp_cast=remove_amp_cast)
        try:
            keys = np.array(list(self._buckets), dtype=np.int32)
        except (TypeError, ValueError):
            keys = None  # the file can hold numbers only
        if keys is not None:
            nd.save(f"{prefix}.buckets", nd.array(keys, dtype=np.int32))
        self.save_params(f"{prefix}-{epoch:04d}.params")
        self.logger.info('Saved checkpoint to "%s-%04d.params"', prefix, epoch)

    @staticmethod
    def load(prefix, epoch, sym_gen=None, default_bucket_key=None, **kwargs):
        """Make a module from a checkpoint; `kwargs` as for the constructor."""
        assert sym_gen is not None, "sym_gen is required for loading BucketingModule"
        assert default_bucket_key is not None, \
            "default_bucket_key is required for loading BucketingModule"
        arg_params, aux_params = load_params(prefix, epoch)
        return BucketingModule.load_dict(sym_gen=sym_gen, default_bucket_key=default_bucket_key,
                                         arg_params=arg_params, aux_params=aux_params, **kwargs)

    @staticmethod
    def load_dict(sym_dict=None, sym_gen=None, default_bucket_key=None, arg_params=None,
                  aux_params=None, **kwargs):
        """Make a module with these parameters.

        Parameters
        ----------
        sym_dict : dict of bucket key to Symbol, optional
            Not used where `sym_gen` makes every bucket's symbol.
        sym_gen, default_bucket_key
            As for the constructor.
        arg_params, aux_params : dict of str to NDArray
        """
        assert sym_gen is not None, "sym_gen is required for loading BucketingModule"
        assert default_bucket_key is not None, \
            "default_bucket_key is required for loading BucketingModule"
        module = BucketingModule(sym_gen, default_bucket_key, **kwargs)
        module._given_params = arg_params or {}, aux_params or {}
        module.params_initialized = True
        return module
