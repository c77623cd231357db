"""What gunicorn serves; refuses to start as a role that row-level security does not bind."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

from django.db import connection  # noqa: E402

from config.database import check_role, said_plainly  # noqa: E402

with said_plainly():
    check_role(connection)
    connection.close()
