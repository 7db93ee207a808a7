-- What messages cost, what accounts have and may use; answers to requests that bear an idempotency key.

ALTER TABLE messages ADD COLUMN batch TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN price BIGINT NOT NULL DEFAULT 0;       -- millionths of the currency
ALTER TABLE messages ADD COLUMN refunded BIGINT NOT NULL DEFAULT 0;
CREATE INDEX messages_by_recipient ON messages (recipient, key);
CREATE INDEX messages_by_account ON messages (account, key);
CREATE INDEX messages_by_reference ON messages (client_reference, key) WHERE client_reference <> '';
CREATE INDEX messages_by_batch ON messages (batch, key) WHERE batch <> '';
CREATE INDEX inbound_by_sender ON inbound (sender, n);
CREATE INDEX inbound_by_recipient ON inbound (recipient, n);

CREATE TABLE claims (
    n           BIGINT           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account     TEXT COLLATE "C" NOT NULL,
    key         TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT             NOT NULL,
    answer      BYTEA            NOT NULL,
    expires_at  DOUBLE PRECISION NOT NULL,
    UNIQUE (account, key)
);

CREATE TABLE balances (
    account TEXT COLLATE "C" PRIMARY KEY,
    amount  BIGINT           NOT NULL     -- millionths
) WITH (fillfactor = 50);

-- Top-ups one by one; charges and refunds of an hour together.
CREATE TABLE ledger (
    n         BIGINT           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account   TEXT COLLATE "C" NOT NULL,
    at        DOUBLE PRECISION NOT NULL,
    kind      TEXT COLLATE "C" NOT NULL,
    amount    BIGINT           NOT NULL,  -- what the balance rose by
    count     BIGINT           NOT NULL,
    balance   BIGINT           NOT NULL,  -- after it
    reference TEXT COLLATE "C" NOT NULL,
    note      TEXT             NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX ledger_by_account ON ledger (account, n);
CREATE UNIQUE INDEX ledger_hours ON ledger (account, kind, at) WHERE kind IN ('charge', 'refund');
CREATE UNIQUE INDEX ledger_references ON ledger (account, reference) WHERE reference <> '';

CREATE TABLE usage (
    account TEXT COLLATE "C" NOT NULL,
    period  TEXT COLLATE "C" NOT NULL,    -- 2026-11 or 2026-11-22, UTC
    parts   BIGINT           NOT NULL,
    PRIMARY KEY (account, period)
) WITH (fillfactor = 50);
