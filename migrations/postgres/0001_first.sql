-- All columns are whole numbers, text or blobs. Money is in millionths of a US dollar, and instants are in
-- milliseconds since 1970. One set of these tables is one world. SQLite has the same tables.

-- This table has one row: the world itself.
CREATE TABLE world (
    number       BIGINT PRIMARY KEY CHECK (number = 1),
    -- Ids are made from this number and from row numbers.
    id_seed      BIGINT NOT NULL,
    -- clock_millis is the instant of a stopped clock, or how many milliseconds a running clock is ahead of real time.
    clock_stands BIGINT NOT NULL,
    clock_millis BIGINT NOT NULL,
    -- Number of batches that changed the world, if sandboxes share it. A sandbox locks this row to change anything.
    version      BIGINT NOT NULL
);

CREATE TABLE accounts (
    number BIGINT PRIMARY KEY,
    name   TEXT NOT NULL,
    email  TEXT NOT NULL,
    -- The e-mail address in the form that is used for comparison.
    email_key TEXT NOT NULL,
    kind   TEXT NOT NULL CHECK (kind IN ('personal', 'business')),
    state  TEXT NOT NULL CHECK (state IN (
        'active', 'email-unverified', 'unverified', 'bank-unverified', 'denied', 'suspended', 'closed'
    )),
    marketplace BIGINT NOT NULL,
    -- The payment methods, separated by commas.
    methods TEXT NOT NULL,
    -- Maximum amount that one transaction may move from or to the account.
    transaction_limit BIGINT CHECK (transaction_limit > 0)
);

-- The Co-Branded pages find a visitor by e-mail address, or offer the first accounts of a kind.
CREATE UNIQUE INDEX accounts_email ON accounts (email_key);
CREATE INDEX accounts_kind ON accounts (kind, number);

CREATE TABLE access_keys (
    key     TEXT NOT NULL PRIMARY KEY,
    account BIGINT NOT NULL,
    secret  TEXT NOT NULL,
    -- Whether the owner may call the service.
    standing TEXT NOT NULL CHECK (standing IN ('developer', 'not-developer', 'not-signed-up')),
    -- If the merchant wants no Co-Branded pages, this status ends each visit at once.
    ending  TEXT,
    -- The signature version of the merchant's return URLs.
    return_signature BIGINT NOT NULL CHECK (return_signature IN (1, 2))
);

-- Ids of instruments, tokens and transactions are made from the row's number. The column id stores only those that a
-- seed file names.
CREATE TABLE instruments (
    number       BIGINT PRIMARY KEY,
    id           TEXT,
    kind         TEXT NOT NULL CHECK (kind IN ('Credit', 'Prepaid')),
    sender       BIGINT NOT NULL,
    recipient    BIGINT NOT NULL,
    ceiling BIGINT NOT NULL CHECK (ceiling >= 0),
    valid_from   BIGINT,
    valid_until  BIGINT,
    active       BIGINT NOT NULL
);
CREATE UNIQUE INDEX instruments_id ON instruments (id) WHERE id IS NOT NULL;

-- GetOutstandingDebtBalance finds what is owed to a creditor with this index.
CREATE INDEX instruments_recipient ON instruments (recipient);

CREATE TABLE tokens (
    number            BIGINT PRIMARY KEY,
    id                TEXT,
    account           BIGINT NOT NULL,
    caller            BIGINT NOT NULL,
    purpose           TEXT NOT NULL,
    token_type        TEXT NOT NULL,
    active            BIGINT NOT NULL,
    method            TEXT NOT NULL,
    instrument BIGINT,
    caller_reference  TEXT NOT NULL,
    friendly_name     TEXT NOT NULL,
    payment_reason    TEXT,
    instruction       TEXT,
    terms             TEXT,
    -- The recipient tokens that a sender token may pay, as JSON. NULL allows any.
    recipients        TEXT,
    installed         BIGINT NOT NULL,
    valid_from        BIGINT,
    valid_until       BIGINT,
    min_charge        BIGINT,
    max_charge        BIGINT,
    global_limit      BIGINT,
    limits            TEXT NOT NULL,
    uses              BIGINT NOT NULL,
    spent             BIGINT NOT NULL,
    windows           TEXT NOT NULL,
    CHECK (spent >= 0 AND (global_limit IS NULL OR spent <= global_limit))
);
CREATE UNIQUE INDEX tokens_id ON tokens (id) WHERE id IS NOT NULL;

-- GetTokenByCaller finds a token by its reference, and GetTokens lists the tokens of an account.
CREATE INDEX tokens_reference ON tokens (caller, caller_reference);
CREATE INDEX tokens_account ON tokens (account);

