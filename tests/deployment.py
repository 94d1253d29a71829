"""`make check`'s last step: Django's deployment check on the production settings.

The values below are what an installation must give (docs/operate.md); none is real.
"""

import os
import subprocess
import sys

ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "config.settings.prod",
    "SECRET_KEY": "x0-Yb3_kq8V" * 6,
    "ALLOWED_HOSTS": "tollgate.example",
    "SITE_URL": "https://tollgate.example",
    "DATABASE_URL": "postgres://tollgate@127.0.0.1:5432/tollgate",
    "EMAIL_URL": "smtp://127.0.0.1:25",
    "STRIPE_LIVE_MODE": "false",
    "STRIPE_TEST_SECRET_KEY": "sk_test_" + "0" * 24,
}


def main() -> int:
    command = [sys.executable, "-W", "error::RuntimeWarning", "manage.py"]
    command += ["check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(
        command, env={**os.environ, **ENVIRONMENT}, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
