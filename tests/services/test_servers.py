"""The servers that tests lean on are real and empty."""

import psycopg
import redis


def test_valkey_keeps_and_forgets(redis_url: str) -> None:
    """A list is kept in order, which is what a queue needs."""
    client = redis.Redis.from_url(redis_url, decode_responses=True)
    client.rpush("queue", "first", "second")

    assert ["first", "second"] == client.lrange("queue", 0, -1)


def test_each_redis_begins_empty(redis_url: str) -> None:
    """What another test left is gone."""
    assert 0 == redis.Redis.from_url(redis_url).dbsize()


def test_postgres_answers(postgres_url: str) -> None:
    """The database is there, holds nothing, and stores text exactly."""
    with psycopg.connect(postgres_url) as connection:
        tables = connection.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchone()
        text = connection.execute("SELECT %s", ["früh ☀"]).fetchone()

    assert (0,) == tables
    assert ("früh ☀",) == text
