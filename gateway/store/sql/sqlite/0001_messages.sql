-- Messages, their parts, their timeline; receipts, inbound messages and callbacks.
--
-- A message's `key` is the number in the first letters of its id (gateway/store/ids.py): it grows with time, so rows are
-- appended. A part's `key` is message key * 256 + part number. Indexes cover outstanding rows only, so that they stay
-- small however many messages are kept.

CREATE TABLE nodes (
    name        TEXT PRIMARY KEY,
    started_at  REAL NOT NULL,
    lease_until REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE messages (
    key              INTEGER PRIMARY KEY,
    id               TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    recipient        TEXT    NOT NULL,
    sender           TEXT    NOT NULL,
    text             TEXT    NOT NULL,
    extra            TEXT    NOT NULL,   -- JSON: what most messages leave at its default
    client_reference TEXT    NOT NULL,
    callback_url     TEXT    NOT NULL,
    priority         INTEGER NOT NULL,
    node             TEXT    NOT NULL,
    created_at       REAL    NOT NULL,
    ready_at         REAL    NOT NULL,   -- when it may be sent
    state            TEXT    NOT NULL,
    error            TEXT    NOT NULL,
    uplink           TEXT    NOT NULL,   -- where it waits, later where it went
    part_count       INTEGER NOT NULL,
    in_doubt         INTEGER NOT NULL,
    updated_at       REAL    NOT NULL
);
CREATE INDEX messages_waiting ON messages (uplink, priority DESC, key) WHERE state = 'queued';
CREATE INDEX messages_scheduled ON messages (ready_at) WHERE state = 'scheduled';

CREATE TABLE parts (
    key             INTEGER PRIMARY KEY,
    state           TEXT    NOT NULL,
    attempt         INTEGER NOT NULL,
    node            TEXT    NOT NULL,
    lease_until     REAL    NOT NULL DEFAULT 0,
    uplink          TEXT    NOT NULL,
    smsc_group      TEXT    NOT NULL,
    bind            TEXT    NOT NULL,
    smsc_message_id TEXT    NOT NULL,   -- as it came
    id_key          TEXT    NOT NULL,   -- as it is looked up
    matchable       INTEGER NOT NULL,   -- whether a receipt may still find it
    error           TEXT    NOT NULL,
    updated_at      REAL    NOT NULL,
    reference       INTEGER NOT NULL,
    short_message   BLOB    NOT NULL,
    data_coding     INTEGER NOT NULL,
    has_udh         INTEGER NOT NULL
);
CREATE INDEX parts_unsent ON parts (state) WHERE state IN ('queued', 'sending');
CREATE INDEX parts_awaiting ON parts (updated_at) WHERE matchable = 1 AND state IN ('submitted', 'enroute');
CREATE INDEX parts_by_smsc_id ON parts (id_key, smsc_group) WHERE matchable = 1;

CREATE TABLE events (
    message INTEGER NOT NULL,
    n       INTEGER NOT NULL,
    at      REAL    NOT NULL,
    state   TEXT    NOT NULL,
    part    INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    node    TEXT    NOT NULL,
    bind    TEXT    NOT NULL,
    detail  TEXT    NOT NULL,
    PRIMARY KEY (message, n)
) WITHOUT ROWID;

-- Receipts whose response is not known yet, and those whose message never turned up.
CREATE TABLE parked (
    n          INTEGER PRIMARY KEY,
    id_key     TEXT NOT NULL,
    smsc_group TEXT NOT NULL,
    at         REAL NOT NULL,
    receipt    TEXT NOT NULL   -- JSON
);
CREATE INDEX parked_by_id ON parked (id_key, smsc_group);
CREATE INDEX parked_by_time ON parked (at);
CREATE TABLE orphans (
    n       INTEGER PRIMARY KEY,
    at      REAL NOT NULL,
    receipt TEXT NOT NULL
);

CREATE TABLE inbound (
    n           INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    account     TEXT    NOT NULL,
    sender      TEXT    NOT NULL,
    recipient   TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    data        BLOB    NOT NULL,
    udh         BLOB    NOT NULL,
    data_coding INTEGER NOT NULL,
    uplink      TEXT    NOT NULL,
    bind        TEXT    NOT NULL,
    received_at REAL    NOT NULL
);
CREATE INDEX inbound_by_account ON inbound (account, n);

CREATE TABLE callbacks (
    key          INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL,
    host         TEXT    NOT NULL,
    account      TEXT    NOT NULL,
    url          TEXT    NOT NULL,
    method       TEXT    NOT NULL,
    content_type TEXT    NOT NULL,
    body         BLOB    NOT NULL,
    headers      TEXT    NOT NULL,   -- JSON
    message_id   TEXT    NOT NULL,
    dialect      TEXT    NOT NULL,
    created_at   REAL    NOT NULL,
    due_at       REAL    NOT NULL,
    tries        INTEGER NOT NULL,
    last_error   TEXT    NOT NULL,
    failed       INTEGER NOT NULL,
    node         TEXT    NOT NULL DEFAULT '',
    lease_until  REAL    NOT NULL DEFAULT 0
);
CREATE INDEX callbacks_due ON callbacks (host, due_at) WHERE failed = 0;
CREATE INDEX callbacks_failed ON callbacks (account, key) WHERE failed = 1;

-- What `auto` has seen of a group's message ids.
CREATE TABLE id_rules (
    smsc_group TEXT    NOT NULL,
    rule       TEXT    NOT NULL,
    votes      INTEGER NOT NULL,
    PRIMARY KEY (smsc_group, rule)
) WITHOUT ROWID;

CREATE TABLE marks (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
