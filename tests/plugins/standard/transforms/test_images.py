from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.standard.transforms.images import Augment

IMAGE = np.arange(20.0).reshape(1, 1, 4, 5)


def varied(transform, n=200, image=IMAGE):
    x = np.repeat(image, n, axis=0)
    transform.vary(x, np.random.default_rng(0))
    return x


def counts(x):
    images, numbers = np.unique(x.reshape(len(x), -1), axis=0, return_counts=True)
    return {tuple(row): int(count) for row, count in zip(images.tolist(), numbers, strict=True)}


@pytest.mark.parametrize(("field", "axis"), [("flip", 3), ("flip_vertically", 2)])
def test_about_half_of_the_images_are_flipped(field, axis):
    result = counts(varied(Augment(**{field: True})))
    flipped = np.flip(IMAGE, axis)
    assert set(result) == {tuple(IMAGE.ravel().tolist()), tuple(flipped.ravel().tolist())}
    assert all(70 < count < 130 for count in result.values())


def test_images_are_moved_each_way_and_their_edges_fill_what_is_free():
    expected = set()
    padded = np.pad(IMAGE[0, 0], 1, mode="edge")
    for down in range(3):
        for right in range(3):
            moved = padded[down : down + 4, right : right + 5]
            expected.add(tuple(moved.ravel().tolist()))
    result = counts(varied(Augment(shift=1), 900))
    assert set(result) == expected
    assert all(60 < count < 140 for count in result.values())


def test_all_channels_are_moved_alike():
    images = np.concatenate([IMAGE, IMAGE + 100], axis=1)
    x = varied(Augment(flip=True, flip_vertically=True, shift=2), image=images)
    assert (x[:, 1] - x[:, 0] == 100).all()


def test_it_suits_images_that_are_larger_than_the_shift():
    assert Augment(shift=3).suits(IMAGE)
    assert not Augment(shift=4).suits(IMAGE)
    assert not Augment(flip=True).suits(IMAGE[0])


def test_nothing_to_do_is_refused():
    with pytest.raises(ValueError, match="changes nothing"):
        Augment()


def test_crops_are_parts_of_the_image_scaled_to_its_size():
    ramp = np.broadcast_to(np.arange(10.0), (1, 1, 10, 10))
    x = varied(Augment(crop=0.5), image=ramp)
    steps = np.diff(x[:, 0, 0], axis=1)
    shares = steps[:, :1]
    np.testing.assert_allclose(steps, np.broadcast_to(shares, steps.shape), atol=1e-9)
    assert 0.5 <= round(float(shares.min()), 9) < 0.55
    assert 0.95 < round(float(shares.max()), 9) <= 1
    assert x.min() >= 0
    assert x.max() <= 9
    np.testing.assert_allclose(x, np.broadcast_to(x[:, :, :1], x.shape))  # as all rows are equal
