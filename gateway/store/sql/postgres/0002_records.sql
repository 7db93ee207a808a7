-- Small documents of services (gateway/store/records.py).

CREATE TABLE records (
    kind       TEXT COLLATE "C" NOT NULL,
    account    TEXT COLLATE "C" NOT NULL,
    key        TEXT COLLATE "C" NOT NULL,
    value      BYTEA NOT NULL,   -- JSON
    tag        TEXT COLLATE "C" NOT NULL,
    due_at     DOUBLE PRECISION NOT NULL,   -- 0: never
    version    BIGINT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (kind, account, key)
);
CREATE INDEX records_by_key ON records (kind, key);
CREATE INDEX records_by_tag ON records (kind, tag, key) WHERE tag <> '';
CREATE INDEX records_due ON records (kind, due_at) WHERE due_at > 0;
