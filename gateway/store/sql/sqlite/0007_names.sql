-- Messages by their names (gateway/store/sqlite_names.py): runs of many thousands of messages, each written in order.

CREATE TABLE names (
    run     INTEGER NOT NULL,
    hash    INTEGER NOT NULL,
    message INTEGER NOT NULL,
    PRIMARY KEY (run, hash, message)
) WITHOUT ROWID;

-- The runs that are complete, and the keys of the messages they cover.
CREATE TABLE name_runs (
    run       INTEGER PRIMARY KEY,
    first_key INTEGER NOT NULL,
    last_key  INTEGER NOT NULL
);
