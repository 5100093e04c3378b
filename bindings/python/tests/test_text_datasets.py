"""gluon.contrib.data.text on local files; loggers and the place of the library."""
import logging
import os
import re

import gemel as mx
import numpy as np
import pytest
from gemel.gluon.contrib.data import text


@pytest.mark.parametrize("kind", [text.WikiText2, text.WikiText103])
def test_wikitext(kind, tmp_path):
    (tmp_path / "wiki.train.tokens").write_text(" \n = A = \n \n the cat sat \n on the mat . \n")
    data = kind(str(tmp_path), seq_len=4)
    tokens = "= A = <eos> the cat sat <eos> on the mat . <eos>".split()
    assert len(data) == 3 and data.frequencies["the"] == 2
    names = data.vocabulary.idx_to_token
    assert names[:2] == ["<unk>", "<eos>"] and data.vocabulary.reserved_tokens == ["<eos>"]
    for row in range(3):
        sample, label = data[row]
        assert sample.dtype == label.dtype == np.int32
        assert [names[i] for i in sample.asnumpy()] == tokens[4 * row:4 * row + 4]
        assert [names[i] for i in label.asnumpy()] == tokens[4 * row + 1:4 * row + 5]
    loader = mx.gluon.data.DataLoader(data, batch_size=3)
    assert next(iter(loader))[0].shape == (3, 4)
    (tmp_path / "wiki.test.tokens").write_text("the dog\n" * 9)
    test = kind(str(tmp_path), "test", vocab=data.vocabulary, seq_len=5)
    assert test.vocabulary is data.vocabulary and len(test) == 5
    assert test[0][0].asnumpy()[1] == 0


def test_wikitext_without_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="wiki.valid.tokens"):
        text.WikiText2(str(tmp_path), "validation")
    with pytest.raises(ValueError, match="expected one of train, validation, test"):
        text.WikiText2(str(tmp_path), "dev")


def test_loggers(tmp_path):
    path = tmp_path / "log"
    logger = mx.log.get_logger("one of the tests", str(path), level=mx.log.INFO)
    assert mx.log.getLogger("one of the tests") is logger and len(logger.handlers) == 1
    logger.info("hello %s", "q")
    logger.debug("nothing")
    assert re.fullmatch(r"I\d{4} \d\d:\d\d:\d\d \d+ .*test_text_datasets.py:test_loggers:\d+\] hello q\n",
                        path.read_text())
    to_terminal = mx.log.get_logger("another of the tests").handlers[0].formatter
    record = logging.LogRecord("x", logging.WARNING, "a.py", 3, "text", (), None, func="f")
    assert re.fullmatch("\x1b\\[31mW.* a.py:f:3\\]\x1b\\[0m text", to_terminal.format(record))
    assert mx.log.get_logger() is logging.getLogger()


def test_library():
    assert all(os.path.isfile(path) for path in mx.libinfo.find_lib_path("libgemel"))
    with pytest.raises(RuntimeError, match="Cannot find the libnothing library"):
        mx.libinfo.find_lib_path("libnothing")
