-- What messages cost, what accounts have and may use; answers to requests that bear an idempotency key.

ALTER TABLE messages ADD COLUMN batch TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN price INTEGER NOT NULL DEFAULT 0;      -- millionths of the currency
ALTER TABLE messages ADD COLUMN refunded INTEGER NOT NULL DEFAULT 0;

CREATE TABLE claims (
    n           INTEGER PRIMARY KEY,
    account     TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    answer      BLOB NOT NULL,
    expires_at  REAL NOT NULL,
    UNIQUE (account, key)
);

CREATE TABLE balances (
    account TEXT    PRIMARY KEY,
    amount  INTEGER NOT NULL       -- millionths
) WITHOUT ROWID;

-- Top-ups one by one; charges and refunds of an hour together.
CREATE TABLE ledger (
    n         INTEGER PRIMARY KEY,
    account   TEXT    NOT NULL,
    at        REAL    NOT NULL,
    kind      TEXT    NOT NULL,
    amount    INTEGER NOT NULL,    -- what the balance rose by
    count     INTEGER NOT NULL,
    balance   INTEGER NOT NULL,    -- after it
    reference TEXT    NOT NULL,
    note      TEXT    NOT NULL
);
CREATE INDEX ledger_by_account ON ledger (account, n);
CREATE UNIQUE INDEX ledger_hours ON ledger (account, kind, at) WHERE kind IN ('charge', 'refund');
CREATE UNIQUE INDEX ledger_references ON ledger (account, reference) WHERE reference <> '';

CREATE TABLE usage (
    account TEXT    NOT NULL,
    period  TEXT    NOT NULL,      -- 2026-11 or 2026-11-22, UTC
    parts   INTEGER NOT NULL,
    PRIMARY KEY (account, period)
) WITHOUT ROWID;

CREATE INDEX inbound_by_sender ON inbound (sender, n);
CREATE INDEX inbound_by_recipient ON inbound (recipient, n);
