"""Networks that several workloads use; `mx` is gemel or mxnet."""

PERCEPTRON = (128, 64, 10)


def perceptron(mx):
    """784-128-64-10 with relu, and its loss."""
    net = mx.sym.Variable("data")
    for i, units in enumerate(PERCEPTRON):
        net = mx.sym.FullyConnected(net, num_hidden=units, name=f"fc{i + 1}")
        if units != PERCEPTRON[-1]:
            net = mx.sym.Activation(net, act_type="relu", name=f"relu{i + 1}")
    return mx.sym.SoftmaxOutput(net, name="softmax")


def lenet(mx):
    """LeNet for 28x28 images, and its loss."""
    net = mx.sym.Variable("data")
    for i, filters in enumerate((20, 50)):
        net = mx.sym.Convolution(net, kernel=(5, 5), num_filter=filters, name=f"conv{i + 1}")
        net = mx.sym.Activation(net, act_type="tanh", name=f"tanh{i + 1}")
        net = mx.sym.Pooling(net, pool_type="max", kernel=(2, 2), stride=(2, 2), name=f"pool{i + 1}")
    net = mx.sym.FullyConnected(mx.sym.Flatten(net), num_hidden=500, name="fc1")
    net = mx.sym.Activation(net, act_type="tanh", name="tanh3")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc2"), name="softmax")


def bound_perceptron(mx, batch):
    """The bound network with values in place, and its (weight, gradient) pairs."""
    net = perceptron(mx)
    request = {name: "null" if name in ("data", "softmax_label") else "write" for name in net.list_arguments()}
    executor = net.simple_bind(mx.cpu(), grad_req=request, data=(batch, 784))
    for name, array in executor.arg_dict.items():
        array[:] = 3 if name == "softmax_label" else mx.nd.random.uniform(-0.05, 0.05, shape=array.shape)
    pairs = [(executor.arg_dict[name], executor.grad_dict[name]) for name in net.list_arguments()
             if request[name] == "write"]
    mx.nd.waitall()
    return executor, pairs


def step_of(executor):
    """Forward and backward as one call where there is one."""
    def two_calls():
        executor.forward(is_train=True)
        executor.backward()
    return getattr(executor, "forward_backward", two_calls)


# Large batches: 1.9.1 tells its plan in whole MB.
MEMORY_CASES = {"LeNet, inference": (lenet, (512, 1, 28, 28), False),
                "LeNet, training": (lenet, (512, 1, 28, 28), True),
                "perceptron, inference": (perceptron, (65536, 784), False),
                "perceptron, training": (perceptron, (65536, 784), True)}


def memory_executor(mx, name):
    """The executor of one memory case."""
    make, shape, training = MEMORY_CASES[name]
    net = make(mx)
    request = {one: "write" if training and one not in ("data", "softmax_label") else "null"
               for one in net.list_arguments()}
    return net.simple_bind(mx.cpu(), grad_req=request, data=shape)
