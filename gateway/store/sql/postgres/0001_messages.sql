-- Messages, their parts, their timeline; receipts, inbound messages and callbacks; the nodes that share them.
--
-- A message's `key` is the number in the first letters of its id (gateway/store/ids.py): it grows with time, so rows are
-- appended. A part's `key` is message key * 256 + part number. Indexes cover outstanding rows only, so that they stay
-- small however many messages are kept. Only the holder of a message's row lock writes its parts and its timeline.

-- Leases run on this server's clock. `epoch` grows when a node registers and when others take over from it: what was
-- begun under an earlier epoch cannot be committed. `batch` numbers its writer's transactions: after a lost connection
-- it says which was the last that was kept.
CREATE TABLE nodes (
    name        TEXT COLLATE "C"  PRIMARY KEY,
    epoch       BIGINT            NOT NULL,
    batch       BIGINT            NOT NULL DEFAULT 0,
    started_at  DOUBLE PRECISION  NOT NULL,
    lease_until TIMESTAMPTZ       NOT NULL
) WITH (fillfactor = 20);

CREATE TABLE messages (
    key              BIGINT           PRIMARY KEY,
    id               TEXT             NOT NULL,
    account          TEXT             NOT NULL,
    recipient        TEXT             NOT NULL,
    sender           TEXT             NOT NULL,
    text             TEXT             NOT NULL,
    extra            TEXT             NOT NULL,   -- JSON: what most messages leave at its default
    client_reference TEXT             NOT NULL,
    callback_url     TEXT             NOT NULL,
    priority         SMALLINT         NOT NULL,
    node             TEXT COLLATE "C" NOT NULL,   -- who may send it
    created_at       DOUBLE PRECISION NOT NULL,
    ready_at         DOUBLE PRECISION NOT NULL,   -- when it may be sent
    state            TEXT COLLATE "C" NOT NULL,
    error            TEXT             NOT NULL,
    uplink           TEXT COLLATE "C" NOT NULL,   -- where it waits, later where it went
    part_count       SMALLINT         NOT NULL,
    in_doubt         BOOLEAN          NOT NULL,
    updated_at       DOUBLE PRECISION NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX messages_waiting ON messages (node, uplink, priority DESC, key) WHERE state = 'queued';
CREATE INDEX messages_scheduled ON messages (ready_at) WHERE state = 'scheduled';

CREATE TABLE parts (
    key             BIGINT           PRIMARY KEY,
    state           TEXT COLLATE "C" NOT NULL,
    attempt         INTEGER          NOT NULL,
    node            TEXT COLLATE "C" NOT NULL,
    uplink          TEXT             NOT NULL,
    smsc_group      TEXT COLLATE "C" NOT NULL,
    bind            TEXT             NOT NULL,
    smsc_message_id TEXT             NOT NULL,   -- as it came
    id_key          TEXT COLLATE "C" NOT NULL,   -- as it is looked up
    matchable       BOOLEAN          NOT NULL,   -- whether a receipt may still find it
    error           TEXT             NOT NULL,
    updated_at      DOUBLE PRECISION NOT NULL,
    reference       INTEGER          NOT NULL,
    short_message   BYTEA            NOT NULL,
    data_coding     SMALLINT         NOT NULL,
    has_udh         BOOLEAN          NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX parts_unsent ON parts (node, key) WHERE state IN ('queued', 'sending');
CREATE INDEX parts_awaiting ON parts (updated_at) WHERE matchable AND state IN ('submitted', 'enroute');
CREATE INDEX parts_by_smsc_id ON parts (id_key, smsc_group) WHERE matchable;

CREATE TABLE events (
    message BIGINT           NOT NULL,
    n       BIGINT           GENERATED ALWAYS AS IDENTITY,
    at      DOUBLE PRECISION NOT NULL,
    state   TEXT             NOT NULL,
    part    SMALLINT         NOT NULL,
    attempt INTEGER          NOT NULL,
    node    TEXT             NOT NULL,
    bind    TEXT             NOT NULL,
    detail  TEXT             NOT NULL,
    PRIMARY KEY (message, n)
);

-- Receipts whose response is not known yet, and those whose message never turned up.
CREATE TABLE parked (
    n          BIGINT           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id_key     TEXT COLLATE "C" NOT NULL,
    smsc_group TEXT COLLATE "C" NOT NULL,
    at         DOUBLE PRECISION NOT NULL,
    receipt    TEXT             NOT NULL   -- JSON
);
CREATE INDEX parked_by_id ON parked (id_key, smsc_group);
CREATE INDEX parked_by_time ON parked (at);
CREATE TABLE orphans (
    n       BIGINT           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      DOUBLE PRECISION NOT NULL,
    receipt TEXT             NOT NULL
);

CREATE TABLE inbound (
    n           BIGINT           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          TEXT COLLATE "C" NOT NULL UNIQUE,
    account     TEXT             NOT NULL,
    sender      TEXT             NOT NULL,
    recipient   TEXT             NOT NULL,
    text        TEXT             NOT NULL,
    data        BYTEA            NOT NULL,
    udh         BYTEA            NOT NULL,
    data_coding SMALLINT         NOT NULL,
    uplink      TEXT             NOT NULL,
    bind        TEXT             NOT NULL,
    received_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX inbound_by_account ON inbound (account, n);

CREATE TABLE callbacks (
    key          BIGINT           PRIMARY KEY,
    id           TEXT             NOT NULL,
    host         TEXT COLLATE "C" NOT NULL,
    account      TEXT             NOT NULL,
    url          TEXT             NOT NULL,
    method       TEXT             NOT NULL,
    content_type TEXT             NOT NULL,
    body         BYTEA            NOT NULL,
    headers      TEXT             NOT NULL,   -- JSON
    message_id   TEXT             NOT NULL,
    dialect      TEXT             NOT NULL,
    created_at   DOUBLE PRECISION NOT NULL,
    due_at       DOUBLE PRECISION NOT NULL,
    tries        INTEGER          NOT NULL,
    last_error   TEXT             NOT NULL,
    failed       BOOLEAN          NOT NULL,
    node         TEXT COLLATE "C" NOT NULL DEFAULT '',  -- who tries it now, while that node lives
    held_until   TIMESTAMPTZ      NOT NULL DEFAULT 'infinity'   -- ... and no longer than that
) WITH (fillfactor = 70);
CREATE INDEX callbacks_due ON callbacks (host, due_at, key) WHERE NOT failed;
CREATE INDEX callbacks_failed ON callbacks (account, key) WHERE failed;

-- What `auto` has seen of a group's message ids.
CREATE TABLE id_rules (
    smsc_group TEXT COLLATE "C" NOT NULL,
    rule       TEXT             NOT NULL,
    votes      BIGINT           NOT NULL,
    PRIMARY KEY (smsc_group, rule)
) WITH (fillfactor = 50);

CREATE TABLE marks (
    name  TEXT   PRIMARY KEY,
    value BIGINT NOT NULL
) WITH (fillfactor = 20);
