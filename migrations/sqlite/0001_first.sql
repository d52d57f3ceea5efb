-- Columns are whole numbers, text and blobs only. Money is in millionths of a US dollar, instants are in
-- milliseconds since 1970. A database of these tables is one world.

-- The world itself: one row.
CREATE TABLE world (
    number       INTEGER PRIMARY KEY CHECK (number = 1),
    -- Ids are made from it and from row numbers.
    id_seed      BIGINT NOT NULL,
    -- The clock stands at an instant, or runs so many milliseconds ahead of real time.
    clock_stands BIGINT NOT NULL,
    clock_millis BIGINT NOT NULL,
    -- Counts the batches that changed the world, where several sandboxes share it. Whoever changes anything locks the row.
    version      BIGINT NOT NULL
);

CREATE TABLE accounts (
    number INTEGER PRIMARY KEY,
    name   TEXT NOT NULL,
    email  TEXT NOT NULL,
    -- The address in the form in which addresses are compared.
    email_key TEXT NOT NULL,
    kind   TEXT NOT NULL CHECK (kind IN ('personal', 'business')),
    state  TEXT NOT NULL CHECK (state IN (
        'active', 'email-unverified', 'unverified', 'bank-unverified', 'denied', 'suspended', 'closed'
    )),
    marketplace BIGINT NOT NULL,
    -- The payment methods, as a list with commas.
    methods TEXT NOT NULL,
    -- Most that one transaction may take from it or bring to it.
    transaction_limit BIGINT CHECK (transaction_limit > 0)
);

-- Whoever signs in on the Co-Branded pages is found by address, or picked from the first accounts of a kind.
CREATE UNIQUE INDEX accounts_email ON accounts (email_key);
CREATE INDEX accounts_kind ON accounts (kind, number);

CREATE TABLE access_keys (
    key     TEXT NOT NULL PRIMARY KEY,
    account BIGINT NOT NULL,
    secret  TEXT NOT NULL,
    -- Whether the owner may call the service.
    standing TEXT NOT NULL CHECK (standing IN ('developer', 'not-developer', 'not-signed-up')),
    -- How every visit to the Co-Branded pages ends that a merchant sends there, if he wants no pages at all; and the
    -- signature version of his return URLs.
    ending  TEXT,
    return_signature BIGINT NOT NULL CHECK (return_signature IN (1, 2))
) WITHOUT ROWID;

-- Ids of instruments, tokens and transactions are made from the row's number. Only those that a seed file has named
-- otherwise are stored.
CREATE TABLE instruments (
    number       INTEGER PRIMARY KEY,
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

-- What is owed to a creditor, for GetOutstandingDebtBalance.
CREATE INDEX instruments_recipient ON instruments (recipient);

CREATE TABLE tokens (
    number            INTEGER PRIMARY KEY,
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
    -- The recipient tokens that a sender token pays, as JSON; any, where there is none.
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

-- GetTokenByCaller finds a token by its reference, GetTokens lists those on an account.
CREATE INDEX tokens_reference ON tokens (caller, caller_reference);
CREATE INDEX tokens_account ON tokens (account);

CREATE TABLE transactions (
    number             INTEGER PRIMARY KEY,
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

-- The refunds of a transaction, for GetTransaction.
CREATE INDEX transactions_original ON transactions (original) WHERE original IS NOT NULL;

-- An account's newest transactions, for GetAccountActivity. Callers mostly are senders or recipients themselves.
CREATE INDEX transactions_sender ON transactions (sender, received, number);
CREATE INDEX transactions_recipient ON transactions (recipient, received, number);
CREATE INDEX transactions_caller ON transactions (caller, received, number)
    WHERE caller <> sender AND caller <> recipient;

-- The journal. The postings of a transaction sum to zero.
CREATE TABLE postings (
    transaction_number BIGINT NOT NULL,
    line               BIGINT NOT NULL,
    kind               TEXT NOT NULL,
    owner              BIGINT NOT NULL,
    amount             BIGINT NOT NULL,
    PRIMARY KEY (transaction_number, line)
) WITHOUT ROWID;

-- Sums of postings, kept for speed. An account of the book may have a floor and a ceiling: debt never falls
-- below zero nor rises above the credit limit. What is paid in advance has no ceiling: a refund may pass the limit.
CREATE TABLE totals (
    kind    TEXT NOT NULL,
    owner   BIGINT NOT NULL,
    amount  BIGINT NOT NULL,
    floor   BIGINT,
    ceiling BIGINT,
    PRIMARY KEY (kind, owner),
    CHECK (floor IS NULL OR amount >= floor),
    CHECK (ceiling IS NULL OR amount <= ceiling)
) WITHOUT ROWID;

-- What is still owed of each debt Pay; settlements and write-offs clear the oldest first.
CREATE TABLE open_debts (
    instrument         BIGINT NOT NULL,
    transaction_number BIGINT NOT NULL,
    amount             BIGINT NOT NULL CHECK (amount > 0),
    PRIMARY KEY (instrument, transaction_number)
) WITHOUT ROWID;

-- One caller reference, one effect, for each action of a caller.
CREATE TABLE caller_references (
    caller             BIGINT NOT NULL,
    reference          TEXT NOT NULL,
    action             TEXT NOT NULL,
    digest             BLOB NOT NULL,
    transaction_number BIGINT,
    status             TEXT,
    error_code         TEXT,
    error_message      TEXT,
    expires            BIGINT NOT NULL,
    PRIMARY KEY (caller, reference, action),
    CHECK ((transaction_number IS NULL) = (error_code IS NOT NULL))
) WITHOUT ROWID;

-- Work that becomes due: at most one piece a transaction.
CREATE TABLE due (
    transaction_number INTEGER PRIMARY KEY,
    at                 BIGINT NOT NULL,
    step               TEXT NOT NULL,
    -- Why it was set aside after it had failed.
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
) WITHOUT ROWID;

CREATE TABLE subscription_payments (
    subscription       TEXT NOT NULL,
    transaction_number BIGINT NOT NULL,
    PRIMARY KEY (subscription, transaction_number)
) WITHOUT ROWID;

-- What the sandboxes on a database share and show nobody.
CREATE TABLE secrets (
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name)
) WITHOUT ROWID;
