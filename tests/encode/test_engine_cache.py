"""Kept engines: found by all they depend on, refused where damaged or distrusted, and never in the way."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clef_rt.encode.batches import Profile
from clef_rt.encode.engine_cache import LEFTOVER_S, EngineCache, load_or_build
from clef_rt.encode.engine_file import MARK
from clef_rt.encode.engine_key import Key, engine_key, timing_key
from clef_rt.encode.gpu import Gpu
from clef_rt.errors import EncoderError

GPU = Gpu("NVIDIA Something", (9, 0), (13, 0))
CROP = (80, 80, 1)
ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="rights are POSIX's")


def key(
    model: bytes = b"graph",
    *,
    precision: str = "fp16",
    profile: Profile = Profile(),  # noqa: B008 - it is frozen
    gpu: Gpu = GPU,
    tensorrt: str = "11.4.0",
    crop: tuple[int, int, int] = CROP,
) -> Key:
    return engine_key(model, precision=precision, profile=profile, gpu=gpu, tensorrt=tensorrt, crop=crop)


def file_of(cache: EngineCache, own: Key | None = None) -> Path:
    return cache.folder / f"{(own or key()).stem}.engine"


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines")


parts = st.fixed_dictionaries(
    {
        "model": st.binary(max_size=8),
        "precision": st.sampled_from(["fp32", "fp16", "int8"]),
        "profile": st.integers(1, 64).map(Profile.up_to),
        "gpu": st.builds(Gpu, st.text(max_size=5), st.tuples(st.integers(7, 12), st.integers(0, 9)), st.just((13, 0))),
        "tensorrt": st.from_regex(r"\A1[01]\.[0-9]{1,2}\Z"),
        "crop": st.tuples(st.integers(16, 99), st.integers(16, 99), st.sampled_from([1, 3])),
    }
)


@given(parts, parts)
def test_keys_agree_only_where_all_parts_do(one: dict[str, object], other: dict[str, object]) -> None:
    first, second = key(**one), key(**other)  # type: ignore[arg-type]
    assert (first.digest == second.digest) is (one == other)
    assert (first.stem == second.stem) is (one == other)


@given(parts, st.sampled_from(["model", "precision", "profile", "gpu", "tensorrt", "crop"]), parts)
def test_one_part_that_differs_is_another_key(one: dict[str, object], name: str, other: dict[str, object]) -> None:
    changed = {**one, name: other[name]}
    assert (key(**one).digest == key(**changed).digest) is (one[name] == other[name])  # type: ignore[arg-type]


def test_a_newer_driver_needs_no_new_engine() -> None:
    assert key(gpu=replace(GPU, cuda=(14, 0))).digest == key().digest


def test_the_timing_cache_is_of_a_gpu_and_a_version() -> None:
    ours = timing_key(GPU, "11.4").digest
    assert ours != timing_key(GPU, "11.3").digest != timing_key(replace(GPU, name="Other"), "11.4").digest
    assert ours != key(tensorrt="11.4").digest


def test_what_is_kept_is_found_again(cache: EngineCache, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert cache.load(key()) is None
    assert cache.store(key(), b"plan")
    assert cache.load(key()) == b"plan"
    assert EngineCache(tmp_path / "engines").load(key()) == b"plan"
    assert cache.load(key(b"another graph")) is None
    assert not caplog.records


def test_nothing_can_be_kept(cache: EngineCache) -> None:
    assert cache.store(key(), b"")
    assert cache.load(key()) == b""


@pytest.mark.parametrize("cut", [0, 5, len(MARK), len(MARK) + 20, -2, -1])
def test_a_truncated_file_is_told_and_removed(cache: EngineCache, cut: int, caplog: pytest.LogCaptureFixture) -> None:
    cache.store(key(), b"plan" * 100)
    path = file_of(cache)
    path.write_bytes(path.read_bytes()[:cut])
    assert cache.load(key()) is None
    assert f"{path} is damaged" in caplog.text
    assert not path.exists()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_byte_can_change_unseen(place: int, change: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cache = EngineCache(Path(folder) / "engines")
        cache.store(key(), bytes(range(256)))
        path = file_of(cache)
        raw = bytearray(path.read_bytes())
        raw[place % len(raw)] ^= change
        path.write_bytes(raw)
        # A header of other spaces or of another order still says the same; contents and key are those that were kept.
        assert cache.load(key()) in (None, bytes(range(256)))
        if path.exists() and place % len(raw) >= len(raw) - 256:
            pytest.fail("changed contents were not removed")


@pytest.mark.parametrize("header", [b"[]", b"{}", b'{"key": 1}', b"\xff", b"[" * 16_000, b'{"key": {}, "size": 4}'])
def test_a_strange_header_is_damage(cache: EngineCache, header: bytes, caplog: pytest.LogCaptureFixture) -> None:
    cache.store(key(), b"plan")
    path = file_of(cache)
    path.write_bytes(MARK + header + b"\nplan")
    assert cache.load(key()) is None
    assert "is damaged" in caplog.text


def test_a_file_under_another_name_is_not_taken(cache: EngineCache, caplog: pytest.LogCaptureFixture) -> None:
    cache.store(key(), b"plan")
    (file_of(cache)).rename(file_of(cache, key(b"another graph")))
    assert cache.load(key(b"another graph")) is None
    assert "belongs to another key" in caplog.text


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (key(tensorrt="11.5.0"), "tensorrt was 11.4.0, is 11.5.0"),
        (key(gpu=Gpu("NVIDIA Other", (8, 9), (13, 0))), "gpu was NVIDIA Something sm90, is NVIDIA Other sm89"),
        (key(profile=Profile.up_to(16)), "profile was 1-8-32, is 1-8-16"),
    ],
)
def test_what_is_stale_is_told_with_what_changed(
    cache: EngineCache, now: Key, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    cache.store(key(), b"plan")
    assert cache.load(now) is None
    assert caplog.messages == [f"The engine that was kept doesn't fit any more: {told}."]
    caplog.clear()
    assert cache.load(key(precision="int8")) is None  # another engine, not a newer one
    assert not caplog.messages


@posix
@pytest.mark.parametrize("spoil", ["file", "folder"])
def test_what_others_may_write_is_not_run(cache: EngineCache, spoil: str, caplog: pytest.LogCaptureFixture) -> None:
    cache.store(key(), b"plan")
    path = file_of(cache)
    assert (path.stat().st_mode & 0o777, cache.folder.stat().st_mode & 0o777) == (0o600, 0o700)
    (path if spoil == "file" else cache.folder).chmod(0o777)
    assert cache.load(key()) is None
    assert "others may write to" in caplog.text
    assert "chmod go-w" in caplog.text
    assert path.exists()


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() != 0, reason="only root can give files away")
def test_what_belongs_to_another_user_is_not_run(cache: EngineCache, caplog: pytest.LogCaptureFixture) -> None:
    cache.store(key(), b"plan")
    os.chown(file_of(cache), 12345, 12345)
    assert cache.load(key()) is None
    assert "belongs to another user" in caplog.text


def test_a_folder_that_can_not_be_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    cache = EngineCache(tmp_path / "file" / "engines")
    assert cache.load(key()) is None
    assert not cache.store(key(), b"plan")
    assert "can't be kept in" in caplog.text
    assert "Set CLEF_RT_CACHE to another folder." in caplog.text
    with pytest.raises(EncoderError, match="CLEF_RT_CACHE"):
        cache.subfolder(key())


NOBODY = """
import logging, os, sys
from tests.encode.test_engine_cache import EngineCache, Path, key
logging.basicConfig(level=logging.WARNING, format="%(message)s")
cache = EngineCache(Path(sys.argv[1]))
if os.geteuid() == 0:
    os.seteuid(65534)