CREATE TABLE transactions (
    number             BIGINT PRIMARY KEY,
    id                 TEXT,
    operation          TEXT NOT NULL,
    caller             BIGINT NOT NULL,
    sender             BIGINT NOT NULL,
    recipient          BIGINT NOT NULL,
    sender_token       BIGINT,
    recipient_token    BIGINT,
    instrument  BIGINT,
    method             TEXT NOT NULL,
    amount             BIGINT NOT NULL CHECK (amount > 0),
    charge_fee_to      TEXT NOT NULL,
    caller_reference   TEXT NOT NULL,
    caller_description TEXT,
    sender_description TEXT,
    descriptor_policy  TEXT,
    ipn_url            TEXT,
    original           BIGINT,
    refund_policy      TEXT,
    received           BIGINT NOT NULL,
    status             TEXT NOT NULL,
    history            TEXT NOT NULL,
    completed          BIGINT,
    settled            BIGINT,
    fee                BIGINT NOT NULL,
    marketplace_fee    BIGINT NOT NULL,
    refunded           BIGINT NOT NULL,
    fee_returned       BIGINT NOT NULL,
    marketplace_fee_returned BIGINT NOT NULL,
    sender_balance     BIGINT NOT NULL,
    caller_balance     BIGINT NOT NULL,
    recipient_balance  BIGINT NOT NULL,
    lines              BIGINT NOT NULL,
    CHECK (refunded BETWEEN 0 AND amount)
);
CREATE UNIQUE INDEX transactions_id ON transactions (id) WHERE id IS NOT NULL;

-- GetTransaction finds the refunds of a transaction with this index.
CREATE INDEX transactions_original ON transactions (original) WHERE original IS NOT NULL;

-- GetAccountActivity finds an account's newest transactions with these indexes. Most callers are also the sender or the
-- recipient.
CREATE INDEX transactions_sender ON transactions (sender, received, number);
CREATE INDEX transactions_recipient ON transactions (recipient, received, number);
CREATE INDEX transactions_caller ON transactions (caller, received, number)
    WHERE caller <> sender AND caller <> recipient;

-- This table is the journal. The postings of a transaction sum to zero.
CREATE TABLE postings (
    transaction_number BIGINT NOT NULL,
    line               BIGINT NOT NULL,
    kind               TEXT NOT NULL,
    owner              BIGINT NOT NULL,
    amount             BIGINT NOT NULL,
    PRIMARY KEY (transaction_number, line)
);

-- This table keeps the sums of postings, for speed. A total may have a floor and a ceiling: debt never falls below zero
-- or rises above the credit limit. Prepaid money has no ceiling, because a refund may exceed the limit.
CREATE TABLE totals (
    kind    TEXT NOT NULL,
    owner   BIGINT NOT NULL,
    amount  BIGINT NOT NULL,
    floor   BIGINT,
    ceiling BIGINT,
    PRIMARY KEY (kind, owner),
    CHECK (floor IS NULL OR amount >= floor),
    CHECK (ceiling IS NULL OR amount <= ceiling)
);

-- The amount still owed for each Pay on credit. Settlements and write-offs clear the oldest debt first.
CREATE TABLE open_debts (
    instrument         BIGINT NOT NULL,
    transaction_number BIGINT NOT NULL,
    amount             BIGINT NOT NULL CHECK (amount > 0),
    PRIMARY KEY (instrument, transaction_number)
);

-- For each action of a caller, a caller reference has one effect.
CREATE TABLE caller_references (
    caller             BIGINT NOT NULL,
    reference          TEXT NOT NULL,
    action             TEXT NOT NULL,
    digest             BYTEA NOT NULL,
    transaction_number BIGINT,
    status             TEXT,
    error_code         TEXT,
    error_message      TEXT,
    expires            BIGINT NOT NULL,
    PRIMARY KEY (caller, reference, action),
    CHECK ((transaction_number IS NULL) = (error_code IS NOT NULL))
);

-- Scheduled work: at most one step for each transaction.
CREATE TABLE due (
    transaction_number BIGINT PRIMARY KEY,
    at                 BIGINT NOT NULL,
    step               TEXT NOT NULL,
    -- The reason why the step failed. A failed step runs again when the sandbox restarts.
    problem            TEXT
);
CREATE INDEX due_at ON due (at) WHERE problem IS NULL;

CREATE TABLE subscriptions (
    id        TEXT NOT NULL,
    sender    BIGINT NOT NULL,
    recipient BIGINT NOT NULL,
    status    TEXT NOT NULL,
    terms     TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE subscription_payments (
    subscription       TEXT NOT NULL,
    transaction_number BIGINT NOT NULL,
    PRIMARY KEY (subscription, transaction_number)
);

-- Secrets that the sandboxes on a database share and never show.
CREATE TABLE secrets (
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name)
);
