"""Create the peer's database: `python prepare.py CLIENT_ID CLIENT_SECRET LINKS` with BENCH_DATABASE set."""

import os
import sys
from datetime import UTC, datetime

import django
from django.core.management import call_command


def main() -> None:
    client_id, client_secret, links = sys.argv[1:]
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    from links.models import Link
    from oauth2_provider.models import Application

    # The default runs PBKDF2 at every token request, which would dominate the measurement.
    Application.objects.create(
        name="bench",
        client_id=client_id,
        client_secret=client_secret,
        hash_client_secret=False,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
    )
    rows = (
        Link(user_id=f"user-{number}", express_member=True, expired_at=datetime(2035, 1, 1, tzinfo=UTC))
        for number in range(int(links))
    )
    Link.objects.bulk_create(rows, batch_size=1000)


if __name__ == "__main__":
    main()