print(cache.load(key()), cache.store(key(b"another"), b"plan"))
"""


@posix
def test_a_folder_that_can_only_be_read_serves_what_it_has() -> None:
    """As in a container's image: root has written it, another user runs."""
    with tempfile.TemporaryDirectory() as place:
        cache = EngineCache(Path(place) / "engines")
        cache.store(key(), b"plan")
        (file_of(cache)).chmod(0o444)
        cache.folder.chmod(0o555)
        Path(place).chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-c", NOBODY, cache.folder], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        cache.folder.chmod(0o700)
    assert done.stdout.split("\n")[0] == "b'plan' False", done.stderr
    assert "can't be kept in" in done.stderr


FULL = """
import logging, resource, sys
from tests.encode.test_engine_cache import EngineCache, Path, key
logging.basicConfig(level=logging.WARNING, format="%(message)s")
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
print(EngineCache(Path(sys.argv[1])).store(key(), bytes(1_000_000)))
"""


@posix
def test_a_disk_that_is_full_leaves_nothing_half(tmp_path: Path) -> None:
    """A limit on the size of files fails a write in its middle, as a full disk does."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path / "e"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "False\n", done.stderr
    assert "The engine can't be kept" in done.stderr
    assert list((tmp_path / "e").iterdir()) == []


def test_writers_at_once_leave_one_whole_file(cache: EngineCache) -> None:
    plans = [bytes([number]) * 200_000 for number in range(6)]
    seen: set[bytes | None] = set()

    def write(plan: bytes) -> None:
        for _ in range(5):
            assert cache.store(key(), plan)
            seen.add(cache.load(key()))

    threads = [threading.Thread(target=write, args=(plan,)) for plan in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen <= set(plans)
    assert [path.name for path in cache.folder.iterdir()] == [file_of(cache).name]


def test_the_longest_unused_goes_first(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path / "engines", max_bytes=3_500)
    keys = [key(bytes([number])) for number in range(4)]
    for age, own in enumerate(keys[:3]):
        cache.store(own, bytes(700))
        os.utime(file_of(cache, own), (1_000 + age, 1_000 + age))
    cache.load(keys[0])  # used now
    cache.store(keys[3], bytes(700))
    assert [cache.load(own) is not None for own in keys] == [True, False, True, True]


def test_what_was_just_kept_stays_however_large(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path / "engines", max_bytes=10)
    cache.store(key(b"one"), bytes(100))
    cache.store(key(b"two"), bytes(100))
    assert cache.load(key(b"one")) is None
    assert cache.load(key(b"two")) == bytes(100)


def test_what_a_killed_process_left_goes_after_a_day(cache: EngineCache) -> None:
    cache.store(key(), b"plan")
    old, new = cache.folder / ".old.engine", cache.folder / ".new.engine"
    old.touch()
    new.touch()
    past_s = old.stat().st_mtime - LEFTOVER_S - 60
    os.utime(old, (past_s, past_s))
    cache.store(key(), b"plan")
    assert (old.exists(), new.exists()) == (False, True)


class Builder:
    """Builds bytes, and starts those that it has built."""

    def __init__(self, plan: bytes = b"built") -> None:
        self.plan = plan
        self.built = 0

    def build(self) -> bytes:
        self.built += 1
        return self.plan

    def start(self, plan: bytes) -> str | None:
        return plan.decode() if plan.startswith(b"built") else None


def test_an_engine_is_built_once(cache: EngineCache, caplog: pytest.LogCaptureFixture) -> None:
    builder = Builder()
    for _ in range(2):
        assert load_or_build(cache, key(), build=builder.build, start=builder.start) == "built"
    assert builder.built == 1
    assert not caplog.records


@pytest.fixture
def spoiled(cache: EngineCache, request: pytest.FixtureRequest) -> EngineCache:
    cache.store(key(), b"built")
    path = file_of(cache)
    if request.param == "damaged":
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    else:
        cache.store(key(), b"of an engine that doesn't start")
    return cache


@pytest.mark.parametrize("spoiled", ["damaged", "unstartable"], indirect=True)
def test_an_engine_that_can_not_be_used_is_built_anew(spoiled: EngineCache, caplog: pytest.LogCaptureFixture) -> None:
    builder = Builder(b"built anew")
    assert load_or_build(spoiled, key(), build=builder.build, start=builder.start) == "built anew"
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1
    assert spoiled.load(key()) == b"built anew"


def test_an_engine_that_never_starts_is_an_error_and_is_not_kept(cache: EngineCache) -> None:
    builder = Builder(b"not startable")
    with pytest.raises(EncoderError, match="just built"):
        load_or_build(cache, key(), build=builder.build, start=builder.start)
    assert cache.load(key()) is None


def test_a_cache_that_can_not_be_written_keeps_nobody_from_running(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    builder = Builder()
    cache = EngineCache(tmp_path / "file" / "engines")
    assert load_or_build(cache, key(), build=builder.build, start=builder.start) == "built"


def test_the_file_says_what_it_is(cache: EngineCache) -> None:
    cache.store(key(), b"plan")
    mark, header, data = (file_of(cache)).read_bytes().split(b"\n")
    assert (mark + b"\n", data) == (MARK, b"plan")
    assert json.loads(header)["key"]["gpu"] == "NVIDIA Something sm90"
    assert json.loads(header)["size"] == 4


def test_a_library_s_own_files_have_a_folder_for_each_key(cache: EngineCache) -> None:
    one, other = cache.subfolder(key()), cache.subfolder(key(b"another graph"))
    assert one != other
    assert one.is_dir()
    assert cache.subfolder(key()) == one
    cache.store(key(), b"plan")  # beside it
    assert cache.load(key()) == b"plan"
