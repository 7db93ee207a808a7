-- Small documents of services (gateway/store/records.py).

CREATE TABLE records (
    kind       TEXT NOT NULL,
    account    TEXT NOT NULL,
    key        TEXT NOT NULL,
    value      BLOB NOT NULL,   -- JSON
    tag        TEXT NOT NULL,
    due_at     REAL NOT NULL,   -- 0: never
    version    INTEGER NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    PRIMARY KEY (kind, account, key)
) WITHOUT ROWID;
CREATE INDEX records_by_key ON records (kind, key);
CREATE INDEX records_by_tag ON records (kind, tag, key) WHERE tag <> '';
CREATE INDEX records_due ON records (kind, due_at) WHERE due_at > 0;
