"""Modules one after the other, the outputs of each being the data of the next."""
import logging

from ..initializer import Uniform
from ..io import DataBatch, DataDesc
from .base_module import BaseModule

__all__ = ["SequentialModule"]


class SequentialModule(BaseModule):
    """A chain of modules; `add` them, then use the chain like one module."""

    META_TAKE_LABELS = "take_labels"
    META_AUTO_WIRING = "auto_wiring"

    def __init__(self, logger=logging):
        super().__init__(logger=logger)
        self._modules = []
        self._metas = []
        self._label_shapes = None
        self._data_shapes = None

    def add(self, module, **kwargs):
        """Add a module at the end; returns this module, so that calls can be chained.

        Parameters
        ----------
        module : BaseModule
        take_labels : bool
            Whether it is given the labels of the batch.
        auto_wiring : bool
            Whether its data takes the previous outputs by position, whatever their names.

        Another keyword raises `AssertionError`.
        """
        for key in kwargs:
            assert key in (self.META_TAKE_LABELS, self.META_AUTO_WIRING), \
                f'Unknown meta "{key}", a typo?'
        self._modules.append(module)
        self._metas.append(kwargs)
        self.binded = False
        self.params_initialized = False
        self.optimizer_initialized = False
        return self

    # ---- descriptions ----------------------------------------------------------------------

    @property
    def data_names(self):
        return self._modules[0].data_names if self._modules else []

    @property
    def output_names(self):
        return self._modules[-1].output_names if self._modules else []

    @property
    def data_shapes(self):
        assert self.binded
        return self._modules[0].data_shapes

    @property
    def label_shapes(self):
        """Descriptions of the labels; None where no module takes them."""
        assert self.binded
        return self._label_shapes

    @property
    def output_shapes(self):
        assert self.binded
        return self._modules[-1].output_shapes

    # ---- binding and parameters ------------------------------------------------------------

    def bind(self, data_shapes, label_shapes=None, for_training=True, inputs_need_grad=False,
             force_rebind=False, shared_module=None, grad_req="write"):
        """Bind all modules; see `Module.bind`. `shared_module` must be None."""
        if self.binded and not force_rebind:
            self.logger.warning("Already bound, ignoring bind()")
            return
        if inputs_need_grad:
            assert for_training
        assert shared_module is None, "Shared module is not supported"
        assert self._modules, "Attempting to bind an empty SequentialModule"
        self.for_training = for_training
        self.inputs_need_grad = inputs_need_grad
        shapes, takes_labels = data_shapes, False
        for i, (meta, module) in enumerate(zip(self._metas, self._modules)):
            labels = label_shapes if meta.get(self.META_TAKE_LABELS) else None
            takes_labels = takes_labels or bool(meta.get(self.META_TAKE_LABELS))
            if meta.get(self.META_AUTO_WIRING):
                names = module.data_names
                assert len(names) == len(shapes)
                shapes = [DataDesc(name, item[1]) for name, item in zip(names, shapes)]
            module.bind(shapes, labels, for_training,
                        bool(inputs_need_grad or (for_training and i > 0)), force_rebind,
                        grad_req=grad_req)
            shapes = module.output_shapes
        self._label_shapes = label_shapes if takes_labels else None
        self.binded = True

    def get_params(self):
        assert self.binded and self.params_initialized
        arg_params, aux_params = {}, {}
        for module in self._modules:
            args, auxs = module.get_params()
            arg_params.update(args)
            aux_params.update(auxs)
        return arg_params, aux_params

    def init_params(self, initializer=Uniform(0.01), arg_params=None, aux_params=None,
                    allow_missing=False, force_init=False, allow_extra=False):
        """Give the parameters of all modules their first values; see `Module.init_params`.

        A parameter name that two modules have raises `AssertionError`.
        """
        if self.params_initialized and not force_init:
            return
        assert self.binded, "call bind before initializing the parameters"
        for module in self._modules:
            # Given dictionaries hold the parameters of the whole chain.
            module.init_params(initializer=initializer, arg_params=arg_params,
                               aux_params=aux_params, allow_missing=allow_missing,
                               force_init=force_init, allow_extra=True)
        owners = ({}, {})
        for i, module in enumerate(self._modules):
            for kind, names in zip(owners, module.get_params()):
                for name in names:
                    assert name not in kind, (
                        f"Duplicated parameter names: name \"{name}\" in layer {i} "
                        f"({type(module)}) is already used in layer {kind[name]} "
                        f"({type(self._modules[kind[name]])}).")
                    kind[name] = i
        if not allow_extra:
            for given, known in zip((arg_params, aux_params), owners):
                extra = sorted(set(given or ()) - set(known))
                if extra:
                    raise ValueError(f"Find name \"{extra[0]}\" that is not in the arguments")
        self.params_initialized = True

    def init_optimizer(self, kvstore="local", optimizer="sgd",
                       optimizer_params=(("learning_rate", 0.01),), force_init=False):
        assert self.binded and self.params_initialized
        if self.optimizer_initialized and not force_init:
            self.logger.warning("optimizer already initialized, ignoring.")
            return
        for module in self._modules:
            module.init_optimizer(kvstore=kvstore, optimizer=optimizer,
                                  optimizer_params=optimizer_params, force_init=force_init)
        self.optimizer_initialized = True

    # ---- computation -----------------------------------------------------------------------

    def forward(self, data_batch, is_train=None):
        assert self.binded and self.params_initialized
        batch = DataBatch(data_batch.data, data_batch.label, data_batch.pad, data_batch.index,
                          provide_data=data_batch.provide_data,
                          provide_label=data_batch.provide_label)
        for module in self._modules:
            module.forward(batch, is_train=is_train)
            if module is self._modules[-1]:
                break
            batch.data = module.get_outputs()
            if batch.provide_data is not None:
                names = [item[0] for item in module.output_shapes]
                batch.provide_data = [DataDesc(name, array.shape)
                                      for name, array in zip(names, batch.data)]

    def backward(self, out_grads=None):
        assert self.binded and self.params_initialized
        for module in reversed(self._modules):
            module.backward(out_grads=out_grads)
            if module is self._modules[0]:
                break
            out_grads = module.get_input_grads()

    def update(self):
        assert self.binded and self.params_initialized and self.optimizer_initialized
        for module in self._modules:
            module.update()

    def get_outputs(self, merge_multi_context=True):
        assert self.binded and self.params_initialized
        return self._modules[-1].get_outputs(merge_multi_context=merge_multi_context)

    def get_input_grads(self, merge_multi_context=True):
        assert self.binded and self.params_initialized and self.inputs_need_grad
        return self._modules[0].get_input_grads(merge_multi_context=merge_multi_context)

    def update_metric(self, eval_metric, labels, pre_sliced=False):
        assert self.binded and self.params_initialized
        for meta, module in zip(self._metas, self._modules):
            if meta.get(self.META_TAKE_LABELS):
                module.update_metric(eval_metric, labels, pre_sliced)

    def install_monitor(self, mon):
        """Watch the executors of all modules."""
        assert self.binded
        for module in self._modules:
            module.install_monitor(mon)
