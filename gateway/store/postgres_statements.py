"""The statements of the PostgreSQL store's writer."""

from typing import Final

from gateway.store.postgres_rows import MESSAGE_TYPES, arrays
from gateway.store.sqlite_rows import MESSAGE_COLUMNS

# ruff: noqa: S608 -- only our own column names go into these statements

HOLD_LEASE: Final = (
    "UPDATE nodes SET batch = $3 WHERE name = $1 AND epoch = $2 AND lease_until > clock_timestamp() RETURNING 1"
)
LAST_BATCH: Final = "SELECT batch FROM nodes WHERE name = $1 AND epoch = $2 FOR UPDATE"
SHARE_GROUPS: Final = "SELECT pg_advisory_xact_lock_shared($1, hashtext(name)) FROM unnest($2::text[]) AS name"
HOLD_GROUPS: Final = "SELECT pg_advisory_xact_lock($1, hashtext(name)) FROM unnest($2::text[]) AS name"
DEPART: Final = (
    "UPDATE messages SET state = v.state, uplink = v.uplink, part_count = v.part_count,"
    " node = CASE WHEN $7 = '' THEN v.node ELSE $7 END,"
    f" updated_at = v.updated_at FROM {arrays('bigint, text, text, smallint, text, double precision')}"
    " AS v(key, state, uplink, part_count, node, updated_at)"
    " WHERE messages.key = v.key AND ($7 = '' OR messages.node = $7)"
    " AND messages.state IN ('queued', 'sending') RETURNING messages.key"
)
_COLUMNS: Final = [name.strip() for name in MESSAGE_COLUMNS.split(",")]
AMEND: Final = (
    "UPDATE messages SET "
    + ", ".join(f"{name} = v.{name}" for name in _COLUMNS[1:])
    + f" FROM {arrays(MESSAGE_TYPES)} AS v({MESSAGE_COLUMNS}) WHERE messages.key = v.key"
    " AND messages.state IN ('queued', 'scheduled') AND messages.part_count = 0 RETURNING messages.key"
)
PRICES: Final = "SELECT key, price FROM messages WHERE key = ANY($1::bigint[])"
BEGUN: Final = "SELECT id FROM messages WHERE key = ANY($1::bigint[]) AND part_count > 0"
DELETE_PARTS: Final = (
    "DELETE FROM parts USING unnest($1::bigint[]) AS v(key)"
    " WHERE parts.key > (v.key << 8) AND parts.key < ((v.key + 1) << 8)"
)
ERASE_TEXTS: Final = "UPDATE messages SET text = '' FROM unnest($1::bigint[]) AS v(key) WHERE messages.key = v.key"
ERASE_PARTS: Final = (
    "UPDATE parts SET short_message = '' FROM unnest($1::bigint[]) AS v(key)"
    " WHERE parts.key > (v.key << 8) AND parts.key < ((v.key + 1) << 8)"
)
END_PARTS: Final = (
    f"UPDATE parts SET state = v.state, error = v.error, updated_at = v.updated_at"
    f" FROM {arrays('bigint, text, text, double precision')} AS v(key, state, error, updated_at)"
    " WHERE parts.key > (v.key << 8) AND parts.key < ((v.key + 1) << 8) AND parts.state IN ('queued', 'sending')"
)
RELEASE: Final = (
    "WITH due AS MATERIALIZED (SELECT key FROM messages WHERE state = 'scheduled' AND ready_at <= $1"
    " ORDER BY ready_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
    " UPDATE messages SET state = 'queued', updated_at = $1, node = CASE WHEN $3 = '' THEN node ELSE $3 END"
    " FROM due WHERE messages.key = due.key RETURNING messages.id, messages.node"
)
MOVE_MESSAGES: Final = (
    "UPDATE messages SET state = v.state, error = v.error, in_doubt = v.in_doubt, updated_at = v.updated_at,"
    " refunded = v.refunded"
    f" FROM {arrays('bigint, text, text, boolean, double precision, bigint')}"
    " AS v(key, state, error, in_doubt, updated_at, refunded)"
    " WHERE messages.key = v.key"
)
END_ATTEMPTS: Final = (
    "UPDATE parts SET state = v.state, smsc_message_id = v.smsc_message_id, id_key = v.id_key,"
    " matchable = v.matchable, error = v.error, updated_at = v.updated_at"
    f" FROM {arrays('bigint, text, text, text, boolean, text, double precision')}"
    " AS v(key, state, smsc_message_id, id_key, matchable, error, updated_at) WHERE parts.key = v.key"
)
MOVE_PARTS: Final = (
    "UPDATE parts SET state = v.state, error = v.error, updated_at = v.updated_at"
    f" FROM {arrays('bigint, text, text, double precision')} AS v(key, state, error, updated_at)"
    " WHERE parts.key = v.key"
)
POSTPONE: Final = (
    "UPDATE callbacks SET due_at = v.due_at, tries = v.tries, last_error = v.last_error, failed = v.failed, node = '',"
    " held_until = 'infinity'"
    f" FROM {arrays('bigint, double precision, integer, text, boolean')} AS v(key, due_at, tries, last_error, failed)"
    " WHERE callbacks.key = v.key"
)
ACKNOWLEDGE: Final = (
    "DELETE FROM callbacks WHERE key IN"
    " (SELECT key FROM callbacks WHERE key = ANY($1::bigint[]) ORDER BY key FOR UPDATE)"
)
FAIL: Final = (
    "WITH old AS MATERIALIZED (SELECT key FROM callbacks WHERE NOT failed AND key < $2 AND created_at < $3"
    " AND (host LIKE 'smpp://%') = $5"
    " ORDER BY key LIMIT $4 FOR UPDATE SKIP LOCKED)"
    " UPDATE callbacks SET failed = true, node = '', last_error = CASE last_error WHEN '' THEN $1 ELSE last_error END"
    " FROM old WHERE callbacks.key = old.key"
)
REPLAY: Final = (
    "UPDATE callbacks SET failed = false, tries = 0, due_at = $1, created_at = $1, node = ''"
    " WHERE failed AND ($2 = '' OR account = $2)"
)
VOTE: Final = (
    "INSERT INTO id_rules (smsc_group, rule, votes) VALUES ($1, $2, $3)"
    " ON CONFLICT (smsc_group, rule) DO UPDATE SET votes = id_rules.votes + excluded.votes"
)
SET_MARK: Final = (
    "INSERT INTO marks (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
