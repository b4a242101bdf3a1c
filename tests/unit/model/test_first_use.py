"""Models are built at their first use, which several threads may make at the same time."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from reconciler.model.base import Frozen

THREADS = 8
TRIES = 50


def test_the_first_use_of_a_model_may_come_from_several_threads_at_once() -> None:
    barrier = Barrier(THREADS)

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(TRIES):

            class Inner(Frozen):
                number: int

            class Outer(Frozen):
                inner: Inner
                names: tuple[str, ...] = ()

            def use(number: int, outer: type[Frozen] = Outer) -> str:
                barrier.wait()
                return outer.model_validate({"inner": {"number": number}}).model_dump_json()

            assert list(pool.map(use, range(THREADS))) == [
                f'{{"inner":{{"number":{number}}},"names":[]}}' for number in range(THREADS)
            ]


def test_a_model_is_not_built_where_it_is_defined() -> None:
    class Unused(Frozen):
        number: int

    assert not Unused.__pydantic_complete__
    assert Unused(number=1).number == 1
    assert Unused.__pydantic_complete__
