"""Every fault of tests/faults at full size; the names are all that is said here."""

from tests.faults.test_cancel_races import (
    test_every_answer_to_a_cancel_agrees_with_what_became_of_the_job,
)
from tests.faults.test_database import (
    test_a_hurt_database_loses_nothing_and_doubles_nothing,
    test_who_never_got_the_answer_gets_the_same_job_with_the_same_key,
)
from tests.faults.test_kills import test_a_kill_under_load_loses_nothing_and_doubles_nothing
from tests.faults.test_replicas import (
    ann,
    replicas,
    test_a_replica_that_stops_in_a_transaction_does_not_keep_its_locks,
    test_three_replicas_share_the_load_in_order_and_without_deadlocks,
    test_when_the_publisher_dies_or_sleeps_another_goes_on_in_order,
)
from tests.faults.test_wiped import test_a_wiped_store_loses_neither_a_job_nor_an_event
from tests.faults.test_without_nats import (
    test_services_that_start_before_the_broker_accept_jobs_and_run_them_later,
)

__all__ = [
    "ann",
    "replicas",
    "test_a_hurt_database_loses_nothing_and_doubles_nothing",
    "test_a_kill_under_load_loses_nothing_and_doubles_nothing",
    "test_a_replica_that_stops_in_a_transaction_does_not_keep_its_locks",
    "test_a_wiped_store_loses_neither_a_job_nor_an_event",
    "test_every_answer_to_a_cancel_agrees_with_what_became_of_the_job",
    "test_services_that_start_before_the_broker_accept_jobs_and_run_them_later",
    "test_three_replicas_share_the_load_in_order_and_without_deadlocks",
    "test_when_the_publisher_dies_or_sleeps_another_goes_on_in_order",
    "test_who_never_got_the_answer_gets_the_same_job_with_the_same_key",
]
