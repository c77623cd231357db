"""What gunicorn serves; refuses to start as a role that row-level security does not bind."""

import os

from config.database import check_role, said_plainly

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

with said_plainly():
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()

    from django.db import connection

    check_role(connection)
    connection.close()
