"""Schedules: the input is the workflow's."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator import Context, Schedule, schedule, workflow


@dataclass
class Region:
    name: str


@workflow(name="report")
async def report(ctx: Context, region: Region) -> None: ...


@workflow(name="sweep-up")
async def sweep_up(ctx: Context) -> None:
    ctx.scheduled_at.isoformat()  # E: Item "None" of


declared: Schedule = schedule(report, cron="0 9 * * *", tz="Europe/Berlin", input=Region("DE"))
hourly = schedule(sweep_up, every="1h", overlap="queue", catch_up="all")

schedule(report, every="1h", input=5)  # E: Cannot infer value of type parameter "I"
schedule(sweep_up, every="1h", overlap="both")  # E: Argument "overlap" to "schedule"
