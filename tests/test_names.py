import pytest
from hypothesis import given
from hypothesis import strategies as st

from clef_rt.errors import ConfigError
from clef_rt.names import check_camera, labels_hash

names = st.lists(st.text(min_size=1).filter(lambda name: "\n" not in name), max_size=4)


def test_the_hash_is_the_documented_one() -> None:
    # printf 'AU01\nAU02\n\nneutral\n\n\n' | sha256sum
    assert labels_hash(["AU01", "AU02"], ["neutral"]) == "1f5e7319"


@given(left=st.tuples(names, names, names), right=st.tuples(names, names, names))
def test_other_names_another_order_or_another_group_give_another_hash(
    left: tuple[list[str], ...], right: tuple[list[str], ...]
) -> None:
    assert (labels_hash(*left) == labels_hash(*right)) == (left == right)


@pytest.mark.parametrize("name", ["door", "0", "cam_1-b", "x" * 64])
def test_plain_names_will_do_for_a_camera(name: str) -> None:
    assert check_camera(name) == name


@pytest.mark.parametrize("name", ["", "Door", "a.b", "a/b", "a b", "tür", "door\n", "x" * 65])
def test_names_that_would_break_a_topic_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="camera's name"):
        check_camera(name)
