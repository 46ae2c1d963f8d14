"""The queues: what stands in Redis is what RQ itself would have written."""

import zlib

import redis
from rq import Queue
from rq.serializers import JSONSerializer

from webapp.queue import KEPT_FAILED, KEPT_WELL, UPKEEP, Jobs

OWN_TO_EACH = {b"created_at", b"enqueued_at"}


def fields(client: "redis.Redis", ident: str) -> dict[bytes, bytes]:
    """A job's fields, unpacked, but for its moments."""
    found = {bytes(name): bytes(value) for name, value in client.hgetall(f"rq:job:{ident}").items()}
    assert all(found.pop(name).endswith(b"Z") for name in OWN_TO_EACH)
    return found | {b"data": zlib.decompress(found[b"data"])}


def test_a_job_is_queued_as_rq_queues_it(redis_url: str) -> None:
    """Field by field, on the same list, in a queue that workers find."""
    client = redis.Redis.from_url(redis_url)
    function, ident = "release_preview", "5b9c"
    Jobs(client).enqueue(UPKEEP, function, ident, ident="ours", seconds=60)
    found, named = fields(client, "ours"), Queue.all(connection=client)
    Queue(UPKEEP, connection=client, serializer=JSONSerializer).enqueue_call(
        f"webapp.jobs.{function}",
        (ident,),
        timeout=60,
        result_ttl=int(KEPT_WELL.total_seconds()),
        failure_ttl=int(KEPT_FAILED.total_seconds()),
        description=f"{function}({ident})",
        job_id="rqs",
    )

    assert fields(client, "rqs") == found
    assert [b"ours", b"rqs"] == client.lrange(f"rq:queue:{UPKEEP}", 0, -1)
    assert [UPKEEP] == [each.name for each in named]
