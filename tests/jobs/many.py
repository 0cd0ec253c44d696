"""Jobs by the thousand or the million, of every kind that a list or a sweep looks for."""

from datetime import UTC, datetime
from uuid import UUID

from tidemill_contracts.bulk import JobFilter
from tidemill_contracts.jobs import JobStatus

TENANT = UUID("01900000-0000-7000-8000-00000000beef")
DATASET = UUID("01900000-0000-7000-8000-000000000da7")
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
FILTERS = {
    "none": JobFilter(),
    "a_frequent_status": JobFilter(status=[JobStatus.SUCCEEDED]),
    "a_rare_status": JobFilter(status=[JobStatus.FAILED]),
    "several_statuses": JobFilter(status=[JobStatus.FAILED, JobStatus.SUCCEEDED]),
    "a_frequent_processor": JobFilter(processor="noop"),
    "an_unknown_processor": JobFilter(processor="nothing"),
    "a_frequent_label": JobFilter(labels={"team": "a"}),
    "a_rare_label": JobFilter(labels={"customer": "c7"}),
    "two_labels": JobFilter(labels={"team": "a", "customer": "c7"}),
    "the_default_queue": JobFilter(queue="default"),
    "another_queue": JobFilter(queue="gpu"),
    "a_pipeline": JobFilter(pipeline="nightly"),
    "retries_of_a_job": JobFilter(retry_of=TENANT),
    "system_jobs": JobFilter(system=True),
    "a_time": JobFilter(created_after=MOMENT, created_before=datetime.now(UTC)),
    "failures_of_a_processor": JobFilter(status=[JobStatus.FAILED], processor="add"),
}
# of a million jobs 970,000 have succeeded; a label of a customer is rare, one of a team is not
JOBS = """
insert into jobs (id, tenant_id, system, processors, status, blocked_reason, dataset_id, pipeline,
    steps, given, queue, priority, labels, retry_of, max_attempts, timeouts, run_at, created_at,
    updated_at, started_at, finished_at, cancel_deadline, failure, seq)
select id, '{tenant}', n % 50 = 0, case n % 20 when 0 then '["rare", "noop"]'::jsonb
        when 1 then '["add"]' else '["noop"]' end,
    status, case when status = 'blocked'
        then (array['dataset', 'no_worker', 'queue_paused'])[1 + n % 3] end,
    case when status = 'blocked' then '{dataset}'::uuid end,
    case when n % 1000 = 0 then 'nightly' end, '[]', '{{}}',
    case when n % 100 = 0 then 'gpu' else 'default' end, 4,
    case n % 10 when 0 then jsonb_build_object('team', 'a', 'customer', 'c' || n % 100000)
        else '{{}}'::jsonb end,
    case when n % 5000 = 0 then id end, 4,
    '{{"queue_s": 86400, "attempt_s": 1800, "total_s": 21600}}',
    case when status = 'scheduled' then now() + interval '1 day' end, moment, moment,
    case when status not in ('scheduled', 'blocked', 'queued') then moment end,
    case when status in ('succeeded', 'failed', 'cancelled', 'expired') then moment end,
    case when status = 'cancelling' then now() + interval '1 hour' end,
    case when status = 'failed' then 'kind ' || n / 1000 % 50 end, 4
from generate_series({first}, {last}) n
cross join lateral (select now() - n * interval '0.1 s' as moment) made
cross join lateral (select (lpad(to_hex((extract(epoch from moment) * 1000)::bigint), 12, '0')
    || '7000' || '8' || lpad(to_hex(n), 15, '0'))::uuid as id) named
cross join lateral (select case when n % 1000 < 970 then 'succeeded' when n % 1000 < 980
    then 'failed' else (array['cancelled', 'expired', 'queued', 'running', 'retrying', 'blocked',
    'scheduled', 'cancelling'])[1 + (n / 1000) % 8] end as status) standing
"""
TASKS = """
insert into tasks (id, job_id, tenant_id, position, steps, needs, queue, priority, pure, status,
    dispatched_at, worker, boot_id, lease_until, next_at)
select jobs.id, jobs.id, tenant_id, 0, '[0]', '[]', queue, 4, false,
    case jobs.status when 'succeeded' then 'done' when 'failed' then 'failed'
        when 'queued' then 'queued' when 'running' then 'running' when 'cancelling' then 'running'
        when 'retrying' then 'retrying' when 'blocked' then 'waiting' when 'scheduled'
        then 'waiting' else 'cancelled' end,
    created_at, 'w', id, now() + interval '20 s',
    case jobs.status when 'retrying' then now() + interval '1 hour' end
from jobs where tenant_id = '{tenant}'
    and id >= uuid_floor(now() - {last} * interval '0.1 s')
    and id < uuid_floor(now() - ({first} - 1) * interval '0.1 s')
"""


def jobs(first: int, last: int) -> str:
    """SQL for jobs, the newest with the lowest number, ten of them made in each second."""
    return JOBS.format(tenant=TENANT, dataset=DATASET, first=first, last=last)


def tasks(first: int, last: int) -> str:
    """SQL for a task of each of these jobs, in the transaction in which they were made."""
    return TASKS.format(tenant=TENANT, first=first, last=last)
