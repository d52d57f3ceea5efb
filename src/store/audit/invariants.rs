//! The invariants of a world, each as a query for its violations.

/// An invariant of a world.
pub(super) struct Invariant {
    pub(super) name: &'static str,
    /// A query that returns one row for each violation. Its columns are the kind of the row or of its owner, its number, its
    /// id if that is stored, and a description of the violation, which may be NULL.
    pub(super) violations: &'static str,
}

pub(super) const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "the postings of every transaction sum to zero",
        violations: "SELECT 'transaction', transaction_number, (SELECT id FROM transactions WHERE number = transaction_number), \
            CAST(sum(amount) AS TEXT) FROM postings GROUP BY transaction_number HAVING sum(amount) <> 0",
    },
    Invariant {
        name: "every total is the sum of its postings",
        violations: "SELECT t.kind, t.owner, NULL, 'total ' || t.amount || ', postings ' || coalesce(p.amount, 0) \
            FROM totals t LEFT JOIN (SELECT kind, owner, sum(amount) AS amount FROM postings GROUP BY kind, owner) p \
            ON p.kind = t.kind AND p.owner = t.owner WHERE t.amount <> coalesce(p.amount, 0)",
    },
    Invariant {
        name: "every posting is to an account of the book that has a total",
        violations: "SELECT DISTINCT p.kind, p.owner, NULL, NULL FROM postings p \
            WHERE NOT EXISTS (SELECT 1 FROM totals t WHERE t.kind = p.kind AND t.owner = p.owner)",
    },
    Invariant {
        name: "every posting belongs to a transaction",
        violations: "SELECT DISTINCT 'transaction', p.transaction_number, NULL, NULL FROM postings p \
            WHERE NOT EXISTS (SELECT 1 FROM transactions t WHERE t.number = p.transaction_number)",
    },
    Invariant {
        name: "balances, debts and fees are never below zero",
        violations: "SELECT kind, owner, NULL, CAST(amount AS TEXT) FROM totals WHERE amount < 0 \
            AND kind IN ('balance', 'incoming', 'outgoing', 'reserved', 'debt', 'debt-pending', 'write-offs', \
            'prepaid', 'prepaid-pending', 'fees')",
    },
    Invariant {
        name: "debt, settled or not, is within the credit limit",
        violations: "SELECT 'instrument', i.number, i.id, 'carries ' || sum(t.amount) || ', limit ' || i.ceiling \
            FROM instruments i JOIN totals t ON t.owner = i.number AND t.kind IN ('debt', 'debt-pending') \
            GROUP BY i.number, i.id, i.ceiling HAVING sum(t.amount) > i.ceiling",
    },
    Invariant {
        name: "prepaid money, on its way or not, is above the recharge limit only by what was refunded since it was last funded",
        violations: "SELECT 'instrument', i.number, i.id, 'carries ' || sum(t.amount) || ', limit ' || i.ceiling \
            FROM instruments i JOIN totals t ON t.owner = i.number AND t.kind IN ('prepaid', 'prepaid-pending') \
            GROUP BY i.number, i.id, i.ceiling HAVING sum(t.amount) > i.ceiling + \
            coalesce((SELECT sum(r.amount) FROM transactions r WHERE r.instrument = i.number AND r.operation = 'Refund' \
            AND r.number > coalesce((SELECT max(f.number) FROM transactions f WHERE f.instrument = i.number \
            AND f.operation = 'FundPrepaid'), 0)), 0)",
    },
    Invariant {
        name: "what an issuer owes for money paid in advance is what his instruments hold",
        violations: "SELECT 'issuer', l.owner, NULL, 'owes ' || -sum(l.amount) FROM totals l \
            WHERE l.kind IN ('prepaid-liability', 'prepaid-liability-pending') GROUP BY l.owner \
            HAVING -sum(l.amount) <> coalesce((SELECT sum(t.amount) FROM instruments i JOIN totals t \
            ON t.owner = i.number AND t.kind IN ('prepaid', 'prepaid-pending') WHERE i.recipient = l.owner), 0)",
    },
    Invariant {
        name: "the credit that a creditor has given, less what was written off, is the debt to him",
        violations: "SELECT 'creditor', c.owner, NULL, 'given ' || -sum(c.amount) FROM totals c \
            WHERE c.kind IN ('credit-extended', 'credit-extended-pending', 'write-offs') GROUP BY c.owner \
            HAVING -sum(c.amount) <> coalesce((SELECT sum(t.amount) FROM instruments i JOIN totals t \
            ON t.owner = i.number AND t.kind IN ('debt', 'debt-pending') WHERE i.recipient = c.owner), 0)",
    },
    Invariant {
        name: "what is open of all debt Pays is the debt",
        violations: "SELECT 'instrument', i.number, i.id, 'owed ' || sum(t.amount) || ', open ' || \
            coalesce((SELECT sum(o.amount) FROM open_debts o WHERE o.instrument = i.number), 0) \
            FROM instruments i JOIN totals t ON t.owner = i.number AND t.kind IN ('debt', 'debt-pending') \
            GROUP BY i.number, i.id HAVING sum(t.amount) <> \
            coalesce((SELECT sum(o.amount) FROM open_debts o WHERE o.instrument = i.number), 0)",
    },
    Invariant {
        name: "no debt Pay is open for more than its amount less its refunds",
        violations: "SELECT 'transaction', t.number, t.id, 'open ' || o.amount FROM open_debts o \
            JOIN transactions t ON t.number = o.transaction_number WHERE o.amount > t.amount - t.refunded",
    },
    Invariant {
        name: "refunds are never above the payment and add up",
        violations: "SELECT 'transaction', t.number, t.id, 'refunded ' || t.refunded || ', refunds ' || \
            coalesce((SELECT sum(r.amount) FROM transactions r WHERE r.original = t.number \
            AND r.refund_policy <> 'MarketplaceTxnOnly'), 0) FROM transactions t \
            WHERE t.refunded > coalesce(t.settled, t.amount) OR t.refunded <> \
            coalesce((SELECT sum(r.amount) FROM transactions r WHERE r.original = t.number \
            AND r.refund_policy <> 'MarketplaceTxnOnly'), 0)",
    },
    Invariant {
        name: "fees given back are never above the fee and add up",
        violations: "SELECT 'transaction', t.number, t.id, 'fee ' || t.fee || ', given back ' || t.fee_returned \
            FROM transactions t WHERE t.original IS NULL AND (t.fee_returned > t.fee OR t.fee_returned <> \
            coalesce((SELECT -sum(r.fee) FROM transactions r WHERE r.original = t.number), 0))",
    },
    Invariant {
        name: "every caller reference that made something points to a transaction under that reference",
        violations: "SELECT 'caller', r.caller, NULL, 'reference ' || r.reference FROM caller_references r \
            LEFT JOIN transactions t ON t.number = r.transaction_number WHERE r.transaction_number IS NOT NULL \
            AND (t.number IS NULL OR t.caller <> r.caller OR t.caller_reference <> r.reference OR t.operation <> \
            CASE r.action WHEN 'CancelSubscriptionAndRefund' THEN 'Refund' ELSE r.action END)",
    },
    Invariant {
        name: "no caller reference of an action has two effects within its seven days",
        violations: "SELECT 'caller', a.caller, NULL, 'reference ' || a.caller_reference FROM transactions a \
            JOIN caller_references r ON r.caller = a.caller AND r.reference = a.caller_reference \
            AND CASE r.action WHEN 'CancelSubscriptionAndRefund' THEN 'Refund' ELSE r.action END = a.operation \
            WHERE r.transaction_number IS NOT NULL AND a.received >= r.expires - 604800000 \
            AND NOT EXISTS (SELECT 1 FROM caller_references o WHERE o.caller = a.caller \
            AND o.reference = a.caller_reference AND o.transaction_number = a.number)",
    },
    Invariant {
        name: "a transaction is pending or reserved exactly while work on it is due",
        violations: "SELECT 'transaction', t.number, t.id, t.status FROM transactions t \
            WHERE (t.status IN ('Pending', 'Reserved')) <> EXISTS (SELECT 1 FROM due d WHERE d.transaction_number = t.number)",
    },
    Invariant {
        name: "no due work was set aside because it failed",
        violations: "SELECT 'transaction', d.transaction_number, t.id, d.problem \
            FROM due d LEFT JOIN transactions t ON t.number = d.transaction_number WHERE d.problem IS NOT NULL",
    },
    Invariant {
        name: "a token is never used beyond its global amount limit",
        violations: "SELECT 'token', number, id, 'spent ' || spent || ', limit ' || coalesce(CAST(global_limit AS TEXT), 'none') FROM tokens \
            WHERE spent < 0 OR spent > global_limit",
    },
    Invariant {
        name: "the world has a row of its own, with the seed of its ids and its clock",
        violations: "SELECT 'rows', count(*), NULL, NULL FROM world HAVING count(*) <> 1",
    },
];
