"""What a ledger file looks like inside; plain enough to be read with the `sqlite3` program."""

from typing import Final

APPLICATION_ID: Final = 0x53505243
"""`SPRC`, in the header of every ledger (``PRAGMA application_id``)."""
SCHEMA_VERSION: Final = 2
"""``PRAGMA user_version``."""
LEAST_SQLITE: Final = (3, 37, 0)
"""The first version with STRICT tables."""
MOST_TOKENS: Final = 10**15
"""Budgets and counts above it are mistakes; their sums must fit into 64 bits."""

# The totals of a run are kept, not summed, so that a reservation costs the same in a run of ten and of a million
# requests; `Ledger.check` compares them with the sums. The last CHECK is the budget: what was charged within
# reservations, what is still reserved, and what servers were allowed ahead of that never exceed it, whoever writes.
TABLES: Final = (
    """
    CREATE TABLE runs (
        id          INTEGER PRIMARY KEY,
        name        TEXT NOT NULL UNIQUE,
        budget      INTEGER NOT NULL CHECK (budget >= 0),  -- tokens
        spent       INTEGER NOT NULL DEFAULT 0 CHECK (spent >= 0),  -- tokens charged
        reserved    INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0),  -- tokens in open reservations
        ahead       INTEGER NOT NULL DEFAULT 0 CHECK (ahead >= 0),  -- tokens that servers may make beyond them
        overrun     INTEGER NOT NULL DEFAULT 0 CHECK (overrun >= 0),  -- tokens charged beyond both
        settings    TEXT NOT NULL CHECK (json_valid(settings)),
        fingerprint TEXT NOT NULL,  -- of the questions
        opened      TEXT NOT NULL,
        finished    TEXT,  -- when every request had its outcome
        CHECK (spent - overrun + reserved + ahead <= budget)
    ) STRICT""",
    """
    CREATE TABLE holders (  -- a connection that reserves; it lives for as long as its lock file is locked
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        mark        TEXT NOT NULL,  -- the end of the lock file's name
        pid         INTEGER NOT NULL,
        opened      TEXT NOT NULL,
        closed      TEXT
    ) STRICT""",
    """
    CREATE TABLE attempts (
        run         INTEGER NOT NULL REFERENCES runs,
        request     TEXT NOT NULL,
        attempt     INTEGER NOT NULL CHECK (attempt >= 1),
        holder      INTEGER NOT NULL REFERENCES holders,
        state       TEXT NOT NULL CHECK (state IN ('open', 'settled', 'charged', 'released', 'lost')),
        reserved    INTEGER NOT NULL CHECK (reserved >= 1),  -- tokens it may generate in all
        ahead       INTEGER NOT NULL DEFAULT 0 CHECK (ahead >= 0),  -- tokens beyond these that its server may make
        charged     INTEGER CHECK (charged >= 0),  -- tokens; NULL while open
        note        TEXT NOT NULL DEFAULT '',
        opened      TEXT NOT NULL,
        closed      TEXT,
        PRIMARY KEY (run, request, attempt),
        CHECK ((state = 'open') = (charged IS NULL) AND (state = 'open') = (closed IS NULL)),
        CHECK (state = 'open' OR ahead = 0),
        CHECK (state <> 'released' OR charged = 0)
    ) STRICT, WITHOUT ROWID""",
    """
    CREATE TABLE outcomes (
        number      INTEGER PRIMARY KEY,  -- in the order in which they were settled
        run         INTEGER NOT NULL REFERENCES runs,
        request     TEXT NOT NULL,
        reason      TEXT NOT NULL,
        generated   INTEGER NOT NULL CHECK (generated >= 0),  -- tokens of the last attempt
        payload     TEXT NOT NULL CHECK (json_valid(payload)),
        settled     TEXT NOT NULL,
        UNIQUE (run, request)
    ) STRICT""",
    # Counting outcomes must not read replies.
    "CREATE INDEX outcomes_by_reason ON outcomes (run, reason)",
    """
    CREATE VIEW requests AS
    SELECT r.name AS run, a.request,
        iif(o.number IS NOT NULL, 'settled', iif(sum(a.state = 'open'), 'open', 'waiting')) AS state,
        o.reason, coalesce(o.generated, 0) AS generated, count(*) AS attempts,
        sum(iif(a.state = 'open', a.reserved, 0)) AS reserved, coalesce(sum(a.charged), 0) AS charged,
        sum(a.state = 'lost') AS lost, o.settled, o.payload
    FROM attempts a JOIN runs r ON r.id = a.run LEFT JOIN outcomes o ON o.run = a.run AND o.request = a.request
    GROUP BY a.run, a.request
    UNION ALL
    SELECT r.name, o.request, 'settled', o.reason, o.generated, 0, 0, 0, 0, o.settled, o.payload
    FROM outcomes o JOIN runs r ON r.id = o.run
    WHERE NOT EXISTS (SELECT 1 FROM attempts a WHERE a.run = o.run AND a.request = o.request)""",
)
