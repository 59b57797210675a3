#!/bin/bash
# A server that nobody has looked at since 2014, as surveyed.
set -euo pipefail
for year in 2006 2008 2010 2012 2014; do
    printf '<!DOCTYPE html><meta charset="utf-8"><p>%s年公告</p>\n' "$year" > "/srv/notices/$year.html"
done
rm -f /etc/nginx/sites-enabled/default
ln -s ../sites-available/notices /etc/nginx/sites-enabled/notices
systemctl enable --now nginx.service 2>/dev/null
