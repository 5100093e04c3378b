"""Pictures and tables of networks, and callbacks' lines."""
import logging

import gemel as mx
import pytest


def network():
    data = mx.sym.var("data")
    out = mx.sym.Convolution(data, num_filter=4, kernel=(3, 3), name="conv")
    out = mx.sym.BatchNorm(out, name="bn")
    out = mx.sym.Activation(out, act_type="relu", name="relu")
    out = mx.sym.Pooling(out, kernel=(2, 2), stride=(2, 2), pool_type="max", name="pool")
    out = mx.sym.Flatten(out, name="flat")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(out, num_hidden=10, name="fc"),
                                name="softmax")


def test_plot_network():
    source = mx.viz.plot_network(network(), shape={"data": (1, 1, 8, 8)}).source
    assert source.startswith("digraph plot {")
    assert 'conv [label="Convolution\n3x3/1, 4" fillcolor="#fb8072"' in source
    assert 'pool [label="Pooling\nmax, 2x2/2x2" fillcolor="#80b1d3"' in source
    assert 'bn -> conv [label="4x6x6" arrowtail=open dir=back]' in source
    assert "conv_weight" not in source
    assert "conv -> conv_weight" in mx.viz.plot_network(network(), hide_weights=False).source
    with pytest.raises(TypeError):
        mx.viz.plot_network(3)


def test_a_large_network_stands_in_columns():
    out = mx.sym.var("data")
    for i in range(100):
        out = mx.sym.relu(out, name=f"a_name_longer_than_its_box_{i}")
    source = mx.viz.plot_network(out, shape={"data": (1, 2)}).source
    assert source.count("constraint=false") == 3 and 'fixedsize=false' in source
    assert "constraint" not in mx.viz.plot_network(network()).source


def test_own_digraph_writes_the_same_text(tmp_path):
    from gemel.visualization import _Digraph
    graph = _Digraph("t")
    graph.node(name="a b", label="x\ny", shape="box", width="1.3")
    graph.edge(tail_name="a b", head_name="c", label="4x6", dir="back")
    assert graph.source.splitlines() == [
        "digraph t {", '\t"a b" [label="x', 'y" shape=box width=1.3]',
        '\t"a b" -> c [label="4x6" dir=back]', "}"]
    path = graph.save(str(tmp_path / "t.gv"))
    with open(path, encoding="utf-8") as stream:
        assert stream.read() == graph.source + "\n"


def test_print_summary(capsys):
    mx.viz.print_summary(network(), shape={"data": (1, 1, 8, 8)})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "_" * 120 and "Total params: 418" in lines
    assert any(line.split() == ["conv(Convolution)", "4x6x6", "40", "data"] for line in lines)
    assert any(line.split() == ["fc(FullyConnected)", "10", "370", "flat"] for line in lines)


def test_progress_bar_and_log_lines(caplog):
    caplog.set_level(logging.INFO)
    metric = mx.metric.create("acc")
    metric.update([mx.nd.array([0, 1])], [mx.nd.array([[.9, .1], [.2, .8]])])
    mx.callback.ProgressBar(10, length=20)(mx.model.BatchEndParam(0, 3, None, None))
    mx.callback.log_train_metric(2)(mx.model.BatchEndParam(1, 2, metric, None))
    mx.callback.LogValidationMetricsCallback()(mx.model.BatchEndParam(3, 1, metric, None))
    assert [record.getMessage() for record in caplog.records] == [
        "[======--------------] 30%\r", "Iter[1] Batch[2] Train-accuracy=1.000000",
        "Epoch[3] Validation-accuracy=1.000000"]


def test_speedometer_resets_what_it_showed(caplog):
    caplog.set_level(logging.INFO)
    metric = mx.metric.create("acc")
    metric.update([mx.nd.array([0, 1])], [mx.nd.array([[.9, .1], [.2, .8]])])
    meter = mx.callback.Speedometer(4, 2)
    for batch in range(3):
        meter(mx.model.BatchEndParam(1, batch, metric, None))
    message, = [record.getMessage() for record in caplog.records]
    assert message.startswith("Epoch[1] Batch [0-2]\tSpeed: ")
    assert message.endswith(" samples/sec\taccuracy=1.000000")
    assert metric.num_inst == 0 and metric.global_num_inst == 2
