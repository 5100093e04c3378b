"""contrib.text: vocabularies and embeddings as in MXNet 1.9.1."""
import collections

import gemel as mx
import numpy as np
import pytest
from gemel.contrib import text

COUNTS = collections.Counter({"b": 3, "a": 3, "c": 2, "d": 1, "e": 1})


@pytest.mark.parametrize("arguments, tokens", [
    ({}, ["<unk>", "a", "b", "c", "d", "e"]), ({"most_freq_count": 2}, ["<unk>", "a", "b"]),
    ({"min_freq": 2}, ["<unk>", "a", "b", "c"]), ({"most_freq_count": 0}, ["<unk>"]),
    ({"most_freq_count": 3, "reserved_tokens": ["<p>", "a"]},
     ["<unk>", "<p>", "a", "b", "c", "d"]),
    ({"unknown_token": "c"}, ["c", "a", "b", "d", "e"])])
def test_vocabulary(arguments, tokens):
    vocabulary = text.vocab.Vocabulary(COUNTS, **arguments)
    assert vocabulary.idx_to_token == tokens and len(vocabulary) == len(tokens)
    assert vocabulary.token_to_idx == {token: i for i, token in enumerate(tokens)}
    assert vocabulary.reserved_tokens == arguments.get("reserved_tokens")


@pytest.mark.parametrize("arguments, message", [
    ({"min_freq": 0}, "positive"), ({"reserved_tokens": ["<unk>"]}, "cannot contain `unknown_token`"),
    ({"reserved_tokens": ["x", "x"]}, "duplicate"), ({"counter": ["a"]}, "instance of collections")])
def test_wrong_vocabulary(arguments, message):
    with pytest.raises(AssertionError, match=message):
        text.vocab.Vocabulary(**arguments)


def test_numbers_of_tokens():
    vocabulary = text.vocab.Vocabulary(COUNTS)
    assert vocabulary.to_indices("a") == 1 and vocabulary.to_indices(["c", "zz"]) == [3, 0]
    assert vocabulary.to_tokens(1) == "a" and vocabulary.to_tokens([0, 2]) == ["<unk>", "b"]
    for wrong in (99, [1, -1], "a"):
        with pytest.raises(ValueError, match="is invalid"):
            vocabulary.to_tokens(wrong)


def test_counts():
    count = text.utils.count_tokens_from_str
    assert count(" Life is great ! \n life is good . \n", to_lower=True) == {
        "!": 1, ".": 1, "good": 1, "great": 1, "is": 2, "life": 2}
    assert count("*Life*is*\n", token_delim=r"\*") == {"Life": 1, "is": 1}
    counter = collections.Counter({"is": 4})
    assert count("is a", counter_to_update=counter) is counter and counter == {"is": 5, "a": 1}


@pytest.fixture
def vectors(tmp_path):
    path = tmp_path / "vectors"
    path.write_text("4 3\na 0.5 1 2\nA 1 2 3\nq 4 5 6\n")
    with pytest.warns(UserWarning, match="likely a header"):
        return text.embedding.CustomEmbedding(str(path))


def test_custom_embedding(vectors):
    assert vectors.idx_to_token == ["<unk>", "a", "A", "q"] and vectors.vec_len == 3
    assert vectors.idx_to_vec.asnumpy().tolist() == [[0] * 3, [.5, 1, 2], [1, 2, 3], [4, 5, 6]]
    assert vectors.get_vecs_by_tokens("a").asnumpy().tolist() == [.5, 1, 2]
    assert vectors.get_vecs_by_tokens(["Q", "zz"]).asnumpy().tolist() == [[0] * 3] * 2
    found = vectors.get_vecs_by_tokens(["Q", "A"], lower_case_backup=True)
    assert found.asnumpy().tolist() == [[4, 5, 6], [1, 2, 3]]


def test_new_vectors(vectors):
    vectors.update_token_vectors(["a", "<unk>"], mx.nd.array([[7, 7, 7], [8, 8, 8]]))
    vectors.update_token_vectors("q", mx.nd.array([9, 9, 9]))
    assert vectors.idx_to_vec.asnumpy()[:, 0].tolist() == [8, 7, 1, 9]
    with pytest.raises(ValueError, match="Token zz is unknown"):
        vectors.update_token_vectors("zz", mx.nd.zeros(3))
    for tokens, wrong in (("a", mx.nd.zeros(2)), (["a", "q"], mx.nd.zeros(3)), ("a", [1, 2, 3])):
        with pytest.raises(AssertionError, match="new_vectors"):
            vectors.update_token_vectors(tokens, wrong)


def test_files(tmp_path):
    path = tmp_path / "v"
    path.write_text("<unk> 9 9\na,1 1 2\n".replace(",1", ""))
    kept = text.embedding.CustomEmbedding(str(path), vocabulary=text.vocab.Vocabulary(COUNTS))
    assert kept.idx_to_token[1] == "a"
    np.testing.assert_array_equal(kept.idx_to_vec.asnumpy()[:3], [[9, 9], [1, 2], [9, 9]])
    path.write_text("a 1 2\na 3 4\n")
    with pytest.warns(UserWarning, match="duplicate"):
        text.embedding.CustomEmbedding(str(path), init_unknown_vec=mx.nd.ones)
    path.write_text("a 1 2\nb 1 2 3\n")
    with pytest.raises(AssertionError, match="At line 2 .* token b is 3"):
        text.embedding.CustomEmbedding(str(path))
    with pytest.raises(ValueError, match="must be a valid path"):
        text.embedding.CustomEmbedding(str(tmp_path / "none"))


def test_composite(vectors):
    vocabulary = text.vocab.Vocabulary(COUNTS)
    both = text.embedding.CompositeEmbedding(vocabulary, [vectors, vectors])
    assert both.vec_len == 6 and both.idx_to_token == vocabulary.idx_to_token
    assert both.idx_to_vec.asnumpy()[1].tolist() == [.5, 1, 2] * 2


def test_known_files(tmp_path):
    names = text.embedding.get_pretrained_file_names
    assert sorted(names()) == ["fasttext", "glove"]
    assert len(names("glove")) == 10 and len(names("fasttext")) == 327
    with pytest.raises(KeyError, match="Cannot find `embedding_name` x"):
        names("x")
    with pytest.raises(KeyError, match="Cannot find pretrained file x"):
        text.embedding.create("glove", pretrained_file_name="x")
    given = {"pretrained_file_name": "glove.6B.50d.txt", "embedding_root": str(tmp_path)}
    with pytest.raises(FileNotFoundError, match="download it there"):
        text.embedding.create("GloVe", **given)
    (tmp_path / "glove").mkdir()
    (tmp_path / "glove/glove.6B.50d.txt").write_text("a 1 2\n")
    assert text.embedding.create("glove", **given).vec_len == 2


def test_own_kind():
    @text.embedding.register
    class Mine(text.embedding._TokenEmbedding):
        pass
    assert isinstance(text.embedding.create("mine"), Mine)
