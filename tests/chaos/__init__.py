"""`make chaos`: everything is broken while people share, then promises are laid beside what the mail server took.

    make chaos N=2000 SEED=1 DB=sqlite|postgres FAULTS=kill,redis,postgres,smtp,restart HURRY=1

Two sides only are judged, never the application's own tables:

- var/chaos/promised.jsonl: what people were told (2xx, with a receipt number);
- var/chaos/accepted.jsonl: what the sink took (time, Message-ID, recipient, sha256).

The way through: options → people (rows) → site (real processes) → clients (HTTP) while faults strike → judge.
`FAULTS` names groups or single faults (faults.GROUPS); `none` is none. Three scenarios are asked for by name too:
`no-redis` (absent from start to end), `backlog` (the sink takes nothing until all is promised), `outage` (everybody is
refused for OUTAGE seconds, 600 unless said). They are held to figures, and `too_slow` says which was missed: 10,000
drained in ten minutes after `backlog`, everything within five after `outage`, a POST p95 of 300 ms with `no-redis` and
CLIENTS=1. `HURRY` divides every wait of the delivery (back-off, pauses, lease, how long a process that ends lets a mute
server think).

`restart` is what an operator does for new code, as the units say it: reload of the web, restart of the worker and of
one sweep after the other. Asked for alone (`FAULTS=restart`) it must go unnoticed: each was asked, ended by itself
within its TimeoutStopSec and with status 0, no request failed or was repeated, nothing left twice, no acceptance in
doubt; people then take their time, so that there is load for twenty seconds at least. On SQLite only the sweep is
restarted: `serve` is one process that holds the port, and cannot be replaced without a pause.

`LIMIT` (seconds) bounds it all: people share during the first 60 % of it, faults strike during the first half, the rest
is for keeping what was promised. CLIENTS is how many press at once.

Besides promised, lost and the two kinds of duplicates: `ambiguous_faults` are acceptances whose answer the site may not
have heard, the only reason for the same message to come twice (`redelivered_without_cause` is 0);
`drain_seconds` runs from the end of the faults to the last promise kept; `told_refused` are mailboxes that no server
takes, whose patient reads so on their page; `slowest_stop_seconds` and `stopped_badly` (killed at last, or with another
status than 0) are of the processes that were asked to end.

A sink that is not ours: set MSSANTE_SMTP_HOST, MSSANTE_SMTP_PORT, MSSANTE_CA, MSSANTE_CLIENT_CERT, MSSANTE_CLIENT_KEY
as for the site, and ACCEPTED to the file in which it writes what it accepts, one JSON object a line with those four
names. Faults of the mail are then its own.
"""
