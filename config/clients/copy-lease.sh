#!/bin/sh
# Copies a lease file to this host, once a minute, from cron or a timer.
set -e
cd "$ACCESS_MONITOR_LEASE"
rm -f production.new
curl --fail --silent --show-error --max-time 10 --header @/etc/access-monitor/gate-token \
  --etag-compare production.etag --etag-save production.etag --dump-header production.head --output production.new \
  https://monitor.example.com/v1/lease/production.json
if [ -s production.new ]; then
  sed -n 's/^[Ll]ease-[Ss]ignature: *//p' production.head | tr -d '\r' > production.json.sig
  mv production.new production.json
fi
