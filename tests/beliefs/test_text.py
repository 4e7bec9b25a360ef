import numpy as np
import pytest

from shadowprice.beliefs.reading._forest import grow_forest
from shadowprice.beliefs.reading._ngrams import NgramEncoder
from shadowprice.beliefs.reading._regression import Target, TextRegression

TEXTS = ["One plus two", "one plus three?", "What is 12 + 34?", "", "Ünï çödé 12", "one  plus\ttwo"]


def test_word_grams_are_words_digits_signs_and_their_pairs() -> None:
    encoder = NgramEncoder(min_questions=1).fit(["One plus 12 + b"])
    # one, plus, 1, 2, +, b and the five pairs of neighbours
    assert 11 == encoder.n_features_
    assert 0 == encoder.transform(["two minus 3"]).nnz
    assert 3 == encoder.transform(["ONE PLUS"]).nnz


def test_character_grams_are_every_run_of_characters() -> None:
    encoder = NgramEncoder("characters", 2, 3, min_questions=1).fit(["abcd"])
    assert 5 == encoder.n_features_  # ab bc cd abc bcd
    assert 3 == encoder.transform(["abc"]).nnz


def test_rows_have_length_one_and_white_space_and_case_do_not_count() -> None:
    for unit in ("words", "characters"):
        rows = NgramEncoder(unit, min_questions=1).fit(TEXTS).transform(TEXTS).toarray()
        length = np.sqrt((rows**2).sum(axis=1))
        assert pytest.approx([1, 1, 1, 0, 1, 1]) == length.tolist()
        assert rows[0].tolist() == rows[5].tolist()


def test_rare_grams_weigh_more_by_the_formula() -> None:
    encoder = NgramEncoder(longest=1, min_questions=1).fit(["a b", "a c", "a d"])
    row = np.sort(encoder.transform(["a b b"]).toarray()[0])[::-1]
    common, rare = 1.0, (np.log(4 / 2) + 1) * (1 + np.log(2))
    assert pytest.approx(rare / common) == row[0] / row[1]


def test_only_the_most_frequent_grams_of_several_questions_are_learnt() -> None:
    texts = ["a b", "a b", "a c", "d"]
    assert 2 == NgramEncoder(longest=1).fit(texts).n_features_
    first = NgramEncoder(longest=1, max_features=1).fit(texts)
    assert 1 == first.transform(["a"]).nnz
    assert 0 == first.transform(["b"]).nnz


def test_many_questions_are_encoded_as_one_by_one() -> None:
    texts = [f"{number} plus {number * 7} is what?" for number in range(700)]
    encoder = NgramEncoder("characters", 2, 5).fit(texts)
    together = encoder.transform(texts)
    assert all((together[[row]] != encoder.transform([texts[row]])).nnz == 0 for row in (0, 255, 256, 699))


def test_a_vocabulary_with_a_broken_table_is_refused_or_mended() -> None:
    encoder = NgramEncoder(min_questions=1).fit(TEXTS)
    before = encoder.transform(TEXTS).toarray()
    encoder.table_[:] = 0  # no free place: a search for an unknown word would never end
    encoder.check_sound()
    assert before.tolist() == encoder.transform(TEXTS).toarray().tolist()
    encoder.rarity_ = encoder.rarity_[:3]
    with pytest.raises(ValueError, match="vocabulary"):
        encoder.check_sound()


def test_a_forest_of_arrays_learns_and_knows_what_it_has_not_seen() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 3)).astype(np.float32)
    target = np.where(rows[:, 1] > 0, 2.0, -1.0) + 0.5 * rng.normal(size=400)
    forest, unseen = grow_forest(rows, target, np.ones(400), 60, 0)
    forest.check_sound()
    fresh = rng.normal(size=(300, 3)).astype(np.float32)
    truth = np.where(fresh[:, 1] > 0, 2.0, -1.0)
    clean = np.where(rows[:, 1] > 0, 2.0, -1.0)
    on_fresh, in_bag, out_of_bag = (
        np.corrcoef(predicted, true)[0, 1]
        for predicted, true in ((forest.predict(fresh), truth), (forest.predict(rows), clean), (unseen, clean))
    )
    assert on_fresh > 0.85
    assert pytest.approx(on_fresh, abs=0.06) == out_of_bag  # what it would say of rows that it has not seen
    assert in_bag > out_of_bag + 0.02


@pytest.mark.parametrize(("name", "value"), [("right", 0), ("right", 10**6), ("feature", 7), ("roots", -1)])
def test_a_broken_forest_is_refused(name: str, value: int) -> None:
    rng = np.random.default_rng(0)
    forest, _ = grow_forest(rng.normal(size=(50, 2)).astype(np.float32), rng.normal(size=50), np.ones(50), 3, 0)
    getattr(forest, name)[0] = value
    with pytest.raises(ValueError, match="out of order"):
        forest.check_sound()


def test_a_text_regression_predicts_one_as_it_predicts_many() -> None:
    rng = np.random.default_rng(0)
    texts = ["What is " + " plus ".join(map(str, rng.integers(0, 9, 2 + number % 7))) + "?" for number in range(300)]
    texts = sorted(set(texts))
    length = np.array([text.count("plus") for text in texts], dtype=np.float64)
    model = TextRegression(n_trees=30)
    unseen = model.fit_unseen(texts, [Target(np.arange(len(texts)), length, np.ones(len(texts)))])
    model.check_sound()
    together = model.predict(texts)
    assert np.corrcoef(together[:, 0], length)[0, 1] > 0.98
    assert np.corrcoef(unseen[:, 0], length)[0, 1] > 0.98
    assert pytest.approx(together[:5, 0]) == np.concatenate([model.predict([text]) for text in texts[:5]])[:, 0]
    assert (0, 1) == model.predict([]).shape
