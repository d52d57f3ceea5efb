-- The Co-Branded pages: how a visitor can pay, how a merchant wants his answers, and what the sandbox signs with.

-- The payment methods of an account, as a list with commas.
ALTER TABLE accounts ADD COLUMN methods TEXT NOT NULL DEFAULT 'CC,ACH,ABT';

-- Whoever signs in is found by his address, or picked from the first of his kind.
CREATE INDEX accounts_email ON accounts (world, lower(email));
CREATE INDEX accounts_kind ON accounts (world, kind, number);

-- How every visit to the pages ends that a merchant sends there, if he wants no pages at all; and the signature
-- version of his return URLs.
ALTER TABLE access_keys ADD COLUMN ending TEXT;
ALTER TABLE access_keys ADD COLUMN return_signature BIGINT NOT NULL DEFAULT 2 CHECK (return_signature IN (1, 2));

-- The recipient tokens that a sender token pays, as JSON; any, where there is none.
ALTER TABLE tokens ADD COLUMN recipients TEXT;

-- What the sandboxes of a world share and show nobody.
CREATE TABLE secrets (
    world BIGINT NOT NULL,
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (world, name)
);
