"""The extent of a test run: the databases that tests run on, and the tests that `make test-fast` leaves out."""

import os

IS_FAST = bool(os.environ.get("FAST_RUN"))
DATABASES = ("sqlite",) if IS_FAST else ("sqlite", "postgresql")

# Below tests/: browsers, races, other projects' clients, separate processes, random histories, long waits. And what
# `make check` runs, which belongs before each commit.
LEFT_OUT_OF_FAST = (
    "acts/test_runs.py",
    "architecture/test_dependencies.py",
    "architecture/test_layers.py",
    "architecture/test_names.py",
    "batches/test_machine.py",
    "browser",
    "callbacks/test_cli.py",
    "callbacks/test_machine.py",
    "callbacks/test_receivers.py",
    "cli/test_processes.py",
    "cli/test_sandbox.py",
    "client/test_generate_sync.py",
    "client/test_receiver_seen.py",
    "contract/test_containerfile.py",
    "contract/test_pages.py",
    "contract/test_schemathesis.py",
    "core/db/test_copying.py",
    "core/db/test_guide_copying.py",
    "core/db/test_migrate.py",
    "core/db/test_pooler.py",
    "core/db/test_postgres.py",
    "core/db/test_upgrade.py",
    "core/outbound/test_client.py",
    "core/outbound/test_connections.py",
    "core/outbound/test_exchange.py",
    "interop",
    "messages/test_kills.py",
    "orders/test_answers_machine.py",
    "orders/test_machine.py",
    "orders/test_reconcile.py",
    "races",
    "security/test_connections.py",
    "security/test_console_listener.py",
    "security/test_processes.py",
    "slots/test_machine.py",
    "storefront/test_main.py",
    "stores/test_cli.py",
    "support/test_postgres.py",
    "support/test_process.py",
    "test_serve.py",
    "testing",
    "upkeep/test_rotation.py",
)
