"""What is done by the clock."""

import dagster as dg

RESOURCES_EVERY = "*/10 * * * *"

measure_hosts = dg.ScheduleDefinition(
    name="measure_hosts",
    job_name="resources",
    cron_schedule=RESOURCES_EVERY,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Measures the utilization of every host, every ten minutes.",
)
