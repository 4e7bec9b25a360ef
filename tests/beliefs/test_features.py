import numpy as np

from shadowprice.beliefs import SURFACE_FEATURES, SurfaceFeatures


def test_surface_features_count_what_they_say() -> None:
    (row,) = SurfaceFeatures().fit_transform(["Is 2 + 10 = $12$?\nYes, (A)."])
    named = dict(zip(SURFACE_FEATURES, row, strict=True))
    assert 27 == named["characters"]
    assert 8 == named["words"]
    assert 3 == named["numbers"]
    assert 5 == named["digits"]
    assert 2 == named["operators"]
    assert 2 == named["dollars"]
    assert 3 == named["capitals"]
    assert 1 == named["lines"]
    assert named["log largest number"] == np.log1p(12.0)


def test_odd_texts_give_finite_features() -> None:
    table = SurfaceFeatures().fit_transform(["", "9" * 500, "\n\n", "😀", "\\boxed{}"])
    assert table.shape == (5, len(SURFACE_FEATURES))
    assert np.isfinite(table).all()
    assert list(SurfaceFeatures().get_feature_names_out()) == list(SURFACE_FEATURES)


def test_surface_features_see_layout_and_what_is_asked_for() -> None:
    code = "[PYTHON]\ndef f(x):\n    for c in x:\n        x.append(c)\nassert f([1, 2, 30]) == ??\n[/PYTHON]"
    (row,) = SurfaceFeatures().fit_transform([code])
    named = dict(zip(SURFACE_FEATURES, row, strict=True))
    assert 8 == named["deepest indent"]
    assert 2 == named["most commas in a bracket"]
    assert len("assert f([1, 2, 30]) == ??") == named["closing line"]
    assert 3 == named["distinct numbers"]
    assert 1 == named["numbers from 10"]
    assert 1 == named["comparisons"]
    assert 2 == named["loops"]  # for, in
    assert 2 == named["code"]  # def, assert
    assert 1 == named["changes"]  # append


def test_what_is_beyond_twenty_thousand_characters_is_not_read() -> None:
    long = "word " * 4000
    first, second = SurfaceFeatures().fit_transform([long, long + "x" * 10_000])
    assert first.tolist() == second.tolist()
