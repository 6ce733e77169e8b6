"""The post by itself: each gateway says what its deliveries carry and which answers end them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest

from sandbox.delivery import Envelope, Post, Transmission, Verdict
from sandbox.knobs import Knobs
from tests.sandbox.listening import Listener

_ANSWERS: dict[str, Verdict] = {"yes": "taken", "later": "again", "no": "never"}


def _judged(answer: httpx.Response) -> Verdict:
    return _ANSWERS[answer.text]


def _wrapped(sent: Transmission) -> Envelope:
    sent.repeated["tries"] = sent.repeated.get("tries", 0) + 1
    body = b"%b %d" % (sent.body, sent.repeated["tries"])
    return Envelope({"Content-Type": "text/odd"}, body)


def _on_a_post(
    listener: Listener, story: Callable[[Post], Coroutine[Any, Any, None]], drop: float = 0.0
) -> Post:
    """Run a story on a post that tries twice more, and wait until all of it is over."""

    async def told() -> Post:
        post = Post(listener.url, _wrapped, Knobs(1, drop), (0.0, 0.0), _judged)
        await story(post)
        while post.waiting:
            await asyncio.sleep(0.01)
        await post.close()
        return post

    return asyncio.run(told())


@pytest.mark.parametrize(
    ("answers", "first", "counted"),
    [
        ([b"yes"], "taken", {"attempts": 1, "accepted": 1}),
        ([b"later", b"yes"], "again", {"attempts": 2, "accepted": 1, "retried": 1}),
        ([b"later"] * 3, "again", {"attempts": 3, "refused": 3, "given_up": 1}),
        ([b"no"], "never", {"attempts": 1, "refused": 1, "told_never": 1, "given_up": 1}),
    ],
)
def test_an_answer_ends_it_calls_it_again_or_for_ever_off(
    listener: Listener, answers: list[bytes], first: str, counted: dict[str, int]
) -> None:
    listener.bodies = list(answers)

    async def story(post: Post) -> None:
        assert await post.send("one", b"try") == first

    post = _on_a_post(listener, story)

    assert counted.items() <= post.knobs.counters.items()
    assert [each.body for each in listener.taken] == [
        b"try %d" % (number + 1) for number in range(len(answers))
    ]
    assert post.delivered == ({"one"} if answers[-1] == b"yes" else set())


def test_a_delivery_goes_to_the_address_of_its_own(listener: Listener) -> None:
    listener.body = b"yes"

    async def story(post: Post) -> None:
        await post.send("one", b"here")
        await post.send("two", b"there", f"{listener.url}/elsewhere")
        await post.resend("two")

    _on_a_post(listener, story)

    elsewhere = "/webhooks/elsewhere"
    assert [each.path for each in listener.taken] == ["/webhooks", elsewhere, elsewhere]
    assert {each.headers["content-type"] for each in listener.taken} == {"text/odd"}


def test_nobody_waits_for_the_answer_to_what_was_lost(listener: Listener) -> None:
    listener.body = b"yes"

    async def story(post: Post) -> None:
        assert await post.send("one", b"lost") is None
        assert not listener.taken
        assert post.resend_undelivered() == 1

    post = _on_a_post(listener, story, drop=1.0)

    assert post.delivered == {"one"}
    assert post.knobs.counters["dropped"] == 1
