#!/bin/bash
# The water bureau's application server as surveyed: nginx before a small Python service.
set -euo pipefail
useradd --system --uid 1207 --user-group --home-dir /srv/billing --no-create-home --shell /usr/sbin/nologin billing
cp /root/shared/*.py /srv/billing/
chown -R root:billing /srv/billing
chmod 0750 /srv/billing
chmod 0640 /srv/billing/db.pass
rm -f /etc/nginx/sites-enabled/default
ln -s ../sites-available/billing /etc/nginx/sites-enabled/billing
systemctl daemon-reload
systemctl enable --now billing.service nginx.service 2>/dev/null
